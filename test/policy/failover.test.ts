import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Election, Failover, nobody } from '../../src/policy/failover.js'

const make = (election: Election, shards: readonly (readonly number[])[], detectSeconds = 5, promoteSeconds = 20) => {
  const log: string[] = []
  const failover = new Failover({ shards, election, detectSeconds, promoteSeconds }, ({ kind, shard, member }, now) =>
    log.push(`${now} ${kind} ${shard}:${member}`),
  )
  return { failover, log }
}

describe('a primary that dies', () => {
  it('is missed after detect and replaced after promote; later it follows', () => {
    const { failover, log } = make('supervised', [[0, 1]])
    expect(failover.primary(0)).toBe(0)
    expect(failover.copies(0)).toEqual([1])
    failover.lose(0, 100)
    expect(failover.primary(0)).toBe(nobody)
    expect(failover.copies(0)).toEqual([1])
    expect(failover.nextAt).toBe(105)
    failover.advance(105)
    expect(failover.nextAt).toBe(125)
    failover.advance(124.9)
    expect(failover.primary(0)).toBe(nobody)
    failover.advance(125)
    expect(failover.primary(0)).toBe(1)
    expect(failover.copies(0)).toEqual([])
    failover.regain(0, 200)
    expect([failover.primary(0), failover.copies(0)]).toEqual([1, [0]])
    expect(log).toEqual(['105 missed 0:0', '125 promoted 0:1'])
  })

  it('is followed by the copy that turned out to have most, not the first that was up', () => {
    const { failover } = make('supervised', [[0, 1, 2]])
    failover.lose(0, 100)
    failover.advance(125)
    failover.promotedInstead(2, 125)
    expect([failover.primary(0), failover.copies(0)]).toEqual([2, [1]])
    failover.regain(0, 130)
    failover.lose(1, 140)
    expect([failover.primary(0), failover.copies(0)]).toEqual([2, [0]])
  })

  it('is followed by nobody for long if that copy is gone by then', () => {
    const { failover, log } = make('supervised', [[0, 1, 2]])
    failover.lose(0, 100)
    failover.advance(125)
    failover.lose(2, 126)
    failover.promotedInstead(2, 127)
    expect([failover.primary(0), failover.nextAt]).toEqual([nobody, 132])
    failover.advance(200)
    expect(failover.primary(0)).toBe(1)
    expect(log.slice(2)).toEqual(['132 missed 0:2', '152 promoted 0:1'])
  })

  it('and is back before it is missed goes on', () => {
    const { failover, log } = make('supervised', [[0, 1]])
    failover.lose(0, 100)
    failover.regain(0, 104)
    failover.advance(1000)
    expect(failover.primary(0)).toBe(0)
    expect(log).toEqual(['104 returned 0:0'])
  })

  it('without anybody who promotes stays missing until it is back', () => {
    const { failover } = make('none', [[0, 1]])
    failover.lose(0, 100)
    failover.advance(10_000)
    expect([failover.primary(0), failover.copies(0)]).toEqual([nobody, [1]])
    failover.regain(0, 10_000)
    expect(failover.primary(0)).toBe(0)
  })

  it('with its copies waits for the first that is back', () => {
    const { failover, log } = make('supervised', [[0, 1, 2]])
    failover.lose(1, 1)
    failover.lose(2, 2)
    failover.lose(0, 3)
    failover.advance(50)
    expect(log.at(-1)).toBe('8 headless 0:0')
    failover.regain(2, 60)
    failover.advance(80)
    expect(failover.primary(0)).toBe(2)
    expect(log.at(-1)).toBe('80 promoted 0:2')
  })

  it('whose successor dies while it is promoted is replaced by the next one, from the beginning', () => {
    const { failover, log } = make('supervised', [[0, 1, 2]])
    failover.lose(0, 0)
    failover.lose(1, 15)
    failover.advance(100)
    expect(log).toEqual(['5 missed 0:0', '35 promoted 0:2'])
  })
})

