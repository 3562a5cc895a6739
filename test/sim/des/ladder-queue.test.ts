import { describe, expect, it } from 'vitest'
import { type RandomStream, randomStream } from '../../../src/lib/random.js'
import { LadderQueue } from '../../../src/sim/des/ladder-queue.js'

interface Entry {
  readonly time: number
  readonly payload: number
}

/** All entries in the order in which they come out. */
const drained = (queue: LadderQueue): Entry[] => {
  const out: Entry[] = []
  while (queue.size > 0) {
    const time = queue.peekTime()
    queue.pop()
    if (queue.time !== time || queue.stamp !== ~queue.payload) expect.fail('an entry came apart')
    out.push({ time, payload: queue.payload })
  }
  expect(queue.peekTime()).toBe(Number.POSITIVE_INFINITY)
  return out
}

/** By time, ties by payload, which counts the pushes. */
const inOrder = (entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => a.time - b.time || a.payload - b.payload)

const shapes: Record<string, (stream: RandomStream, i: number) => number> = {
  exponential: (stream) => stream.exponential(),
  'short among long': (stream) => (stream.uniform() < 0.9 ? 1e-3 : 10) * stream.exponential(),
  'whole seconds (many ties)': (stream) => Math.floor(stream.uniform() * 5),
  'one time for all': () => 1,
  'ever shorter': (_, i) => 1 / (1 + i),
  'over twelve decades': (stream) => 10 ** (stream.uniform() * 12 - 6),
  'clusters a billionth of a second wide': (stream) => Math.floor(stream.uniform() * 3) + stream.uniform() * 1e-9,
  'too close for a finer division': (stream) => stream.uniform() * Number.MIN_VALUE * 8,
}

describe('the queue of pending delays', () => {
  it.each(Object.entries(shapes))('gives back what was pushed by time, ties in order of pushing: %s', (name, delay) => {
    const stream = randomStream(1, name)
    for (const count of [1, 63, 65, 300, 20_000]) {
      const queue = new LadderQueue()
      const entries = Array.from({ length: count }, (_, i) => ({ time: delay(stream, i), payload: i }))
      for (const { time, payload } of entries) queue.push(payload, ~payload, time)
      expect(queue.size).toBe(count)
      expect(drained(queue)).toEqual(inOrder(entries))
    }
  })

  it.each(Object.entries(shapes))('keeps that order while time goes on and more is pushed: %s', (name, delay) => {
    for (const pending of [5, 70, 1000, 15_000]) {
      const stream = randomStream(pending, name)
      const queue = new LadderQueue()
      const pushed: Entry[] = []
      const popped: Entry[] = []
      const push = (now: number): void => {
        const entry = { time: now + delay(stream, pushed.length), payload: pushed.length }
        pushed.push(entry)
        queue.push(entry.payload, ~entry.payload, entry.time)
      }
      for (let i = 0; i < pending; i++) push(0)
      for (let i = 0; i < 3 * pending + 2000; i++) {
        queue.pop()
        popped.push({ time: queue.time, payload: queue.payload })
        // Bursts and pauses: the number pending swells and shrinks.
        const pushes = i % 7 === 0 ? 5 : i % 7 < 3 ? 1 : 0
        for (let p = 0; p < pushes; p++) push(queue.time)
        if (queue.size === 0) push(queue.time)
      }
      popped.push(...drained(queue))
      expect(popped).toEqual(inOrder(pushed))
    }
  })

  it('takes a flood of near entries, and entries of the past, in front of far ones', () => {
    const stream = randomStream(3, 'flood')
    const queue = new LadderQueue()
    const entries: Entry[] = []
    const push = (time: number): void => {
      entries.push({ time, payload: entries.length })
      queue.push(entries.length - 1, -entries.length, time)
    }
    for (let i = 0; i < 5000; i++) push(1000 + stream.uniform())
    expect(queue.peekTime()).toBe(Math.min(...entries.map(({ time }) => time)))
    for (let i = 0; i < 5000; i++) push(stream.uniform())
    push(-1)
    expect(queue.peekTime()).toBe(-1)
    expect(drained(queue)).toEqual(inOrder(entries))
  })

  it('forgets everything when cleared and can be used again', () => {
    const stream = randomStream(4, 'clear')
    const queue = new LadderQueue()
    for (const count of [10, 100, 10_000]) {
      for (let i = 0; i < count; i++) queue.push(i, ~i, stream.exponential())
      for (let i = 0; i < count / 2; i++) queue.pop()
      queue.clear()
      expect([queue.size, queue.peekTime()]).toEqual([0, Number.POSITIVE_INFINITY])
      queue.push(2, ~2, 7)
      queue.push(1, ~1, 6)
      expect(drained(queue)).toEqual([
        { time: 6, payload: 1 },
        { time: 7, payload: 2 },
      ])
    }
  })

  it('reuses what it has: a million events leave its memory as large as the first hundred thousand did', () => {
    const stream = randomStream(5, 'memory')
    const queue = new LadderQueue()
    for (let i = 0; i < 20_000; i++) queue.push(i, ~i, stream.exponential())
    const run = (events: number): void => {
      for (let i = 0; i < events; i++) {
        queue.pop()
        queue.push(queue.payload, queue.stamp, queue.time + stream.exponential())
      }
    }
    run(100_000)
    const before = queue.capacityBytes
    run(1_000_000)
    expect(queue.capacityBytes).toBe(before)
    expect(before).toBeLessThan(20_000 * 16 * 5)
  })
})
