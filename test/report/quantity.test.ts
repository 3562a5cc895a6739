import { expect, test } from 'vitest'
import {
  formatMilliseconds,
  formatNumber,
  formatRate,
  formatRatio,
  formatSeconds,
  formatSignedRatio,
  unitOf,
} from '../../src/report/quantity.js'

test('times keep three digits in the unit that suits them', () => {
  expect([0, 0.0000042, 0.00083, 0.001234, 0.0999, 0.9994, 0.9996, 12, 100].map((s) => formatSeconds(s))).toEqual([
    '0 s',
    '4.20 µs',
    '830 µs',
    '1.23 ms',
    '99.9 ms',
    '999 ms',
    '1.00 s',
    '12.0 s',
    '100 s',
  ])
})

test('ratios are per cent, and a small one is not rounded to nothing', () => {
  expect([0, 0.00004, 0.005, 0.1234, 1].map((r) => formatRatio(r))).toEqual([
    '0.0 %',
    '0.004 %',
    '0.5 %',
    '12.3 %',
    '100 %',
  ])
  expect(formatSignedRatio(0.1)).toBe('+10.0 %')
  expect(formatSignedRatio(-0.1)).toBe('-10.0 %')
  expect([0.00001, -0.00001, 0, 3.5].map((r) => formatSignedRatio(r))).toEqual(['0.0 %', '0.0 %', '0.0 %', '+350 %'])
})

test('what is missing is a dash', () => {
  expect([formatSeconds(null), formatRatio(undefined), formatMilliseconds(null), formatNumber(null)]).toEqual([
    '–',
    '–',
    '–',
    '–',
  ])
})

test('counts stay whole, rates say so', () => {
  expect([formatNumber(12345), formatNumber(0.5), formatRate(199.96)]).toEqual(['12345', '0.500', '200/s'])
})

test('the unit of an expression follows from its words', () => {
  expect(
    ['all.latency.p95 < 80ms', 'all.errors < 1%', 'all.ratePerSecond > 10/s', 'app.hitRatio > 50%'].map(unitOf),
  ).toEqual(['seconds', 'ratio', 'per-second', 'ratio'])
})
