/** The gamma distribution with a given mean and variance: the named approximation of every response time whose shape is not known. */
import { quantileOf } from './quantile.js'

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
]

/** ln Γ(x), x > 0. Source: Lanczos 1964 (g = 7, nine coefficients). */
export const lnGamma = (x: number): number => {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x)
  const shifted = x - 1
  let sum = 0.9999999999998099
  let at = shifted
  for (const coefficient of lanczos) {
    at += 1
    sum += coefficient / at
  }
  const t = shifted + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** P(X > x) of a gamma distribution of this shape and scale 1. Series below shape + 1, else Lentz's continued fraction. */
export const gammaTail = (shape: number, x: number): number => {
  if (x <= 0) return 1
  const front = Math.exp(shape * Math.log(x) - x - lnGamma(shape))
  if (x < shape + 1) {
    let term = 1 / shape
    let sum = term
    for (let n = 1; n < 10_000 && term > sum * 1e-16; n++) {
      term *= x / (shape + n)
      sum += term
    }
    return Math.max(0, 1 - front * sum)
  }
  let b = x + 1 - shape
  let c = 1e300
  let d = 1 / b
  let h = d
  for (let i = 1; i < 10_000; i++) {
    const a = -i * (i - shape)
    b += 2
    d = 1 / (a * d + b || 1e-300)
    c = b + a / c || 1e-300
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return front * h
}

export interface Moments {
  readonly mean: number
  readonly variance: number
}

/** So narrow that it is a constant. */
const constantScv = 1e-6

/** P(T > t) of the gamma distribution with these moments. */
export const fittedTail = ({ mean, variance }: Moments, t: number): number =>
  variance <= constantScv * mean ** 2 ? (t < mean ? 1 : 0) : gammaTail(mean ** 2 / variance, (t * mean) / variance)

/** The time that a share `p` does not exceed, were it gamma distributed with these moments. */
export const fittedQuantile = (moments: Moments, p: number): number => {
  const { mean, variance } = moments
  if (!Number.isFinite(mean) || !Number.isFinite(variance)) return Number.POSITIVE_INFINITY
  if (mean === 0 || variance <= constantScv * mean ** 2) return mean
  return quantileOf((t) => fittedTail(moments, t), p, mean)
}

/**
 * Moments of the longest (`all`) or the shortest (`any`) of independent times, each fitted by a gamma distribution: ∫ P(T > t) dt and ∫ 2t·P(T > t) dt
 * by Simpson's rule. Branches that queue at the same stations are not independent: they are then somewhat closer together.
 */
export const extremeOf = (parts: readonly Moments[], join: 'all' | 'any'): Moments => {
  const [only] = parts
  if (only === undefined) return { mean: 0, variance: 0 }
  if (parts.length === 1) return only
  const means = parts.map(({ mean }) => mean)
  const spread = Math.max(...parts.map(({ variance }) => Math.sqrt(variance)))
  const longest = Math.max(...means)
  if (!Number.isFinite(longest) || !Number.isFinite(spread))
    return { mean: Number.POSITIVE_INFINITY, variance: Number.POSITIVE_INFINITY }
  if (spread === 0) return { mean: join === 'all' ? longest : Math.min(...means), variance: 0 }
  const tail = (t: number): number =>
    join === 'all'
      ? 1 - parts.reduce((product, part) => product * (1 - fittedTail(part, t)), 1)
      : parts.reduce((product, part) => product * fittedTail(part, t), 1)
  const end = longest + 25 * spread
  const steps = 1000
  const width = end / steps
  let first = 0
  let second = 0
  for (let i = 0; i <= steps; i++) {
    const weight = (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * (width / 3)
    const value = weight * tail(i * width)
    first += value
    second += 2 * i * width * value
  }
  return { mean: first, variance: Math.max(0, second - first ** 2) }
}
