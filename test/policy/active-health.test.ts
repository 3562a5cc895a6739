import { expect, test } from 'vitest'
import { ActiveHealth } from '../../src/policy/active-health.js'

const options = { intervalSeconds: 2, timeoutSeconds: 1, rise: 2, fall: 3 }
const bad = false
const good = true

test('three failures in a row take a peer out, two successes in a row bring it back', () => {
  const health = new ActiveHealth(1, options)
  const turned = [bad, bad, bad, good, bad, good, good].map((well) => [health.probed(0, well), health.up(0)])
  expect(turned).toEqual([
    [false, true],
    [false, true],
    [true, false],
    [false, false],
    [false, false],
    [false, false],
    [true, true],
  ])
})

test('a single success between failures begins the count anew', () => {
  const health = new ActiveHealth(1, options)
  for (const well of [bad, bad, good, bad, bad]) health.probed(0, well)
  expect(health.up(0)).toBe(true)
  expect(health.probed(0, bad)).toBe(true)
})

test('peers are judged one by one, and one that begins anew has no past', () => {
  const health = new ActiveHealth(2, options, false)
  expect([health.up(0), health.up(1)]).toEqual([false, false])
  health.probed(0, good)
  health.probed(1, good)
  health.renew(1, false)
  expect([health.probed(0, good), health.probed(1, good)]).toEqual([true, false])
})

test('probes of a group are spread over the interval, and one that takes longer than it delays the next', () => {
  const health = new ActiveHealth(4, options)
  expect([0, 1, 2, 3].map((peer) => health.firstProbeAt(peer, 10))).toEqual([10, 10.5, 11, 11.5])
  expect(health.nextProbeAt(10, 10.2)).toBe(12)
  expect(health.nextProbeAt(10, 13)).toBe(13)
})
