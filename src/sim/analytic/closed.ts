/**
 * Closed networks: a fixed number of users, each thinking and then asking for an answer, one class (several: see
 * `classes/`). `demandSeconds` of a station is visits × service time per request; with c servers it is the sum over all
 * servers, not divided by c.
 */
import { delayThroughputs, numberAt, numberAtSingle, type StationNumbers, withStation } from './chain.js'
import { limitSeconds, loadDependent, type Pace, serversPace } from './load-dependent.js'

export interface ClosedStation {
  readonly demandSeconds: number
  /** May be a fraction: 1.5 cores. Infinity: a delay. */
  readonly servers: number
  /** Instead of demand/min(n, servers): any load-dependent station, say a flow-equivalent server. */
  readonly pace?: Pace
  /** So many stations like this one, each with this demand; default 1. The answer is for all of them together. */
  readonly copies?: number
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
    /** Of `inSystem`, those for whom there is no server (beyond the entries of its pace). */
    readonly waiting: number
    /** Share of the time in which all servers are busy. */
    readonly crowd: number
    /** Per server. */
    readonly utilization: number
  }[]
  /** `exact`: product form, solved exactly; `mean-field`: so many users that the fixed point of their means is as good. */
  readonly method: 'exact' | 'mean-field'
}

/** Beyond about this many steps (a twentieth of a second) the exact solution is not worth its time. */
const mostSteps = 10_000_000

/** Without a throughput, what one alone would find. */
const answer = (
  network: ClosedNetwork,
  throughputPerSecond: number,
  found: readonly StationNumbers[],
  method: ClosedAnswer['method'],
): ClosedAnswer => {
  const stations = network.stations.map((station, i) => {
    const { inSystem, waiting, crowd } = found[i] ?? { inSystem: 0, waiting: 0, crowd: 0 }
    const { demandSeconds, servers } = station
    return {
      residenceSeconds:
        throughputPerSecond > 0 ? inSystem / throughputPerSecond : copiesOf(station) * aloneSeconds(station),
      inSystem,
      waiting,
      crowd,
      utilization: Number.isFinite(servers) ? (throughputPerSecond * demandSeconds) / servers : 0,
    }
  })
  return {
    throughputPerSecond,
    responseSeconds: stations.reduce((sum, { residenceSeconds }) => sum + residenceSeconds, 0),
    stations,
    method,
  }
}

const copiesOf = ({ copies }: ClosedStation): number => copies ?? 1

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
  if (users <= 0) return answer(network, 0, [], 'exact')
  const delaySeconds = thinkSeconds + delayOf(stations, users)
  const queueing = stations.map((station): Queueing | undefined =>
    isDelay(station, users) || aloneSeconds(station) === 0
      ? undefined
      : { pace: paceOf(station), copies: copiesOf(station) },
  )
  const present = queueing.filter((each) => each !== undefined)
  const several = present.filter(({ pace }) => pace.length > 1).length
  const cost = present.reduce((sum, { pace, copies }) => sum + copies * (10 + Math.min(pace.length, users)), 10)
  if (users * (several === 0 ? present.length + 1 : (several + 1) * cost) > mostSteps) return meanField(network)
  const throughputs =
    several === 0 ? singleServers(users, delaySeconds, present) : withAll(users, delaySeconds, queueing)
  const throughput = throughputs?.[users - 1] ?? 0
  const found = stations.map((station, i): StationNumbers => {
    const own = queueing[i]
    if (own === undefined)
      return { inSystem: throughput * station.demandSeconds * copiesOf(station), waiting: 0, crowd: 0 }
    const { pace, copies } = own
    const one =
      pace.length === 1
        ? numberAtSingle(throughputs ?? new Float64Array(), pace[0] ?? 0, users)
        : numberAt(withAll(users, delaySeconds, withoutOne(queueing, i)), pace, users)
    return { inSystem: copies * one.inSystem, waiting: copies * one.waiting, crowd: one.crowd }
  })
  return answer(network, throughput, found, 'exact')
}

interface Queueing {
  readonly pace: Pace
  readonly copies: number
}

