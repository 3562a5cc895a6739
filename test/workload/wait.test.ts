import { expect, test } from 'vitest'
import { randomStream } from '../../src/lib/random.js'
import { timerLatenessMilliseconds, timerMilliseconds } from '../../src/workload/wait.js'

test('waits are rounded to whole milliseconds such that their mean, with the lateness of timers, is right', () => {
  const random = randomStream(1, 'wait')
  for (const seconds of [0.0003, 0.0015, 0.002, 0.0127]) {
    let sum = 0
    const n = 200_000
    for (let i = 0; i < n; i++) sum += timerMilliseconds(seconds, random.uniform())
    const mean = sum / n + timerLatenessMilliseconds
    expect(Math.abs(mean - seconds * 1000)).toBeLessThan(0.005)
  }
})

test('what is shorter than the lateness of a timer is not waited for', () => {
  expect(timerMilliseconds(0, 0.999)).toBe(0)
  expect(timerMilliseconds(0.00005, 0.9)).toBe(0)
})
