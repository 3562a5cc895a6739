import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CommitLog } from '../../../src/sim/state/commit-log.js'
import { Effects } from '../../../src/sim/state/effects.js'
import { Transactions } from '../../../src/sim/state/transactions.js'

describe('effects of a request', () => {
  it('that a retry repeats are counted once the request is over', () => {
    const effects = new Effects()
    const charge = effects.register(1)
    const items = effects.register(3)
    for (let i = 0; i < 3; i++) effects.happened(4, items)
    effects.happened(4, charge)
    effects.happened(4, charge)
    effects.happened(5, charge)
    effects.ended(4)
    effects.ended(5)
    expect([effects.doubled, effects.doubledRequests, effects.size]).toEqual([1, 1, 0])
  })

  it('that stores recognise as repeated happen once', () => {
    const effects = new Effects()
    const charge = effects.register(1)
    expect(effects.recognises(4, charge)).toBe(false)
    effects.happened(4, charge)
    expect(effects.recognises(4, charge)).toBe(true)
    effects.ended(4)
    expect([effects.doubled, effects.recognised]).toEqual([0, 1])
  })

  it('that were undone before they were repeated are not double', () => {
    const effects = new Effects()
    const charge = effects.register(1)
    effects.happened(4, charge)
    effects.undone(4, charge)
    effects.happened(4, charge)
    effects.ended(4)
    expect(effects.doubled).toBe(0)
  })

  it('belong to one request only, though its number is used again', () => {
    const effects = new Effects()
    const charge = effects.register(1)
    for (let i = 0; i < 1000; i++) {
      effects.happened(i % 40, charge)
      effects.ended(i % 40)
    }
    expect([effects.doubled, effects.size]).toEqual([0, 0])
  })
})

describe('a log of commits', () => {
  it('loses what came within the lag before the crash, newest first', () => {
    const log = new CommitLog()
    const lag = 0.1
    for (let i = 0; i < 100; i++) log.add(i * 0.01, i * 0.01 - lag, i, 7, 1)
    const lost: number[] = []
    // At 1.0 s, what was committed after 0.9 s: 0.91 to 0.99.
    expect(log.loseAfter(1.0 - lag, (counter) => lost.push(counter))).toBe(9)
    expect(lost).toEqual([99, 98, 97, 96, 95, 94, 93, 92, 91])
  })

  it('keeps no more than can be lost, and agrees with a list', () => {
    const commit = fc.record({ after: fc.integer({ min: 0, max: 5 }), lose: fc.boolean() })
    fc.assert(
      fc.property(fc.array(commit, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (commits, lag) => {
        const log = new CommitLog()
        let list: { at: number; id: number }[] = []
        let now = 0
        for (const [id, { after, lose }] of commits.entries()) {
          now += after
          if (lose) {
            const expected = list.filter(({ at }) => at > now - lag).map((entry) => entry.id)
            list = list.filter(({ at }) => at <= now - lag)
            const lost: number[] = []
            expect(log.loseAfter(now - lag, (counter) => lost.push(counter))).toBe(expected.length)
            expect(lost).toEqual(expected.reverse())
          } else {
            log.add(now, now - lag, id, 0, 1)
            list.push({ at: now, id })
            expect(log.size).toBe(list.filter(({ at }) => at > now - lag).length)
          }
        }
        log.forgetUntil(now)
        expect(log.size).toBe(0)
      }),
    )
  })
})

describe('open transactions', () => {
  it('tell all that their owner changed, newest first, and nothing of others', () => {
    const transactions = new Transactions()
    transactions.changed(3, 0, 1, 1, 10)
    transactions.changed(4, 0, 2, 1, 11)
    transactions.changed(3, -1, 5, 0, 12)
    const told: number[][] = []
    transactions.end(3, (...change) => told.push(change))
    expect(told).toEqual([
      [-1, 5, 0, 12],
      [0, 1, 1, 10],
    ])
    transactions.end(3, () => told.push([]))
    transactions.end(99, () => told.push([]))
    expect(told).toHaveLength(2)
    expect(transactions.size).toBe(1)
  })
})