describe('a Redis cluster', () => {
  it('of three masters replaces one, and refuses everything from the time it is missed', () => {
    const { failover } = make('masters', [
      [0, 3],
      [1, 4],
      [2, 5],
    ])
    failover.lose(0, 0)
    expect([0, 1, 2].map((shard) => failover.primary(shard))).toEqual([nobody, 1, 2])
    failover.advance(5)
    expect([0, 1, 2].map((shard) => failover.primary(shard))).toEqual([nobody, nobody, nobody])
    expect(failover.copies(1)).toEqual([])
    failover.advance(25)
    expect([0, 1, 2].map((shard) => failover.primary(shard))).toEqual([3, 1, 2])
  })

  it('of two masters elects nobody', () => {
    const { failover, log } = make('masters', [
      [0, 2],
      [1, 3],
    ])
    failover.lose(0, 0)
    failover.advance(1000)
    expect([0, 1].map((shard) => failover.primary(shard))).toEqual([nobody, nobody])
    expect(log).toEqual(['5 missed 0:0', '5 headless 0:0'])
    failover.regain(0, 1000)
    expect([0, 1].map((shard) => failover.primary(shard))).toEqual([0, 1])
  })

  it('that lost two of three masters replaces the second as soon as the first is back', () => {
    const { failover } = make('masters', [
      [0, 3],
      [1, 4],
      [2, 5],
    ])
    failover.lose(0, 0)
    failover.lose(1, 0)
    failover.advance(100)
    expect(failover.primary(2)).toBe(nobody)
    failover.regain(0, 100)
    failover.advance(120)
    expect([0, 1, 2].map((shard) => failover.primary(shard))).toEqual([0, 4, 2])
  })
})

describe('a replica set whose members vote', () => {
  it('of three goes on with two', () => {
    const { failover } = make('members', [[0, 1, 2]], 10, 2)
    failover.lose(0, 0)
    failover.advance(12)
    expect(failover.primary(0)).toBe(1)
  })

  it('of two has no primary when either is gone', () => {
    for (const gone of [0, 1]) {
      const { failover } = make('members', [[0, 1]], 10, 2)
      failover.lose(gone, 0)
      expect(failover.primary(0)).toBe(gone === 0 ? nobody : 0)
      failover.advance(10)
      expect(failover.primary(0)).toBe(nobody)
      expect(failover.copies(0)).toEqual([1 - gone])
      failover.regain(gone, 50)
      failover.advance(52)
      expect(failover.primary(0)).not.toBe(nobody)
    }
  })
})

describe('whatever happens to the members', () => {
  it('a primary is up and one of its shard, copies are up and not the primary, and with all up all is served', () => {
    const event = fc.record({
      member: fc.integer({ min: 0, max: 5 }),
      up: fc.boolean(),
      after: fc.integer({ min: 0, max: 8 }),
    })
    fc.assert(
      fc.property(
        fc.constantFrom<Election>('none', 'supervised', 'masters', 'members'),
        fc.constantFrom(
          [[0, 1, 2, 3, 4, 5]],
          [
            [0, 3],
            [1, 4],
            [2, 5],
          ],
          [
            [0, 2, 4],
            [1, 3, 5],
          ],
        ),
        fc.array(event, { maxLength: 60 }),
        (election, shards, events) => {
          const { failover } = make(election, shards)
          const down = new Set<number>()
          let now = 0
          const check = (): void => {
            for (const [shard, members] of shards.entries()) {
              const primary = failover.primary(shard)
              if (primary !== nobody) {
                expect(members).toContain(primary)
                expect(down.has(primary)).toBe(false)
              }
              for (const copy of failover.copies(shard)) {
                expect(down.has(copy)).toBe(false)
                expect(copy).not.toBe(primary)
              }
            }
          }
          for (const { member, up, after } of events) {
            now += after
            failover.advance(now)
            check()
            if (up) {
              down.delete(member)
              failover.regain(member, now)
            } else {
              down.add(member)
              failover.lose(member, now)
            }
            check()
          }
          for (const member of down) failover.regain(member, now)
          down.clear()
          failover.advance(now + 100)
          for (const shard of shards.keys()) expect(failover.primary(shard)).not.toBe(nobody)
          expect(failover.nextAt).toBe(Number.POSITIVE_INFINITY)
        },
      ),
    )
  })
})
