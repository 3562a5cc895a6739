import { schweitzer } from './approximate.js'
import { type ClassAnswer, type ClassNetwork, classAnswer, type Populations, populationsOf } from './network.js'

/**
 * The exact network with stations of several servers: normalizing constants G(n) by convolution, X(r) = G(N − 1r)/G(N). A station of c servers
 * adds Σ H(j)/j! for j < c customers and a geometric tail, where H(j)(n) = Σ(r) D(r)·H(j − 1)(n − 1r): positive terms only, unlike the
 * marginal probabilities of load-dependent MVA. Demands are scaled by estimated throughputs, so that G stays within doubles.
 * Time: Π(N(r) + 1) × classes × servers × stations, once more for each station of several servers.
 * Source: M. Reiser and H. Kobayashi, IBM J. R&D 19(3), 1975; Bruell and Balbo, Computational Algorithms for Closed Queueing Networks, 1980.
 */
export const convolution = (network: ClassNetwork): ClassAnswer => {
  const { classes, stations } = network
  const populations = populationsOf(classes)
  const total = classes.reduce((sum, { users }) => sum + users, 0)
  const tilts = schweitzer(network).throughputPerSecond.map((x) => (x > 0 && Number.isFinite(x) ? x : 1))
  const scaled = stations.map(({ demandSeconds, servers }) => ({
    demands: demandSeconds.map((demand, r) => demand * (tilts[r] ?? 1)),
    servers: servers >= total ? Number.POSITIVE_INFINITY : servers,
  }))
  const delays = classes.map(
    ({ thinkSeconds }, r) =>
      thinkSeconds * (tilts[r] ?? 1) +
      scaled.reduce((sum, { servers, demands }) => sum + (Number.isFinite(servers) ? 0 : (demands[r] ?? 0)), 0),
  )
  const without = (skipped: number): Float64Array => {
    let constants = delayConstants(classes, populations, delays)
    for (const [k, { servers, demands }] of scaled.entries())
      if (k !== skipped && Number.isFinite(servers)) constants = withServers(constants, populations, demands, servers)
    return constants
  }
  const all = without(-1)
  const last = populations.count - 1
  const ratio = (r: number, constants: Float64Array): number =>
    (classes[r]?.users ?? 0) > 0 ? (constants[last - (populations.strides[r] ?? 0)] ?? 0) / (all[last] ?? 1) : 0
  const throughputs = classes.map((_, r) => ratio(r, all) * (tilts[r] ?? 1))
  const residences = scaled.map(({ servers, demands }, k) => {
    if (!Number.isFinite(servers)) return [...(stations[k]?.demandSeconds ?? [])]
    const seen =
      servers === 1 ? withServers(all, populations, demands, 1) : arrivalsSee(without(k), populations, demands, servers)
    return classes.map((_, r) => {
      const throughput = throughputs[r] ?? 0
      return throughput > 0 ? ((demands[r] ?? 0) * ratio(r, seen)) / throughput : (stations[k]?.demandSeconds[r] ?? 0)
    })
  })
  return classAnswer(network, throughputs, residences, 'convolution')
}

/** Delays alone: Π Z(r)^n(r)/n(r)!, each class scaled to a Poisson distribution, so that what matters is near its mean. */
const delayConstants = (
  classes: ClassNetwork['classes'],
  { strides, count }: Populations,
  delays: readonly number[],
): Float64Array => {
  const constants = new Float64Array(count).fill(1)
  for (const [r, { users }] of classes.entries()) {
    const delay = delays[r] ?? 0
    const stride = strides[r] ?? 1
    let ln = -delay
    for (let n = 0; n <= users; n++) {
      if (n > 0) ln += Math.log(delay / n)
      const weight = Math.exp(ln)
      for (let block = n * stride; block < count; block += stride * (users + 1))
        for (let i = 0; i < stride; i++) constants[block + i] = (constants[block + i] ?? 0) * weight
    }
  }
  return constants
}

/** H(n) = Σ(r) D(r)·G(n − 1r); and likewise for a running sum that refers to itself. */
const onward = (
  { strides, count }: Populations,
  demands: readonly number[],
  each: (index: number, sumOf: (array: Float64Array) => number) => void,
): void => {
  const digits = new Int32Array(strides.length)
  const limits = strides.map((stride, r) => (strides[r + 1] ?? count) / stride - 1)
  for (let index = 0; index < count; index++) {
    each(index, (array) => {
      let sum = 0
      for (let r = 0; r < strides.length; r++)
        if ((digits[r] ?? 0) > 0) sum += (demands[r] ?? 0) * (array[index - (strides[r] ?? 0)] ?? 0)
      return sum
    })
    for (let r = 0; r < strides.length; r++) {
      if ((digits[r] ?? 0) < (limits[r] ?? 0)) {
        digits[r] = (digits[r] ?? 0) + 1
        break
      }
      digits[r] = 0
    }
  }
}

/** A station of c servers: Σ H(j)/j! over j < c, and T, the states with c and more: T(n) = H(c)(n)/c! + Σ D(r)·T(n − 1r)/c. */
const statesOf = (
  constants: Float64Array,
  populations: Populations,
  demands: readonly number[],
  servers: number,
): { readonly few: Float64Array; readonly many: Float64Array } => {
  const few = Float64Array.from(constants)
  let term = constants
  for (let j = 1; j <= servers; j++) {
    const next = new Float64Array(constants.length)
    const before = term
    onward(populations, demands, (index, sumOf) => {
      next[index] = sumOf(before) / j
    })
    term = next
    if (j < servers) for (let i = 0; i < few.length; i++) few[i] = (few[i] ?? 0) + (term[i] ?? 0)
  }
  const many = term
  onward(populations, demands, (index, sumOf) => {
    many[index] = (many[index] ?? 0) + sumOf(many) / servers
  })
  return { few, many }
}

const withServers = (
  constants: Float64Array,
  populations: Populations,
  demands: readonly number[],
  servers: number,
): Float64Array => {
  const { few, many } = statesOf(constants, populations, demands, servers)
  return few.map((value, i) => value + (many[i] ?? 0))
}

/**
 * As `withServers`, each state with j there weighted by how much longer than its service an arrival is then there: 1 for
 * j < c, else (j + 1)/c = 1 + (j + 1 − c)/c.
 */
const arrivalsSee = (
  constants: Float64Array,
  populations: Populations,
  demands: readonly number[],
  servers: number,
): Float64Array => {
  const { few, many } = statesOf(constants, populations, demands, servers)
  // The states from c on, weighted by 1, 2, 3, …
  const counted = new Float64Array(many.length)
  onward(populations, demands, (index, sumOf) => {
    counted[index] = (many[index] ?? 0) + sumOf(counted) / servers
  })
  return few.map((value, i) => value + (many[i] ?? 0) + (counted[i] ?? 0) / servers)
}
