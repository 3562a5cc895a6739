import { expect, test } from 'vitest'
import { StaleMemory } from '../../src/workload/stale.js'

test('memory is bounded: what was stored longest ago goes first', () => {
  const memory = new StaleMemory(undefined, 3)
  for (const key of [1, 2, 3, 1, 4]) memory.store(key, 0)
  expect([1, 2, 3, 4].map((key) => memory.has(key, 1e9))).toEqual([true, false, true, true])
})

test('what is older than staleFor is not served', () => {
  const memory = new StaleMemory(10)
  memory.store(1, 100)
  expect([memory.has(1, 110), memory.has(1, 110.001), memory.has(2, 100)]).toEqual([true, false, false])
})
