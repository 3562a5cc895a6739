import fc from 'fast-check'
import { build, decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { describe, expect, it } from 'vitest'
import { PlimsollError } from '../../src/lib/errors.js'
import { emptyHistogram, LatencyHistogram } from '../../src/result/histogram.js'

const of = (seconds: readonly number[]): LatencyHistogram => {
  const histogram = new LatencyHistogram()
  for (const value of seconds) histogram.record(value)
  return histogram
}

const oracle = (micros: readonly number[]) => {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3.6e9,
    numberOfSignificantValueDigits: 3,
  })
  for (const value of micros) histogram.recordValue(value)
  return histogram
}

const samples = fc.array(fc.integer({ min: 0, max: 3_600_000_000 }), { minLength: 1, maxLength: 200 })

describe('latency histogram', () => {
  it('tells quantiles of 1…1000 ms exactly to three digits', () => {
    const latency = of(Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000)).latency()
    expect(latency?.mean).toBeCloseTo(0.5005, 12)
    expect(latency?.p50).toBeCloseTo(0.5, 3)
    expect(latency?.p95).toBeCloseTo(0.95, 2)
    expect(latency?.p999).toBeCloseTo(0.999, 2)
    expect(latency?.max).toBeGreaterThanOrEqual(1)
    expect(latency?.max).toBeLessThan(1.001)
  })

  it('counts whole microseconds below 2.048 ms exactly', () => {
    expect(of([0.000123, 0.001999]).quantile(0.5)).toBe(0.000123)
    expect(of([0.000123, 0.001999]).quantile(1)).toBe(0.001999)
  })

  it('is read by hdr-histogram-js with the same counts and quantiles', () => {
    fc.assert(
      fc.property(samples, (micros) => {
        const ours = of(micros.map((value) => value / 1e6))
        const theirs = oracle(micros)
        const decoded = decodeFromCompressedBase64(ours.encode())
        expect(decoded.totalCount).toBe(micros.length)
        for (const p of [1, 50, 90, 99, 99.9, 100]) {
          expect(decoded.getValueAtPercentile(p)).toBe(theirs.getValueAtPercentile(p))
          expect(ours.quantile(p / 100) * 1e6).toBeCloseTo(theirs.getValueAtPercentile(p), 3)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('adds text as it adds the histogram that was written', () => {
    fc.assert(
      fc.property(samples, samples, (one, other) => {
        const [a, b, text] = [one, other, other].map((micros) => of(micros.map((value) => value / 1e6)))
        if (a === undefined || b === undefined || text === undefined) throw new Error('three histograms')
        const merged = LatencyHistogram.decode(a.encode())
        merged.addEncoded(text.encode())
        a.add(b)
        expect(merged.encode()).toBe(a.encode())
        expect(merged.count).toBe(one.length + other.length)
      }),
      { numRuns: 20 },
    )
  })

  it('reads what hdr-histogram-js wrote, compressed', () => {
    const micros = [1, 5, 5, 2047, 2048, 50_000, 3_000_000_000]
    const text = (oracle(micros) as unknown as { encodeIntoCompressedBase64(): string }).encodeIntoCompressedBase64()
    const decoded = LatencyHistogram.decode(text)
    expect(decoded.count).toBe(7)
    expect(decoded.quantile(0.4)).toBe(5e-6)
    expect(decoded.encode()).toBe(of(micros.map((value) => value / 1e6)).encode())
  })

  it('comes back from its text with the same text, quantiles and a mean within 0.1 %', () => {
    fc.assert(
      fc.property(samples, (micros) => {
        const before = of(micros.map((value) => value / 1e6))
        const after = LatencyHistogram.decode(before.encode())
        expect(after.encode()).toBe(before.encode())
        expect(after.quantile(0.9)).toBe(before.quantile(0.9))
        expect(Math.abs(after.meanSeconds - before.meanSeconds)).toBeLessThanOrEqual(0.001 * before.meanSeconds + 1e-6)
      }),
      { numRuns: 60 },
    )
  })

  it('survives counts above 2^31 and a full range of values', () => {
    const histogram = of(Array.from({ length: 30_000 }, (_, i) => 1.0005 ** i / 1e6))
    for (let i = 0; i < 16; i++) histogram.add(LatencyHistogram.decode(histogram.encode()))
    expect(histogram.count).toBe(30_000 * 65_536)
    const decoded = decodeFromCompressedBase64(histogram.encode())
    expect(decoded.totalCount).toBe(30_000 * 65_536)
  })

  it('subtracts an earlier sample of itself to what came in between', () => {
    const earlier = of([0.001, 0.002])
    const later = of([0.001, 0.002, 0.004, 0.002])
    later.subtract(earlier)
    expect(later.count).toBe(2)
    expect(later.encode()).toBe(of([0.002, 0.004]).encode())
    expect(later.meanSeconds).toBeCloseTo(0.003, 12)
  })

  it('without samples has no latency, and its text is that of an empty histogram', () => {
    const histogram = of([1, 2])
    histogram.reset()
    expect(histogram.latency()).toBeNull()
    expect(histogram.encode()).toBe(emptyHistogram())
    expect(decodeFromCompressedBase64(emptyHistogram()).totalCount).toBe(0)
    expect(LatencyHistogram.decode(emptyHistogram()).count).toBe(0)
    expect(LatencyHistogram.decode('').count).toBe(0)
  })

  it('puts negative latencies at 0 and absurd ones at an hour', () => {
    const histogram = of([-1, 1e9])
    expect(histogram.quantile(0.5)).toBe(0)
    expect(histogram.quantile(1)).toBeCloseTo(3600, -1)
  })

  it.each(['x', 'HISTFAAAAA', '!!!', Buffer.from('something else entirely, but long').toString('base64')])(
    'refuses %j as what it is: no histogram',
    (text) => {
      expect(() => LatencyHistogram.decode(text)).toThrow(PlimsollError)
    },
  )
})
