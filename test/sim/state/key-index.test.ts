import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyIndex, keyIn } from '../../../src/sim/state/key-index.js'

describe('an index of keys', () => {
  it('finds what a Map would, whatever is added and deleted in between', () => {
    const operation = fc.record({
      add: fc.boolean(),
      space: fc.integer({ min: 0, max: 3 }),
      key: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 9_999_990, max: 10_000_000 })),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const index = new KeyIndex()
        const map = new Map<number, number>()
        for (const [row, { add, space, key }] of operations.entries()) {
          const name = keyIn(space, key)
          if (!add) {
            index.delete(name)
            map.delete(name)
          } else if (!map.has(name)) {
            index.add(name, row)
            map.set(name, row)
          }
          expect(index.get(name)).toBe(map.get(name) ?? -1)
        }
        expect(index.size).toBe(map.size)
        for (const [name, row] of map) expect(index.get(name)).toBe(row)
        const seen = new Map<number, number>()
        index.forEach((name, row) => {
          seen.set(name, row)
        })
        expect(seen).toEqual(map)
      }),
    )
  })

  it('keeps keys of different spaces apart, and spreads those that differ only in it', () => {
    const index = new KeyIndex()
    for (let space = 0; space < 1000; space++) index.add(keyIn(space, 7), space)
    for (let space = 0; space < 1000; space++) expect(index.get(keyIn(space, 7))).toBe(space)
    expect(index.get(keyIn(1000, 7))).toBe(-1)
    expect(index.get(keyIn(0, 8))).toBe(-1)
  })
})
