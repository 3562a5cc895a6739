import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Counters, conflict, soldOut, taken } from '../../../src/sim/state/counters.js'

describe('a counter', () => {
  it('gives what it has, refuses the rest, and takes back what is released', () => {
    const counters = new Counters()
    const stock = counters.counter(3)
    expect([0, 1, 2, 3].map(() => counters.take(stock, 9, 1))).toEqual([taken, taken, taken, soldOut])
    for (let i = 0; i < 3; i++) counters.confirm(stock, 9, 1)
    counters.give(stock, 9, 1)
    counters.confirm(stock, 9, -1)
    expect(counters.valueOf(stock, 9)).toBe(1)
    expect(counters.valueOf(stock, 8)).toBe(3)
    expect(counters.take(stock, 9, 2)).toBe(soldOut)
    expect(counters.of(stock)).toMatchObject({ reserved: 3, released: 1, soldOut: 2, oversold: 0, lowest: 0 })
  })

  it('under a version lets the second of two readers fail, not overwrite', () => {
    const counters = new Counters()
    const stock = counters.counter(5)
    counters.read(stock, 1, 100)
    counters.read(stock, 1, 200)
    expect(counters.takeUnchanged(stock, 1, 1, 200)).toBe(taken)
    expect(counters.takeUnchanged(stock, 1, 1, 100)).toBe(conflict)
    expect(counters.valueOf(stock, 1)).toBe(4)
    counters.read(stock, 1, 100)
    expect(counters.takeUnchanged(stock, 1, 1, 100)).toBe(taken)
    expect(counters.of(stock)).toMatchObject({ conflicts: 1, oversold: 0 })
  })

  it('under no guard sells the last piece to everyone who had read it', () => {
    const counters = new Counters()
    const stock = counters.counter(1)
    for (const reader of [1, 2, 3]) counters.read(stock, 1, reader)
    for (const reader of [1, 2, 3]) {
      expect(counters.overwrite(stock, 1, 1, reader)).toBe(taken)
      counters.confirm(stock, 1, 1)
    }
    // The store sees nothing wrong.
    expect(counters.valueOf(stock, 1)).toBe(0)
    expect(counters.of(stock)).toMatchObject({ oversold: 2, oversoldKeys: 1, worstOversold: 2, lowest: 0 })
  })

  it('sells again what a failover has lost', () => {
    const counters = new Counters()
    const stock = counters.counter(2)
    for (let i = 0; i < 2; i++) {
      counters.take(stock, 1, 1)
      counters.confirm(stock, 1, 1)
    }
    counters.revert(stock, 1, 1)
    expect(counters.take(stock, 1, 1)).toBe(taken)
    counters.confirm(stock, 1, 1)
    expect(counters.of(stock)).toMatchObject({ oversold: 1, worstOversold: 1 })
  })

  it('does not count what a transaction took and gave up', () => {
    const counters = new Counters()
    const stock = counters.counter(1)
    counters.take(stock, 1, 1)
    counters.revert(stock, 1, 1)
    expect(counters.take(stock, 1, 1)).toBe(taken)
    counters.confirm(stock, 1, 1)
    expect(counters.of(stock)).toMatchObject({ reserved: 1, oversold: 0 })
  })

  it('that its store forgets is full again: what was sold is sold twice', () => {
    const counters = new Counters()
    const other = counters.counter(7)
    const stock = counters.counter(2)
    for (const key of [1, 2])
      for (let i = 0; i < 2; i++) {
        counters.take(stock, key, 1)
        counters.confirm(stock, key, 1)
      }
    counters.take(other, 2, 3)
    counters.forget(stock, (key) => key === 2)
    expect([counters.valueOf(stock, 1), counters.valueOf(stock, 2), counters.valueOf(other, 2)]).toEqual([0, 2, 4])
    counters.take(stock, 2, 2)
    counters.confirm(stock, 2, 2)
    expect(counters.of(stock)).toMatchObject({ oversold: 2, oversoldKeys: 1 })
  })

  it('never oversells under a guard, however readers and writers interleave', () => {
    const move = fc.record({
      reader: fc.integer({ min: 0, max: 4 }),
      key: fc.integer({ min: 0, max: 2 }),
      amount: fc.integer({ min: 1, max: 3 }),
      act: fc.constantFrom('read', 'version', 'lua', 'give'),
    })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 120 }), fc.integer({ min: 0, max: 10 }), (moves, initial) => {
        const counters = new Counters()
        const stock = counters.counter(initial)
        const held = [0, 0, 0]
        for (let reader = 0; reader < 5; reader++)
          for (const key of [0, 1, 2]) counters.read(stock, key, reader * 3 + key)
        for (const { reader, key, amount, act } of moves) {
          const mine = held[key] ?? 0
          if (act === 'read') counters.read(stock, key, reader * 3 + key)
          else if (act === 'give') {
            if (mine < amount) continue
            counters.give(stock, key, amount)
            counters.confirm(stock, key, -amount)
            held[key] = mine - amount
          } else {
            const got =
              act === 'lua'
                ? counters.take(stock, key, amount)
                : counters.takeUnchanged(stock, key, amount, reader * 3 + key)
            if (got !== taken) continue
            counters.confirm(stock, key, amount)
            held[key] = mine + amount
          }
          expect(counters.valueOf(stock, key)).toBe(initial - (held[key] ?? 0))
          expect(held[key]).toBeLessThanOrEqual(initial)
        }
        expect(counters.of(stock).oversold).toBe(0)
        expect(counters.of(stock).lowest).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
