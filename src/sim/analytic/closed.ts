/**
 * Closed networks: a fixed number of users, each thinking and then asking for an answer, one class (several: see
 * `classes/`). `demandSeconds` of a station is visits × service time per request; with c servers it is the sum over all
 * servers, not divided by c.
 */
import { delayThroughputs, numberAt, numberAtSingle, withStation } from './chain.js'
import { limitSeconds, loadDependent, type Pace, serversPace } from './load-dependent.js'

export interface ClosedStation {
  readonly demandSeconds: number
  /** May be a fraction: 1.5 cores. Infinity: a delay. */
  readonly servers: number
  /** Instead of demand/min(n, servers): any load-dependent station, say a flow-equivalent server. */
  readonly pace?: Pace
}

export interface ClosedNetwork {
  readonly users: number
  /** Think time Z, and any other time during which a user waits for nothing that is shared. */
  readonly thinkSeconds: number
  readonly stations: readonly ClosedStation[]
}

export interface ClosedAnswer {
  readonly throughputPerSecond: number
  /** Interactive response time law: R = N/X − Z. */
  readonly responseSeconds: number
  readonly stations: readonly {
    readonly residenceSeconds: number
    /** Q = X·R. */
    readonly inSystem: number
    /** Per server. */
    readonly utilization: number
  }[]
  /** `exact`: product form, solved exactly; `mean-field`: so many users that the fixed point of their means is as good. */
  readonly method: 'exact' | 'mean-field'
}

/** Beyond about this many steps (a twentieth of a second) the exact solution is not worth its time. */
const mostSteps = 10_000_000

const answer = (
  network: ClosedNetwork,
  throughputPerSecond: number,
  residences: readonly number[],
  method: ClosedAnswer['method'],
): ClosedAnswer => ({
  throughputPerSecond,
  responseSeconds: residences.reduce((sum, value) => sum + value, 0),
  stations: network.stations.map(({ demandSeconds, servers }, i) => ({
    residenceSeconds: residences[i] ?? 0,
    inSystem: throughputPerSecond * (residences[i] ?? 0),
    utilization: Number.isFinite(servers) ? (throughputPerSecond * demandSeconds) / servers : 0,
  })),
  method,
})

/** Time of one who is alone there. */
const aloneSeconds = ({ demandSeconds, pace }: ClosedStation): number => pace?.[0] ?? demandSeconds

/** A station that nobody can wait at: it has a server for everybody. */
const isDelay = ({ servers, pace }: ClosedStation, users: number): boolean => pace === undefined && servers >= users

/** Entries beyond the number of users never matter. */
const paceOf = ({ demandSeconds, servers, pace }: ClosedStation): Pace => pace ?? serversPace(demandSeconds, servers)

/**
 * The closed network in product form. Stations of one server: mean value analysis, for n = 1…N users R = D(1 + Q(n − 1)),
 * X = n/(Z + ΣR), Q = X·R. With any other: the same by convolution (`chain.ts`). Exact for exponential service in order of arrival, or any
 * service with processor sharing. Where N × stations is too large for that, `meanField`.
 * Source: Reiser and Lavenberg, JACM 27(2), 1980.
 */
export const meanValueAnalysis = (network: ClosedNetwork): ClosedAnswer => {
  const { users, thinkSeconds, stations } = network
  if (users <= 0) return answer(network, 0, stations.map(aloneSeconds), 'exact')
  const delays = stations.map((station) => isDelay(station, users))
  const delaySeconds = stations.reduce(
    (sum, { demandSeconds }, i) => sum + (delays[i] === true ? demandSeconds : 0),
    thinkSeconds,
  )
  const paces = stations.map((station, i) =>
    delays[i] === true || aloneSeconds(station) === 0 ? undefined : paceOf(station),
  )
  const several = paces.filter((pace) => pace !== undefined && pace.length > 1).length
  const entries = paces.reduce((sum, pace) => sum + (pace === undefined ? 0 : Math.min(pace.length, users)), 0)
  const steps = users * (several === 0 ? stations.length + 1 : (several + 1) * (entries + 10 * stations.length))
  if (steps > mostSteps) return meanField(network)
  const throughputs = several === 0 ? singleServers(users, delaySeconds, paces) : convolved(users, delaySeconds, paces)
  const throughput = throughputs[users - 1] ?? 0
  const residences = stations.map(({ demandSeconds }, i) => {
    const pace = paces[i]
    if (pace === undefined) return demandSeconds
    const inSystem =
      pace.length === 1
        ? numberAtSingle(throughputs, pace[0] ?? 0)
        : numberAt(convolved(users, delaySeconds, paces, i, true), pace, users)
    return inSystem / throughput
  })
  return answer(network, throughput, residences, 'exact')
}

