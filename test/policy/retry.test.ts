import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffSeconds, retryBudget, retryBudgetCap } from '../../src/policy/retry.js'

const policy = { backoffSeconds: 0.1, maxBackoffSeconds: 0.5, jitter: 'none' } as const

test('backoff doubles from retry to retry and stops at its maximum', () => {
  expect([1, 2, 3, 4, 5].map((retry) => backoffSeconds(policy, retry, 0.9))).toEqual([0.1, 0.2, 0.4, 0.5, 0.5])
})

test('full jitter draws from the whole delay, equal jitter from its upper half', () => {
  expect(backoffSeconds({ ...policy, jitter: 'full' }, 2, 0)).toBe(0)
  expect(backoffSeconds({ ...policy, jitter: 'full' }, 2, 0.5)).toBe(0.1)
  expect(backoffSeconds({ ...policy, jitter: 'equal' }, 2, 0)).toBe(0.1)
  expect(backoffSeconds({ ...policy, jitter: 'equal' }, 2, 0.5)).toBeCloseTo(0.15)
})

test('retries never exceed their share of first attempts, whatever the order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 500 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (calls, share) => {
        const budget = retryBudget(share)
        let firsts = 0
        let retries = 0
        for (const isFirst of calls) {
          if (isFirst) {
            budget.first()
            firsts++
          } else if (budget.take()) retries++
          expect(retries).toBeLessThanOrEqual(share * firsts + 1e-6)
        }
      },
    ),
  )
})

test('a budget of 20 % under total failure allows one retry for five first attempts', () => {
  const budget = retryBudget(0.2)
  let retries = 0
  for (let i = 0; i < 1000; i++) {
    budget.first()
    if (budget.take()) retries++
  }
  expect(retries).toBe(200)
})

test('a long calm saves up no more than the cap', () => {
  const budget = retryBudget(0.2)
  for (let i = 0; i < 100_000; i++) budget.first()
  let retries = 0
  while (budget.take()) retries++
  expect(retries).toBe(retryBudgetCap)
})

test('a delay is never longer than the maximum, nor negative, whatever the jitter', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('none', 'full', 'equal'),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (jitter, retry, uniform) => {
        const delay = backoffSeconds({ ...policy, jitter }, retry, uniform)
        expect(delay).toBeGreaterThanOrEqual(jitter === 'equal' ? 0.05 : 0)
        expect(delay).toBeLessThanOrEqual(0.5)
      },
    ),
  )
})

test('in any stretch of calls retries are at most their share of it and what was saved up', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (calls, share) => {
        const budget = retryBudget(share)
        for (let i = 0; i < 10_000; i++) budget.first()
        let firsts = 0
        let retries = 0
        for (const isFirst of calls) {
          if (isFirst) {
            budget.first()
            firsts++
          } else if (budget.take()) retries++
          expect(retries).toBeLessThanOrEqual(share * firsts + retryBudgetCap + 1e-6)
        }
      },
    ),
  )
})
