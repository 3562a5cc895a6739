import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatRate,
  formatRatio,
  formatSeconds,
  parseDuration,
  parseGrowthRate,
  parsePercentage,
  parsePrice,
  parseRate,
  parseRatio,
  parseSize,
} from '../../src/lib/units.js'

const value = (parsed: ReturnType<typeof parseDuration>): number | string => (parsed.ok ? parsed.value : parsed.message)

describe('quantities', () => {
  it.each([
    [parseDuration, '60us', 60e-6],
    [parseDuration, '0.06ms', 60e-6],
    [parseDuration, '1e-3s', 0.001],
    [parseDuration, '.5m', 30],
    [parseDuration, '1.5 h', 5400],
    [parseDuration, '7d', 604_800],
    [parseDuration, '12 months', 31_104_000],
    [parseDuration, '0s', 0],
    [parseSize, '512B', 512],
    [parseSize, '1.5GiB', 1.5 * 1024 ** 3],
    [parseRate, '300/s', 300],
    [parseRate, '90/m', 1.5],
    [parseRate, '7200/h', 2],
    [parseRatio, '0.5%', 0.005],
    [parseRatio, '29%', 0.29],
    [parseRatio, '100%', 1],
    [parsePercentage, '150%', 1.5],
    [parsePrice, '0.34/h', 0.34],
    [parsePrice, '73/month', 0.1],
    [parseGrowthRate, '8%/month', 0.08],
  ])('%# %s', (parse, text, expected) => {
    expect(value(parse(text))).toBe(expected)
  })

  it.each([
    [parseDuration, '5', '"5" has no unit: expected a duration such as 250ms'],
    [parseDuration, '0', '"0" has no unit: expected a duration such as 250ms'],
    [parseDuration, '5 sec', 'unknown unit "sec" in "5 sec": expected a duration such as 250ms'],
    [parseDuration, '-5s', '"-5s" is negative: expected a duration such as 250ms'],
    [parseDuration, '1e999s', '"1e999s" is larger than anything that can be meant by a duration'],
    [parseDuration, 'NaNs', 'expected a duration such as 250ms, got "NaNs"'],
    [parseDuration, '', 'expected a duration such as 250ms, got ""'],
    [parseDuration, '5toString', 'unknown unit "toString" in "5toString": expected a duration such as 250ms'],
    [parseSize, '5GB', 'unknown unit "GB" in "5GB": expected a size such as 2KiB'],
    [parseRatio, '101%', '"101%" is more than 100%: expected a percentage from 0% to 100%'],
    [parseRatio, '0.8', '"0.8" has no unit: expected a percentage such as 80%'],
    [parseRate, '5rps', 'unknown unit "rps" in "5rps": expected a rate such as 300/s'],
  ])('%# %s is refused', (parse, text, message) => {
    expect(value(parse(text))).toBe(message)
  })

  it.each([
    [parseDuration, '5sec', 'did you mean "s"?'],
    [parseDuration, '5min', 'did you mean "m"?'],
    [parseDuration, '5µs', 'did you mean "us"?'],
    [parseSize, '5GB', 'did you mean "GiB"?'],
    [parseRate, '5rps', 'did you mean "/s"?'],
  ])('%# the unit that was meant by %s', (parse, text, hint) => {
    const parsed = parse(text)
    expect(parsed.ok ? undefined : parsed.hint).toBe(hint)
  })
})

describe('what people read', () => {
  it.each([
    [0, '0 s'],
    [0.0000123, '12.3 us'],
    [0.00045, '450 us'],
    [0.0123, '12.3 ms'],
    [0.9999, '1 s'],
    [0.0009999, '1 ms'],
    [1.5, '1.5 s'],
    [59.96, '60 s'],
    [125, '2 m 5 s'],
    [7200, '2 h'],
    [9000, '2 h 30 m'],
    [259_200, '3 d'],
    [Number.NaN, '-'],
    [Number.POSITIVE_INFINITY, '∞'],
  ])('%d seconds', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it('bytes, rates, ratios and counts', () => {
    expect([0, 512, 2048, 1.5 * 1024 ** 3].map(formatBytes)).toEqual(['0 B', '512 B', '2 KiB', '1.5 GiB'])
    expect([300, 0.2, 0.001, 12.345, 0].map(formatRate)).toEqual(['300/s', '12/m', '3.6/h', '12.3/s', '0/s'])
    expect([0.123456, 1, 0.00045].map(formatRatio)).toEqual(['12.3 %', '100 %', '0.04 %'])
    expect([12, 1234, 1234567].map(formatCount)).toEqual(['12', '1 234', '1 234 567'])
  })
})