const withoutOne = (queueing: readonly (Queueing | undefined)[], i: number): readonly (Queueing | undefined)[] =>
  queueing.map((each, k) => (k === i && each !== undefined ? { ...each, copies: each.copies - 1 } : each))

/** Time at all stations that are delays for so many customers. */
const delayOf = (stations: readonly ClosedStation[], customers: number): number =>
  stations.reduce(
    (sum, station) => sum + (isDelay(station, customers) ? copiesOf(station) * station.demandSeconds : 0),
    0,
  )

/** Throughputs of 1…N users; all stations have one server. */
const singleServers = (users: number, delaySeconds: number, stations: readonly Queueing[]): Float64Array => {
  const demands = Float64Array.from(stations, ({ pace }) => pace[0] ?? 0)
  const copies = Float64Array.from(stations, (station) => station.copies)
  const queues = new Float64Array(demands.length)
  const throughputs = new Float64Array(users)
  for (let n = 1; n <= users; n++) {
    let cycle = delaySeconds
    for (let k = 0; k < queues.length; k++) cycle += (copies[k] ?? 0) * (demands[k] ?? 0) * (1 + (queues[k] ?? 0))
    const throughput = cycle > 0 ? n / cycle : Number.POSITIVE_INFINITY
    for (let k = 0; k < queues.length; k++) queues[k] = throughput * (demands[k] ?? 0) * (1 + (queues[k] ?? 0))
    throughputs[n - 1] = throughput
  }
  return throughputs
}

/** Throughputs of 1…N users around all of these; undefined: there is nothing to go around. */
const withAll = (
  users: number,
  delaySeconds: number,
  stations: readonly (Queueing | undefined)[],
): Float64Array | undefined => {
  let throughputs = delayThroughputs(users, delaySeconds)
  for (const station of stations)
    for (let copy = 0; copy < (station?.copies ?? 0); copy++)
      if (station !== undefined) throughputs = withStation(throughputs, station.pace, users)
  return throughputs
}

/** Throughputs of 1…N customers that never think: what a subnetwork with room for N carries (a flow-equivalent server's rates). */
export const chainThroughputs = (
  customers: number,
  delaySeconds: number,
  stations: readonly ClosedStation[],
): Float64Array | undefined =>
  withAll(
    customers,
    delaySeconds + delayOf(stations, customers),
    stations.map((station) =>
      isDelay(station, customers) || aloneSeconds(station) === 0
        ? undefined
        : { pace: paceOf(station), copies: copiesOf(station) },
    ),
  )

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
  const found = (throughput: number): readonly StationNumbers[] =>
    stations.map((station, i) => {
      const pace = paces[i]
      const copies = copiesOf(station)
      if (pace === undefined) return { inSystem: throughput * station.demandSeconds * copies, waiting: 0, crowd: 0 }
      const { inSystem, beyond, crowdProbability } = loadDependent(throughput, pace, closing)
      return { inSystem: copies * inSystem, waiting: copies * beyond, crowd: crowdProbability }
    })
  const population = (all: readonly StationNumbers[], throughput: number): number =>
    all.reduce((sum, { inSystem }) => sum + inSystem, throughput * thinkSeconds)
  let low = 0
  let high = asymptoticBounds(network).throughputUpperPerSecond
  if (!Number.isFinite(high)) return answer(network, high, [], 'mean-field')
  if (population(found(high), high) > users)
    for (let i = 0; i < 200 && high - low > Number.EPSILON * high; i++) {
      const middle = (low + high) / 2
      if (population(found(middle), middle) > users) high = middle
      else low = middle
    }
  else low = high
  const all = found(low)
  // What the last digit of a saturated throughput leaves over stands at the bottleneck.
  const missing = Math.max(0, users - population(all, low))
  const worst = bottleneckOf(stations)
  return answer(
    network,
    low,
    all.map((each, i) =>
      i === worst ? { ...each, inSystem: each.inSystem + missing, waiting: each.waiting + missing } : each,
    ),
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
  const total = stations.reduce((sum, station) => sum + copiesOf(station) * aloneSeconds(station), 0)
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
  const demands = stations
    .flatMap((station) => new Array<number>(copiesOf(station)).fill(station.demandSeconds))
    .filter((demand) => demand > 0)
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