/** Throughputs of 1…N users; all stations have one server. */
const singleServers = (users: number, delaySeconds: number, paces: readonly (Pace | undefined)[]): Float64Array => {
  const demands = Float64Array.from(paces.flatMap((pace) => pace?.[0] ?? []))
  const queues = new Float64Array(demands.length)
  const throughputs = new Float64Array(users)
  for (let n = 1; n <= users; n++) {
    let cycle = delaySeconds
    for (let k = 0; k < queues.length; k++) cycle += (demands[k] ?? 0) * (1 + (queues[k] ?? 0))
    const throughput = cycle > 0 ? n / cycle : Number.POSITIVE_INFINITY
    for (let k = 0; k < queues.length; k++) queues[k] = throughput * (demands[k] ?? 0) * (1 + (queues[k] ?? 0))
    throughputs[n - 1] = throughput
  }
  return throughputs
}

/** Throughputs of 1…N users of all stations, or of all but one. */
function convolved(
  users: number,
  delaySeconds: number,
  paces: readonly (Pace | undefined)[],
  without: number,
  partial: true,
): Float64Array | undefined
function convolved(users: number, delaySeconds: number, paces: readonly (Pace | undefined)[]): Float64Array
function convolved(
  users: number,
  delaySeconds: number,
  paces: readonly (Pace | undefined)[],
  without = -1,
): Float64Array | undefined {
  return paces.reduce<Float64Array | undefined>(
    (before, pace, i) => (pace === undefined || i === without ? before : withStation(before, pace, users)),
    delayThroughputs(users, delaySeconds),
  )
}

/** Throughputs of 1…N customers that never think: what a subnetwork with room for N carries (a flow-equivalent server's rates). */
export const chainThroughputs = (
  customers: number,
  delaySeconds: number,
  stations: readonly ClosedStation[],
): Float64Array | undefined => {
  const delays = stations.reduce(
    (sum, station) => sum + (isDelay(station, customers) ? station.demandSeconds : 0),
    delaySeconds,
  )
  return convolved(
    customers,
    delays,
    stations.map((station) =>
      isDelay(station, customers) || aloneSeconds(station) === 0 ? undefined : paceOf(station),
    ),
    -1,
    true,
  )
}

/**
 * So many users that each sees the means: X is sought at which the stations, under Poisson arrivals of rate X, hold as many as
 * do not think (fixed population mean), and an arrival sees Q(N − 1) ≈ Q(N)(N − 1)/N at a full station (Schweitzer), so that a
 * saturated network comes out at its bound. Its error falls as 1/N; where N just about saturates it, queues are
 * a quarter off and throughput 1/√N.
 * Source: W. Whitt, Open and closed models for networks of queues, AT&T BLTJ 63(9), 1984; P. Schweitzer 1979.
 */
export const meanField = (network: ClosedNetwork): ClosedAnswer => {
  const { users, thinkSeconds, stations } = network
  const closing = 1 - 1 / users
  const paces = stations.map((station) => (isDelay(station, users) ? undefined : paceOf(station)))
  const numbers = (throughput: number): readonly number[] =>
    stations.map(({ demandSeconds }, i) => {
      const pace = paces[i]
      return pace === undefined ? throughput * demandSeconds : loadDependent(throughput, pace, closing).inSystem
    })
  const population = (throughput: number): number =>
    numbers(throughput).reduce((sum, number) => sum + number, throughput * thinkSeconds)
  let low = 0
  let high = asymptoticBounds(network).throughputUpperPerSecond
  if (!Number.isFinite(high))
    return answer(
      network,
      high,
      stations.map(() => 0),
      'mean-field',
    )
  if (population(high) > users)
    for (let i = 0; i < 200 && high - low > Number.EPSILON * high; i++) {
      const middle = (low + high) / 2
      if (population(middle) > users) high = middle
      else low = middle
    }
  else low = high
  const throughput = low
  const found = numbers(throughput)
  // What the last digit of a saturated throughput leaves over stands at the bottleneck.
  const missing = users - found.reduce((sum, number) => sum + number, throughput * thinkSeconds)
  const worst = bottleneckOf(stations)
  return answer(
    network,
    throughput,
    found.map((number, i) => (number + (i === worst ? Math.max(0, missing) : 0)) / throughput),
    'mean-field',
  )
}

