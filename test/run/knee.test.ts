import { expect, test } from 'vitest'
import { findKnee } from '../../src/run/knee.js'

const search = async (knee: number, startPerSecond: number, mostMeasurements = 20) => {
  const tried: number[] = []
  const found = await findKnee({
    startPerSecond,
    precision: 0.05,
    mostMeasurements,
    carries: async (rate) => {
      tried.push(rate)
      return rate <= knee
    },
  })
  return { found, tried }
}

test.each([
  [600, 100],
  [600, 400],
  [600, 5000],
  [93, 100],
])('a knee of %i/s is found to within 5 % from below, beginning at %i/s', async (knee, start) => {
  const { found = Number.NaN } = await search(knee, start)
  expect(found).toBeLessThanOrEqual(knee)
  expect(found).toBeGreaterThan(knee / 1.05)
})

test('no rate is measured twice', async () => {
  const { tried } = await search(600, 100)
  expect(new Set(tried).size).toBe(tried.length)
})

test('a stack that carries nothing has no knee', async () => {
  const { found, tried } = await search(0, 160)
  expect(found).toBeUndefined()
  expect(tried.at(-1)).toBe(10)
})

test('with few measurements the best known rate is told', async () => {
  expect((await search(600, 100, 4)).found).toBe(400)
})
