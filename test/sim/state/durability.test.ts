import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Durability, type Persistence } from '../../../src/sim/state/durability.js'
import { RecentWrites } from '../../../src/sim/state/recent-writes.js'

const keepNothing = (): void => undefined

const filled = (persistence: Persistence, lagSeconds: number | undefined, commits: number, everySeconds: number) => {
  const durability = new Durability(persistence, lagSeconds)
  for (let i = 0; i < commits; i++) durability.commit(i * everySeconds, -1, 0, 0)
  return durability
}

describe('what a store can lose', () => {
  it('to a failover: what came within the lag before, and nothing where no copy lags', () => {
    expect(filled('disk', 0.5, 1000, 0.01).failOver(9.995, keepNothing)).toBe(50)
    expect(filled('disk', 0, 1000, 0.01).failOver(9.995, keepNothing)).toBe(0)
    expect(filled('disk', undefined, 1000, 0.01).failOver(9.995, keepNothing)).toBe(0)
  })

  it('to the death of its process: all of what is in memory only, once', () => {
    const memory = filled('none', undefined, 1000, 0.01)
    expect([memory.crash(10, false, keepNothing), memory.crash(11, false, keepNothing)]).toEqual([1000, 0])
    expect(filled('disk', undefined, 1000, 0.01).crash(10, true, keepNothing)).toBe(0)
  })

  it('of an append-only file only with its machine: since the last full second', () => {
    expect(filled('aof', undefined, 1000, 0.01).crash(9.995, false, keepNothing)).toBe(0)
    expect(filled('aof', undefined, 1000, 0.01).crash(9.995, true, keepNothing)).toBe(99)
  })

  it('of snapshots what came since the last: after 60 s with 10,000 changes, 300 s with 100', () => {
    // 100 a second: a snapshot at 100 s (10,000 changes), 200 s; then half of one.
    expect(filled('rdb', undefined, 25_000, 0.01).crash(250, false, keepNothing)).toBeGreaterThanOrEqual(4_990)
    expect(filled('rdb', undefined, 25_000, 0.01).crash(250, false, keepNothing)).toBeLessThanOrEqual(5_010)
    // One a second: a snapshot at 300 s.
    expect(filled('rdb', undefined, 400, 1).crash(400, false, keepNothing)).toBe(99)
    const saved = filled('rdb', undefined, 400, 1)
    saved.saveAll(400)
    expect(saved.crash(401, false, keepNothing)).toBe(0)
  })
})

describe('recent writes', () => {
  it('agree with a list of all writes, whatever is written and asked', () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 3 }),
      key: fc.integer({ min: 0, max: 5 }),
      write: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, lag) => {
        const recent = new RecentWrites(lag)
        const latest = new Map<number, number>()
        let now = 0
        for (const { after: seconds, key, write } of steps) {
          now += seconds
          if (write) {
            recent.write(key, now)
            latest.set(key, now)
          } else expect(recent.isRecent(key, now)).toBe((latest.get(key) ?? Number.NEGATIVE_INFINITY) + lag > now)
        }
      }),
    )
  })
})
