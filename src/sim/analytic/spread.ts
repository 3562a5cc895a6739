/** Several stations side by side, each with a queue of its own: what its arrivals wait depends on who chooses the station. */
import { erlangArrivalsM1, ggc } from './gg.js'
import { loadDependent, serversPace } from './load-dependent.js'
import { constantServiceFactor } from './mg.js'
import { mmc } from './mmc.js'

/**
 * `shared`: one queue for all. `turn`: round robin. `random`: whoever comes is sent anywhere (hashing). `least`: to the one with the fewest
 * connections. `two`: the shorter of two chosen at random.
 */
export type Dispatch = 'shared' | 'turn' | 'random' | 'least' | 'two'

export interface Side {
  /** Of all stations together. */
  readonly arrivalRatePerSecond: number
  readonly serviceSeconds: number
  /** Of each station: cores or loops, maybe a fraction. */
  readonly servers: number
  readonly copies: number
  readonly dispatch: Dispatch
  /** Of service. */
  readonly scv: number
  /** For `least`: connections of each station that wait for something else, on average. */
  readonly elsewhere?: number
}

export interface SideAnswer {
  /** Mean, before service begins; Infinity: it cannot keep up. */
  readonly waitSeconds: number
  readonly waitProbability: number
  readonly utilization: number
}

/** One queue for a number of servers that need not be whole; the wait of M/M/c, times Page's factor for other service. */
const oneQueue = (arrivalRatePerSecond: number, serviceSeconds: number, servers: number, scv: number): SideAnswer => {
  const offered = arrivalRatePerSecond * serviceSeconds
  const utilization = offered / servers
  if (offered === 0) return { waitSeconds: 0, waitProbability: 0, utilization: 0 }
  if (utilization >= 1) return { waitSeconds: Number.POSITIVE_INFINITY, waitProbability: 1, utilization }
  const whole = Number.isInteger(servers) ? mmc({ arrivalRatePerSecond, serviceSeconds, servers }) : undefined
  const fraction =
    whole === undefined ? loadDependent(arrivalRatePerSecond, serversPace(serviceSeconds, servers)) : undefined
  const waitSeconds =
    whole?.waitSeconds ??
    Math.max(0, (fraction?.inSystem ?? 0) / arrivalRatePerSecond - serviceSeconds / Math.min(1, servers))
  const constant = constantServiceFactor(Math.max(1, servers), utilization) / 2
  return {
    waitSeconds: waitSeconds * (scv + (1 - scv) * constant),
    waitProbability: whole?.waitProbability ?? fraction?.crowdProbability ?? 0,
    utilization,
  }
}

/**
 * Round robin: each station's arrivals are every k-th of a Poisson stream, Erlang(k) apart, cv² = 1/k. One server, exponential service:
 * exact (GI/M/1). Several, or other service: Whitt's G/G/c.
 */
const inTurn = (arrivalRatePerSecond: number, side: Side): SideAnswer => {
  const { serviceSeconds, copies, scv } = side
  const servers = Math.max(1, side.servers)
  const random = oneQueue(arrivalRatePerSecond, serviceSeconds, side.servers, scv)
  if (!Number.isFinite(random.waitSeconds) || random.waitSeconds === 0) return random
  const arrivalScv = 1 / copies
  const station = { arrivalRatePerSecond, serviceSeconds: serviceSeconds * (servers / side.servers), servers }
  const whole = { ...station, servers: Math.max(1, Math.floor(servers)) }
  const compared = { ...whole, serviceSeconds: (station.serviceSeconds * whole.servers) / servers }
  const regular = ggc(compared, arrivalScv, scv).waitSeconds / Math.max(1e-300, ggc(compared, 1, scv).waitSeconds)
  if (servers > 1) return { ...random, waitSeconds: random.waitSeconds * Math.min(1, regular) }
  const exact = erlangArrivalsM1(arrivalRatePerSecond, compared.serviceSeconds, copies)
  const exponential = mmc(compared).waitSeconds
  const guessed = ggc(compared, arrivalScv, 1).waitSeconds / exponential
  return {
    utilization: random.utilization,
    waitProbability: exact.waitProbability,
    waitSeconds: random.waitSeconds * ((regular * (exact.waitSeconds / exponential)) / guessed),
  }
}

/**
 * The shorter of two: of many M/M/1 side by side, Σ ρ^(2^i − 2), i ≥ 2, of a service time; where there are few stations, or several servers each, that share
 * of the way from one queue for all to random. Source: M. Mitzenmacher, IEEE TPDS 12(10), 2001; Vvedenskaya, Dobrushin, Karpelevich 1996.
 */
const ofTwo = (shared: SideAnswer, random: SideAnswer): SideAnswer => {
  const { utilization } = random
  let waits = 0
  for (let i = 2; i < 60; i++) waits += utilization ** (2 ** i - 2)
  const share = utilization > 0 && utilization < 1 ? (waits * (1 - utilization)) / utilization : 0
  return blended(shared, random, share)
}

/** From one queue (share 0) to random (share 1). */
const blended = (shared: SideAnswer, random: SideAnswer, share: number): SideAnswer => {
  const between = (low: number, high: number): number => (high === low ? high : low + share * (high - low))
  return {
    utilization: random.utilization,
    waitSeconds: between(shared.waitSeconds, random.waitSeconds),
    waitProbability: between(shared.waitProbability, random.waitProbability),
  }
}

/**
 * How far least connections are from one queue (0) towards random choice (1): (a + x)/(1 + x), a = 0.4(1 − ρ)ρ^(k/4) for k stations, x = 0.62(1 − ρ)·m^¾ for m connections of each
 * that wait elsewhere and so tell nothing of its queue. Fitted to the event engine, k = 2…8, ρ = 0.5…0.9, m = 0…45: waits within 12 %.
 */
export const leastConnectionsShare = (utilization: number, copies: number, elsewhere: number): number => {
  const free = Math.max(0, 1 - utilization)
  const noise = 0.62 * free * elsewhere ** 0.75
  return (0.4 * free * utilization ** (copies / 4) + noise) / (1 + noise)
}

export const sideBySide = (side: Side): SideAnswer => {
  const { arrivalRatePerSecond, serviceSeconds, servers, copies, dispatch, scv } = side
  const shared = (): SideAnswer => oneQueue(arrivalRatePerSecond, serviceSeconds, servers * copies, scv)
  if (copies <= 1 || dispatch === 'shared' || (dispatch === 'two' && copies === 2)) return shared()
  const rate = arrivalRatePerSecond / copies
  if (dispatch === 'turn') return inTurn(rate, side)
  const random = oneQueue(rate, serviceSeconds, servers, scv)
  if (!Number.isFinite(random.waitSeconds) || dispatch === 'random') return random
  if (dispatch === 'least')
    return blended(shared(), random, leastConnectionsShare(random.utilization, copies, side.elsewhere ?? 0))
  return ofTwo(shared(), random)
}
