/**
 * Closed networks: a fixed number of users, each thinking and then asking for an answer, one class. `demandSeconds` of a
 * station is visits × service time per request; with c servers it is the sum over all servers, not divided by c.
 */
export interface ClosedStation {
  readonly demandSeconds: number
  readonly servers: number
}

export interface ClosedNetwork {
  readonly users: number
  /** Think time Z, and any other time during which a user waits for nothing that is shared. */
  readonly thinkSeconds: number
  readonly stations: readonly ClosedStation[]
}

export interface Bounds {
  /** 1/Dmax: what the bottleneck carries (infinite without demand). */
  readonly maxThroughputPerSecond: number
  /** Users at which the two bounds meet: N* = (D + Z)/Dmax. */
  readonly saturationUsers: number
  /** min(N/(D + Z), 1/Dmax). */
  readonly throughputUpperPerSecond: number
  /** max(D, N·Dmax − Z). */
  readonly responseLowerSeconds: number
}

/** Dmax per server: what a station takes from each request at best. */
const bottleneckSeconds = (stations: readonly ClosedStation[]): number =>
  stations.reduce((max, { demandSeconds, servers }) => Math.max(max, demandSeconds / servers), 0)

/**
 * Asymptotic bounds. Source: Denning & Buzen (1978); Lazowska et al., Quantitative System Performance, ch. 5.
 */
export const asymptoticBounds = ({ users, thinkSeconds, stations }: ClosedNetwork): Bounds => {
  const total = stations.reduce((sum, { demandSeconds }) => sum + demandSeconds, 0)
  const largest = bottleneckSeconds(stations)
  const maxThroughputPerSecond = largest > 0 ? 1 / largest : Number.POSITIVE_INFINITY
  const cycle = total + thinkSeconds
  return {
    maxThroughputPerSecond,
    saturationUsers: largest > 0 ? cycle / largest : Number.POSITIVE_INFINITY,
    throughputUpperPerSecond: Math.min(cycle > 0 ? users / cycle : Number.POSITIVE_INFINITY, maxThroughputPerSecond),
    responseLowerSeconds: Math.max(total, users * largest - thinkSeconds),
  }
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
  /** `exact`: all stations have one server; `seidmann`: multi-server stations were approximated; `bound`: too many users to count up. */
  readonly method: 'exact' | 'seidmann' | 'bound'
}

/** Beyond this many steps the recursion is not worth its time: the network has long been at its bound. */
const mostSteps = 20_000_000

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
    utilization: (throughputPerSecond * demandSeconds) / servers,
  })),
  method,
})

/** The whole queue stands at the bottleneck; the others are as good as empty. */
const atBound = (network: ClosedNetwork): ClosedAnswer => {
  const { users, thinkSeconds, stations } = network
  const { throughputUpperPerSecond, responseLowerSeconds } = asymptoticBounds({ users, thinkSeconds, stations })
  const total = stations.reduce((sum, { demandSeconds }) => sum + demandSeconds, 0)
  const largest = bottleneckSeconds(stations)
  const worst = stations.findIndex(({ demandSeconds, servers }) => demandSeconds / servers === largest)
  return answer(
    network,
    throughputUpperPerSecond,
    stations.map(({ demandSeconds }, i) => demandSeconds + (i === worst ? responseLowerSeconds - total : 0)),
    'bound',
  )
}

/**
 * Mean value analysis: for n = 1…N users, R_k = D_k(1 + Q_k(n − 1)), X = n/(Z + ΣR), Q_k = X·R_k. Exact for stations
 * with one server. A station of c servers becomes one of demand D/c followed by a delay D(c − 1)/c (Seidmann), which is
 * exact at one user and at saturation, and an approximation between.
 * Source: Reiser & Lavenberg, JACM 27(2), 1980; A. Seidmann, P. Schweitzer, S. Shalev-Oren (1987).
 */
export const meanValueAnalysis = (network: ClosedNetwork): ClosedAnswer => {
  const { users, thinkSeconds, stations } = network
  if (users <= 0)
    return answer(
      network,
      0,
      stations.map(({ demandSeconds }) => demandSeconds),
      'exact',
    )
  if (users * Math.max(1, stations.length) > mostSteps) return atBound(network)
  const queueing = stations.map(({ demandSeconds, servers }) => demandSeconds / servers)
  const delays = stations.map(({ demandSeconds }, i) => demandSeconds - (queueing[i] ?? 0))
  const fixed = thinkSeconds + delays.reduce((sum, value) => sum + value, 0)
  const queues = new Float64Array(stations.length)
  const residences = new Float64Array(stations.length)
  let throughput = 0
  for (let n = 1; n <= users; n++) {
    let cycle = fixed
    for (let k = 0; k < queues.length; k++) {
      const residence = (queueing[k] ?? 0) * (1 + (queues[k] ?? 0))
      residences[k] = residence
      cycle += residence
    }
    throughput = cycle > 0 ? n / cycle : Number.POSITIVE_INFINITY
    for (let k = 0; k < queues.length; k++) queues[k] = throughput * (residences[k] ?? 0)
  }
  return answer(
    network,
    throughput,
    Array.from(residences, (value, i) => value + (delays[i] ?? 0)),
    stations.every(({ servers }) => servers === 1) ? 'exact' : 'seidmann',
  )
}
