/** Quantiles of Student's t distribution, for any positive number of degrees of freedom. */

/** ln Γ(x), x > 0: Stirling's series after shifting to x ≥ 10; 14 digits. */
const logGamma = (x: number): number => {
  let shift = 0
  let z = x
  for (; z < 10; z++) shift += Math.log(z)
  const square = z * z
  return (
    (z - 0.5) * Math.log(z) -
    z +
    0.5 * Math.log(2 * Math.PI) +
    (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / z -
    shift
  )
}

/** Regularised incomplete beta function I_x(a, b) by its continued fraction (Abramowitz and Stegun, 26.5.8; Lentz). */
const incompleteBeta = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const tiny = 1e-300
  const guarded = (value: number): number => (Math.abs(value) < tiny ? tiny : value)
  let c = 1
  let d = 1 / guarded(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / guarded(1 + even * d)
    c = guarded(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / guarded(1 + odd * d)
    c = guarded(1 + odd / c)
    const factor = d * c
    fraction *= factor
    if (Math.abs(factor - 1) < 1e-15) break
  }
  const front = a * Math.log(x) + b * Math.log1p(-x) - logGamma(a) - logGamma(b) + logGamma(a + b)
  return (Math.exp(front) * fraction) / a
}

/** P(|T| > t) for t ≥ 0. */
const twoSidedTail = (t: number, freedom: number): number =>
  incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)

/**
 * t such that |T| ≤ t with probability `confidence` (0…1, exclusive), T with `freedom` > 0 degrees of freedom; 12.706 for 0.95
 * and 1, 1.96 for 0.95 and many. By bisection of its distribution function.
 */
export const studentT = (freedom: number, confidence = 0.95): number => {
  const key = `${freedom}/${confidence}`
  const known = cache.get(key)
  if (known !== undefined) return known
  let low = 0
  let high = 2
  while (twoSidedTail(high, freedom) > 1 - confidence) high *= 2
  for (let i = 0; i < 64; i++) {
    const middle = (low + high) / 2
    if (twoSidedTail(middle, freedom) > 1 - confidence) low = middle
    else high = middle
  }
  const t = (low + high) / 2
  if (cache.size < 1000) cache.set(key, t)
  return t
}

const cache = new Map<string, number>()
