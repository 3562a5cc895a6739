import fc from 'fast-check'
import { expect, it } from 'vitest'
import { StaleMemory } from '../../../src/sim/des/stale-memory.js'
import { StaleMemory as OfTheService } from '../../../src/workload/stale.js'

it('remembers exactly what the memory of the workload service does', () => {
  const stores = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300 })
  fc.assert(
    fc.property(
      stores,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 200 }),
      (keys, capacity, staleFor) => {
        const ours = new StaleMemory(capacity)
        const theirs = new OfTheService(staleFor, capacity)
        for (const [now, key] of keys.entries()) {
          ours.remember(key, now)
          theirs.store(key, now)
          for (let other = 0; other <= 40; other++) expect(ours.has(other, now, staleFor)).toBe(theirs.has(other, now))
        }
      },
    ),
    { numRuns: 40 },
  )
})

it('forgets nothing that it has room for, and has no limit of age where none is given', () => {
  const memory = new StaleMemory()
  for (let key = 0; key < 100_000; key++) memory.remember(key, 0)
  expect([0, 99_999, 100_000].map((key) => memory.has(key, 1e9, undefined))).toEqual([true, true, false])
  memory.remember(100_000, 1)
  expect([0, 1, 100_000].map((key) => memory.has(key, 1e9, undefined))).toEqual([false, true, true])
})
