/**
 * Which instance gets the next request: nginx's algorithms as pure state machines. Peers are indices; the caller keeps
 * count of tries and says how each use ended. Nothing here allocates per request.
 */
import { type PassiveHealth, type PassiveHealthOptions, passiveHealth } from './passive-health.js'

export type BalanceAlgorithm = 'round_robin' | 'least_conn' | 'random_two' | 'ip_hash'

export interface BalancerOptions {
  readonly algorithm: BalanceAlgorithm
  /** Per peer: positive integers. */
  readonly weights: readonly number[]
  readonly health: PassiveHealthOptions
  /** Uniform in [0, 1); asked by `random_two` only. */
  readonly uniform: () => number
}

export interface Balancer {
  readonly size: number
  /**
   * The peer for a request that has already tried `tried`, or −1 when none is available (nginx: 502, "no live
   * upstreams"). `key`: what `ip_hash` hashes. Counts a connection until `release`.
   */
  pick(now: number, tried: readonly number[], key: number): number
  /** The use ended. `abandoned`: the client went away, which says nothing of the peer. */
  release(peer: number, ended: 'succeeded' | 'failed' | 'abandoned', now: number): void
  connections(peer: number): number
  available(peer: number, now: number): boolean
}

interface State {
  readonly size: number
  readonly weight: Float64Array
  /** Lowered by failures, grows back by one at each pick. */
  readonly effective: Float64Array
  readonly current: Float64Array
  readonly connections: Int32Array
  readonly health: PassiveHealth
  readonly uniform: () => number
}

type Pick = (state: State, now: number, tried: readonly number[], key: number) => number

const get = (values: Float64Array | Int32Array, index: number): number => values[index] ?? 0

const usable = (state: State, peer: number, now: number, tried: readonly number[]): boolean =>
  !(tried.length > 0 && tried.includes(peer)) && state.health.available(peer, now)

/** Smooth weighted round robin over the peers from `start` on that are usable and as loaded as `like` (−1: any load). */
const smooth = (state: State, now: number, tried: readonly number[], start: number, like: number): number => {
  const { weight, effective, current, connections } = state
  let best = -1
  let total = 0
  for (let peer = start; peer < state.size; peer++) {
    if (!usable(state, peer, now, tried)) continue
    if (like >= 0 && get(connections, peer) * get(weight, like) !== get(connections, like) * get(weight, peer)) continue
    current[peer] = get(current, peer) + get(effective, peer)
    total += get(effective, peer)
    if (get(effective, peer) < get(weight, peer)) effective[peer] = get(effective, peer) + 1
    if (best < 0 || get(current, peer) > get(current, best)) best = peer
  }
  if (best >= 0) current[best] = get(current, best) - total
  return best
}

const roundRobin: Pick = (state, now, tried) => smooth(state, now, tried, 0, -1)

const leastConnections: Pick = (state, now, tried) => {
  const { weight, connections } = state
  let best = -1
  let many = false
  for (let peer = 0; peer < state.size; peer++) {
    if (!usable(state, peer, now, tried)) continue
    if (best < 0) {
      best = peer
      continue
    }
    const difference = get(connections, peer) * get(weight, best) - get(connections, best) * get(weight, peer)
    if (difference < 0) {
      best = peer
      many = false
    } else if (difference === 0) many = true
  }
  return many ? smooth(state, now, tried, best, best) : best
}

/** A peer by weight for u in [0, 1). */
const byWeight = (state: State, u: number): number => {
  let total = 0
  for (let peer = 0; peer < state.size; peer++) total += get(state.weight, peer)
  let rest = u * total
  for (let peer = 0; peer < state.size; peer++) {
    rest -= get(state.weight, peer)
    if (rest < 0) return peer
  }
  return state.size - 1
}

/** nginx gives up guessing after this many misses and falls back to round robin. */
const maxGuesses = 20

/** `random two least_conn`: the less loaded of two peers drawn by weight. */
const randomTwo: Pick = (state, now, tried) => {
  if (state.size < 2) return roundRobin(state, now, tried, 0)
  let first = -1
  for (let guess = 0; guess <= maxGuesses; guess++) {
    const peer = byWeight(state, state.uniform())
    if (peer === first || !usable(state, peer, now, tried)) continue
    if (first < 0) {
      first = peer
      continue
    }
    const { weight, connections } = state
    return get(connections, peer) * get(weight, first) < get(connections, first) * get(weight, peer) ? peer : first
  }
  return roundRobin(state, now, tried, 0)
}

const ipHash: Pick = (state, now, tried, key) => {
  let hash = 89
  for (let guess = 0; guess <= maxGuesses; guess++) {
    for (let byte = 0; byte < 3; byte++) hash = (hash * 113 + ((key >>> (8 * byte)) & 255)) % 6271
    const peer = byWeight(state, hash / 6271)
    if (usable(state, peer, now, tried)) return peer
  }
  return roundRobin(state, now, tried, 0)
}

const algorithms: Readonly<Record<BalanceAlgorithm, Pick>> = {
  round_robin: roundRobin,
  least_conn: leastConnections,
  random_two: randomTwo,
  ip_hash: ipHash,
}

export const makeBalancer = (options: BalancerOptions): Balancer => {
  const size = options.weights.length
  const health = passiveHealth(size, options.health)
  const state: State = {
    size,
    weight: Float64Array.from(options.weights),
    effective: Float64Array.from(options.weights),
    current: new Float64Array(size),
    connections: new Int32Array(size),
    health,
    uniform: options.uniform,
  }
  const choose = algorithms[options.algorithm]
  const { maxFails } = options.health
  return {
    size,
    pick: (now, tried, key) => {
      const peer = choose(state, now, tried, key)
      if (peer >= 0) {
        health.chosen(peer, now)
        state.connections[peer] = get(state.connections, peer) + 1
      }
      return peer
    },
    release: (peer, ended, now) => {
      state.connections[peer] = get(state.connections, peer) - 1
      if (ended === 'succeeded') health.succeeded(peer)
      if (ended !== 'failed') return
      health.failed(peer, now)
      const penalty = maxFails > 0 ? Math.trunc(get(state.weight, peer) / maxFails) : 0
      state.effective[peer] = Math.max(0, get(state.effective, peer) - penalty)
    },
    connections: (peer) => get(state.connections, peer),
    available: (peer, now) => health.available(peer, now),
  }
}
