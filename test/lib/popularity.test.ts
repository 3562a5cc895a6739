import { describe, expect, it } from 'vitest'
import { AliasTable, type KeyTable, keyTable } from '../../src/lib/popularity.js'
import { randomStream } from '../../src/lib/random.js'

/** Exact probability of each key: the share of [0, 1) that draws it, from the edges at which the key changes. */
const shares = (table: KeyTable, keys: number, parts: number): Float64Array => {
  const found = new Float64Array(keys)
  for (let i = 0; i < parts; i++) {
    const key = table.draw((i + 0.5) / parts)
    found[key] = (found[key] ?? 0) + 1 / parts
  }
  return found
}

describe('keys', () => {
  it('uniform: each has the same share', () => {
    const found = shares(keyTable({ law: 'uniform' }, 7), 7, 70_000)
    for (const share of found) expect(share).toBeCloseTo(1 / 7, 4)
  })

  it.each([0.8, 1, 1.4])('zipf(%d): the key of rank k has its share of k^−s', (exponent) => {
    const keys = 100
    const found = shares(keyTable({ law: 'zipf', exponent }, keys), keys, 1_000_000)
    const weights = Array.from({ length: keys }, (_, k) => (k + 1) ** -exponent)
    const sum = weights.reduce((a, b) => a + b, 0)
    found.forEach((share, k) => {
      expect(Math.abs(share - (weights[k] as number) / sum)).toBeLessThan(2e-4)
    })
  })

  it('stay within their set at both ends of the unit interval', () => {
    for (const keys of [1, 2, 3, 1000, 9973])
      for (const table of [keyTable({ law: 'uniform' }, keys), keyTable({ law: 'zipf', exponent: 0.99 }, keys)]) {
        expect(table.draw(0)).toBeGreaterThanOrEqual(0)
        expect(table.draw(1 - 2 ** -53)).toBeLessThan(keys)
      }
  })

  it('a million of them, drawn by a stream, come as often as they should', () => {
    const keys = 1_000_000
    const table = keyTable({ law: 'zipf', exponent: 1 }, keys)
    const stream = randomStream(1, 'keys')
    const draws = 1_000_000
    let first = 0
    let upper = 0
    for (let i = 0; i < draws; i++) {
      const key = table.draw(stream.uniform())
      if (key === 0) first++
      if (key >= keys / 2) upper++
    }
    const harmonic = Math.log(keys) + 0.5772156649015329
    expect(Math.abs(first / draws - 1 / harmonic)).toBeLessThan(0.0009)
    expect(Math.abs(upper / draws - Math.log(2) / harmonic)).toBeLessThan(0.0008)
  })

  it('weights of 0 are never drawn, whatever the rest', () => {
    const found = shares(new AliasTable(Float64Array.of(0, 5, 0, 1, 0, 2)), 6, 80_000)
    expect([...found].map((share) => Number(share.toFixed(4)))).toEqual([0, 0.625, 0, 0.125, 0, 0.25])
  })
})
