/**
 * One chain of N customers around stations of any pace (hot: the exact solver of closed networks). Product form solved by
 * Buzen's convolution, in ratios: with x(n) the throughput of the stations so far and F(j) = Π pace, a further station has
 * γ(n) = Σ F(j)·x(n)…x(n − j + 1), and together they have x(n)·γ(n − 1)/γ(n). All terms are positive and γ is kept as its logarithm, so
 * that nothing cancels or overflows. It gives what mean value analysis with load-dependent stations gives, without that
 * method's numerical instability (its p(0 | n) is a difference of nearly equal numbers). O(N · entries) per station.
 * Source: J. P. Buzen, CACM 16(9), 1973; M. Reiser and S. S. Lavenberg, JACM 27(2), 1980; Lavenberg (ed.), Computer Performance Modeling Handbook, §3.5.
 */
import { limitSeconds, type Pace } from './load-dependent.js'

const big = 1e200
const small = 1e-200
const lnBig = Math.log(big)

/** A delay Z alone: x(n) = n/Z. Undefined when there is none. Index n − 1 holds x(n). */
export const delayThroughputs = (customers: number, delaySeconds: number): Float64Array | undefined =>
  delaySeconds > 0 ? Float64Array.from({ length: customers }, (_, i) => (i + 1) / delaySeconds) : undefined

/** Throughputs of 1…N customers with one station more; `before` undefined: there was none. */
export const withStation = (before: Float64Array | undefined, pace: Pace, customers: number): Float64Array => {
  if (before === undefined)
    return Float64Array.from({ length: customers }, (_, i) => 1 / (pace[Math.min(i, pace.length - 1)] ?? 0))
  if (limitSeconds(pace) === 0 && (pace[0] ?? 0) === 0) return before
  const entries = pace.length
  const last = limitSeconds(pace)
  const after = new Float64Array(customers)
  // ln Π pace(i), i ≤ entries; ln Π x(i), i ≤ n, over the last `entries` of them.
  let lnFirst = 0
  for (let i = 0; i < entries; i++) lnFirst += Math.log(pace[i] ?? 0)
  let lnWindow = 0
  let lnTail = Number.NEGATIVE_INFINITY
  let lnGammaBefore = 0
  for (let n = 1; n <= customers; n++) {
    const x = before[n - 1] ?? 0
    // Σ over j < entries, by Horner from the inside.
    let sum = 1
    let one = 1
    let lnScale = 0
    for (let j = Math.min(n, entries - 1); j >= 1; j--) {
      sum = one + (pace[j - 1] ?? 0) * (before[n - j] ?? 0) * sum
      if (sum > big) {
        sum *= small
        one *= small
        lnScale += lnBig
      }
    }
    lnWindow += Math.log(x)
    if (n > entries) lnWindow -= Math.log(before[n - entries - 1] ?? 0)
    // Σ over j ≥ entries: all of n − 1's moved on by one, and a new one.
    const lnMoved = lnTail + Math.log(last * x)
    lnTail = n >= entries ? lnSum(lnMoved, lnFirst + lnWindow) : lnMoved
    const lnGamma = lnSum(lnScale + Math.log(sum), lnTail)
    after[n - 1] = x * Math.exp(lnGammaBefore - lnGamma)
    lnGammaBefore = lnGamma
  }
  return after
}

/** ln(e^a + e^b) */
const lnSum = (a: number, b: number): number => {
  if (a === Number.NEGATIVE_INFINITY) return b
  if (b === Number.NEGATIVE_INFINITY) return a
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b))
}

export interface StationNumbers {
  /** Mean. */
  readonly inSystem: number
  /** Of these, beyond the entries of its pace: for whom there is no server. */
  readonly waiting: number
  /** P(as many there as entries, or more). */
  readonly crowd: number
}

/** Mean numbers at a station when N are in the network, given the throughputs of all the others without it. */
export const numberAt = (others: Float64Array | undefined, pace: Pace, customers: number): StationNumbers => {
  if (others === undefined)
    return {
      inSystem: customers,
      waiting: Math.max(0, customers - pace.length),
      crowd: customers >= pace.length ? 1 : 0,
    }
  let weight = 1
  let total = 1
  let number = 0
  let waiting = 0
  let crowd = 0
  for (let j = 1; j <= customers; j++) {
    weight *= (pace[Math.min(j, pace.length) - 1] ?? 0) * (others[customers - j] ?? 0)
    total += weight
    number += j * weight
    if (j >= pace.length) {
      crowd += weight
      waiting += (j - pace.length) * weight
    }
    if (total > big) {
      weight *= small
      total *= small
      number *= small
      waiting *= small
      crowd *= small
    }
  }
  return { inSystem: number / total, waiting: waiting / total, crowd: crowd / total }
}

/** Mean numbers at a station of one server, given the throughputs of the whole network: Q(n) = X(n)·D·(1 + Q(n − 1)). */
export const numberAtSingle = (throughputs: Float64Array, demandSeconds: number, customers: number): StationNumbers => {
  let queue = 0
  let throughput = 0
  for (let n = 1; n <= customers; n++) {
    throughput = throughputs[n - 1] ?? 0
    queue = throughput * demandSeconds * (1 + queue)
  }
  const busy = throughput * demandSeconds
  return { inSystem: queue, waiting: Math.max(0, queue - busy), crowd: Math.min(1, busy) }
}
