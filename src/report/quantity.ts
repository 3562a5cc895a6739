/** How quantities are written for a reader: three significant digits, the unit that keeps the number between 1 and 1000. */

/** What stands where there is nothing to tell. */
export const missing = '–'

/** Three significant digits without an exponent; whole numbers from 100 on. */
const threeDigits = (value: number): string => {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 99.95) return value.toFixed(0)
  if (size >= 9.995) return value.toFixed(1)
  if (size >= 0.9995) return value.toFixed(2)
  return value > 0 && size < 0.0005 ? '<0.001' : value.toFixed(3)
}

/** `1.23 ms`, `830 µs`, `12.0 s`. */
export const formatSeconds = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined) return missing
  const size = Math.abs(seconds)
  if (size === 0) return '0 s'
  if (size < 0.0009995) return `${threeDigits(seconds * 1e6)} µs`
  if (size < 0.9995) return `${threeDigits(seconds * 1e3)} ms`
  return `${threeDigits(seconds)} s`
}

/** Milliseconds without their unit, for a column that is headed by it. */
export const formatMilliseconds = (seconds: number | null | undefined): string =>
  seconds === null || seconds === undefined ? missing : threeDigits(seconds * 1e3)

/** `12.3 %`; ratios below a tenth of a per mille, but not zero, keep their digits. */
export const formatRatio = (ratio: number | null | undefined): string => {
  if (ratio === null || ratio === undefined) return missing
  const percent = ratio * 100
  if (percent !== 0 && Math.abs(percent) < 0.1) return `${percent.toPrecision(1)} %`
  return `${percent.toFixed(Math.abs(percent) < 99.95 ? 1 : 0)} %`
}

/** `+12.3 %`: a relative error, to a tenth of a per cent. */
export const formatSignedRatio = (ratio: number | null | undefined): string => {
  if (ratio === null || ratio === undefined) return missing
  const percent = ratio * 100
  const text = percent.toFixed(Math.abs(percent) < 99.95 ? 1 : 0)
  const zero = Number(text) === 0
  return `${percent > 0 && !zero ? '+' : ''}${zero ? '0.0' : text} %`
}

export const formatRate = (perSecond: number | null | undefined): string =>
  perSecond === null || perSecond === undefined ? missing : `${formatNumber(perSecond)}/s`

/** A count or a mean of counts. */
export const formatNumber = (value: number | null | undefined): string => {
  if (value === null || value === undefined) return missing
  return Number.isInteger(value) ? String(value) : threeDigits(value)
}

export type Unit = 'seconds' | 'ratio' | 'per-second' | 'count'

const formats = {
  seconds: formatSeconds,
  ratio: formatRatio,
  'per-second': formatRate,
  count: formatNumber,
} satisfies Record<Unit, (value: number | null | undefined) => string>

export const formatQuantity = (value: number | null | undefined, unit: Unit): string => formats[unit](value)

/** The unit of what an expectation or an objective speaks about, told from its words: `all.latency.p95 < 80ms`. */
export const unitOf = (expression: string): Unit => {
  if (/latency|delay|completion|lag|seconds/i.test(expression)) return 'seconds'
  if (/rate|throughput/i.test(expression) && !/ratio/i.test(expression)) return 'per-second'
  if (/errors|degraded|availability|utilization|ratio|memory|cpu/i.test(expression)) return 'ratio'
  return 'count'
}
