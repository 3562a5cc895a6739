import { expect, test } from 'vitest'
import { tiltedMix } from '../../src/run/measured-loads.js'

const sum = (mix: Readonly<Record<string, number>> | undefined): number =>
  Object.values(mix ?? {}).reduce((total, share) => total + share, 0)

test('the first runs have the usual mix, the next more of the rarest class, then of the next rarest, and so on', () => {
  const mix = { view: 0.7, buy: 0.1, search: 0.2 }
  const [usual, first, second, third, fourth] = [0, 1, 2, 3, 4].map((repeat) => tiltedMix(mix, repeat))
  expect(usual).toBeUndefined()
  expect(first?.buy).toBeCloseTo(0.225, 12)
  expect(first?.view).toBeCloseTo((0.7 * 0.775) / 0.9, 12)
  expect(second?.search).toBeCloseTo(0.325, 12)
  expect(third?.view).toBeCloseTo(0.825, 12)
  expect(fourth).toEqual(first)
  for (const tilted of [first, second, third]) expect(sum(tilted)).toBeCloseTo(1, 12)
})

test('a class that is nearly all is raised by half of what it lacks', () => {
  expect(tiltedMix({ a: 0.9, b: 0.1 }, 2)?.a).toBeCloseTo(0.95, 12)
})

test('where there is one class, there is nothing to tell apart', () => {
  expect(tiltedMix({ a: 1 }, 1)).toBeUndefined()
})