/** What a station takes from each request at best. */
const leastSeconds = ({ demandSeconds, servers, pace }: ClosedStation): number =>
  pace === undefined ? demandSeconds / servers : limitSeconds(pace)

const bottleneckOf = (stations: readonly ClosedStation[]): number =>
  stations.reduce(
    (worst, station, i) => (leastSeconds(station) > leastSeconds(stations[worst] ?? station) ? i : worst),
    0,
  )

export interface Bounds {
  /** 1/Dmax: what the bottleneck carries (infinite without demand). */
  readonly maxThroughputPerSecond: number
  /** Users at which the two bounds meet: N* = (D + Z)/Dmax. */
  readonly saturationUsers: number
  /** min(N/(D + Z), 1/Dmax). */
  readonly throughputUpperPerSecond: number
  /** N/(N·D + Z): everybody stands in line behind all others everywhere. */
  readonly throughputLowerPerSecond: number
  /** max(D, N·Dmax − Z). */
  readonly responseLowerSeconds: number
  /** N·D. */
  readonly responseUpperSeconds: number
}

/**
 * Asymptotic bounds. Source: Denning & Buzen (1978); Lazowska et al., Quantitative System Performance, ch. 5.
 */
export const asymptoticBounds = ({ users, thinkSeconds, stations }: ClosedNetwork): Bounds => {
  const total = stations.reduce((sum, station) => sum + aloneSeconds(station), 0)
  const largest = stations.reduce((max, station) => Math.max(max, leastSeconds(station)), 0)
  const maxThroughputPerSecond = largest > 0 ? 1 / largest : Number.POSITIVE_INFINITY
  const cycle = total + thinkSeconds
  const crowd = users * total + thinkSeconds
  return {
    maxThroughputPerSecond,
    saturationUsers: largest > 0 ? cycle / largest : Number.POSITIVE_INFINITY,
    throughputUpperPerSecond: Math.min(cycle > 0 ? users / cycle : Number.POSITIVE_INFINITY, maxThroughputPerSecond),
    throughputLowerPerSecond: crowd > 0 ? users / crowd : Number.POSITIVE_INFINITY,
    responseLowerSeconds: Math.max(total, users * largest - thinkSeconds),
    responseUpperSeconds: users * total,
  }
}

/**
 * Balanced job bounds, tighter: no network of these D, Dmax does better than one whose demands are all D/K, and none worse than one with D/Dmax
 * stations of Dmax. For stations of one server.
 * Source: Zahorjan, Sevcik, Eager, Galler, CACM 25(2), 1982; Lazowska et al., §5.4.
 */
export const balancedJobBounds = ({
  users,
  thinkSeconds,
  stations,
}: ClosedNetwork): { readonly throughputLowerPerSecond: number; readonly throughputUpperPerSecond: number } => {
  const demands = stations.map(({ demandSeconds }) => demandSeconds).filter((demand) => demand > 0)
  const total = demands.reduce((sum, demand) => sum + demand, 0)
  const largest = Math.max(0, ...demands)
  if (total === 0 || users <= 0)
    return { throughputLowerPerSecond: 0, throughputUpperPerSecond: thinkSeconds > 0 ? users / thinkSeconds : 0 }
  const average = total / demands.length
  const others = users - 1
  return {
    throughputLowerPerSecond:
      users / (total + thinkSeconds + (others * largest) / (1 + thinkSeconds / (users * total))),
    throughputUpperPerSecond: Math.min(
      1 / largest,
      users / (total + thinkSeconds + (others * average) / (1 + thinkSeconds / total)),
    ),
  }
}
