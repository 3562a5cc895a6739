import { expect, it } from 'vitest'
import { DirtyWrites } from '../../../src/sim/state/dirty-writes.js'

it('writes of a key before its flush are one write of the store', () => {
  const dirty = new DirtyWrites()
  expect(dirty.write(7, 1)).toBe(true)
  expect(dirty.write(7, 2)).toBe(false)
  expect(dirty.begin(7)).toBe(true)
  expect(dirty.write(7, 3)).toBe(false)
  expect(dirty.end(7, true)).toBe(0)
  expect(dirty.count).toBe(1)
  expect(dirty.begin(7)).toBe(true)
  expect(dirty.end(7, true)).toBe(0)
  expect(dirty.isDirty(7)).toBe(false)
})

it('what is on its way to the store when the cache dies arrives, or is gone then', () => {
  const arrives = new DirtyWrites()
  const fails = new DirtyWrites()
  for (const dirty of [arrives, fails]) {
    dirty.write(1, 1)
    dirty.begin(1)
    dirty.write(1, 2)
    dirty.write(2, 2)
    expect(dirty.loseAfter(Number.NEGATIVE_INFINITY)).toBe(2)
  }
  expect(arrives.end(1, true)).toBe(0)
  expect(fails.end(1, false)).toBe(1)
  expect(arrives.count + fails.count).toBe(0)
})

it('a cache that remembers up to a time loses only what came after it', () => {
  const dirty = new DirtyWrites()
  dirty.write(1, 1)
  dirty.write(1, 5)
  dirty.write(2, 6)
  expect(dirty.loseAfter(4)).toBe(2)
  expect(dirty.count).toBe(1)
  expect(dirty.isDirty(2)).toBe(false)
})
