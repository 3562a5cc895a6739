/**
 * Which instance gets the next request: nginx's algorithms as a state machine. Hot in the simulator (asked for every
 * request): typed arrays, peers as indices, nothing allocated per request. The caller counts tries and says how each use
 * ended.
 *
 * Peers of equal weight and load take turns, the longest unused first: the order of nginx's smooth round robin while the
 * same peers are equal. Unequal weights are nginx's to the letter up to `scanLimit` peers; beyond it turns are given by
 * stride scheduling (Waldspurger and Weihl 1995), with the same shares.
 */
import { PassiveHealth, type PassiveHealthOptions } from './passive-health.js'
import { PeerOrder } from './peer-order.js'
import { PeerWeights } from './peer-weights.js'

export type BalanceAlgorithm = 'round_robin' | 'least_conn' | 'random_two' | 'ip_hash'

export interface BalancerOptions {
  readonly algorithm: BalanceAlgorithm
  /** Per peer: positive integers. */
  readonly weights: readonly number[]
  readonly health: PassiveHealthOptions
  /** Uniform in [0, 1); asked by `random_two` only. */
  readonly uniform: () => number
  /** Peers up to which all are looked at; the default is where `bench/balancer.js` finds the tree to win. */
  readonly scanLimit?: number
}

/** How a use ended. `abandoned`: the client went away, which says nothing of the peer. */
export type PeerEnding = 'succeeded' | 'failed' | 'abandoned'

export const defaultScanLimit = 32

/** nginx gives up guessing after this many misses and falls back to round robin. */
const maxGuesses = 20

/** Why a peer is not to be chosen, whatever its passive health. */
const notInGroup = 1
const markedDown = 2

/** A connection weighs more than any number of turns: some 10¹⁰ of them. */
const turnsPerConnection = 2 ** 34

/** Ways to choose. */
const byOrder = 0
const byScan = 1
const byDraw = 2
const byHash = 3

export class Balancer {
  readonly size: number
  readonly #way: number
  readonly #countsConnections: boolean
  /** 0: turns alone count. */
  readonly #turnsPerLoad: number
  readonly #equal: boolean
  readonly #uniform: () => number
  readonly #health: PassiveHealth
  readonly #penalty: Float64Array
  readonly #weights: PeerWeights
  /** Of smooth round robin. Lowered by failures, grows back by one at each pick. */
  readonly #effective: Float64Array
  readonly #current: Float64Array
  readonly #connections: Int32Array
  readonly #off: Uint8Array
  /** Peers by load and turn, without those that must not be chosen now. */
  readonly #order: PeerOrder
  readonly #turn: Float64Array
  #latestTurn = 0
  /** Peers that the order leaves out until their rest is over, and the end of the first rest. */
  readonly #resting: Int32Array
  readonly #isResting: Uint8Array
  #restingCount = 0
  #wakesAt = Number.POSITIVE_INFINITY

  constructor({ algorithm, weights, health, uniform, scanLimit = defaultScanLimit }: BalancerOptions) {
    const size = weights.length
    this.size = size
    this.#equal = weights.every((weight) => weight === weights[0])
    const sorted = algorithm === 'round_robin' || algorithm === 'least_conn'
    if (sorted) this.#way = this.#equal || size > scanLimit ? byOrder : byScan
    else this.#way = algorithm === 'random_two' ? byDraw : byHash
    this.#countsConnections = algorithm !== 'round_robin'
    this.#turnsPerLoad = this.#countsConnections ? turnsPerConnection : 0
    this.#uniform = uniform
    this.#health = new PassiveHealth(size, health)
    this.#weights = new PeerWeights(weights)
    this.#effective = Float64Array.from(weights)
    this.#penalty = Float64Array.from(weights, (weight) =>
      health.maxFails > 0 ? Math.trunc(weight / health.maxFails) : 0,
    )
    this.#current = new Float64Array(size)
    this.#connections = new Int32Array(size)
    this.#off = new Uint8Array(size)
    this.#order = new PeerOrder(size, scanLimit)
    this.#turn = new Float64Array(size)
    this.#resting = new Int32Array(size)
    this.#isResting = new Uint8Array(size)
    this.#regroup(0)
  }

  /**
   * The peer for a request that has already tried `tried`, or −1 when none is available (nginx: 502, "no live
   * upstreams"). `client`: what `ip_hash` hashes, its three low bytes. Counts a connection until `release`.
   */
  pick(now: number, tried: readonly number[], client: number): number {
    if (this.#way !== byOrder) return this.#pickUnordered(now, tried, client)
    if (now > this.#wakesAt) this.#wake(now)
    const peer = tried.length === 0 ? this.#order.least() : this.#leastUntried(now, tried)
    if (peer < 0) return -1
    this.#connections[peer] = (this.#connections[peer] as number) + 1
    const suspected = this.#health.chosen(peer, now)
    this.#taken(peer)
    if (suspected) this.#rest(peer)
    else this.#order.set(peer, this.#keyOf(peer))
    return peer
  }

  release(peer: number, ended: PeerEnding, now: number): void {
    this.#connections[peer] = (this.#connections[peer] as number) - 1
    if (ended === 'succeeded') this.#health.succeeded(peer)
    else if (ended === 'failed') {
      this.#health.failed(peer, now)
      this.#effective[peer] = Math.max(0, (this.#effective[peer] as number) - (this.#penalty[peer] as number))
    }
    if (this.#way === byOrder) this.#place(peer, now)
  }

  /** Peers in the group. */
  get count(): number {
    return this.#weights.count
  }

  connections(peer: number): number {
    return this.#connections[peer] as number
  }

  available(peer: number, now: number): boolean {
    return this.#off[peer] === 0 && this.#health.available(peer, now)
  }

  /** Adds a peer to the group, as one that is new, or takes it out: as if the configuration listed it (not). */
  enable(peer: number, on: boolean, now: number): void {
    const off = this.#off[peer] as number
    if (((off & notInGroup) === 0) === on) return
    this.#off[peer] = on ? off & ~notInGroup : off | notInGroup
    if (on) {
      this.#health.renew(peer)
      this.#current[peer] = 0
      this.#effective[peer] = this.#weights.of(peer)
      this.#turn[peer] = this.#latestTurn
    }
    this.#regroup(now)
  }

  /** What an active check says of it: a peer that is down stays in the group and is passed over. */
  mark(peer: number, up: boolean, now: number): void {
    const off = this.#off[peer] as number
    this.#off[peer] = up ? off & ~markedDown : off | markedDown
    this.#place(peer, now)
  }

  #pickUnordered(now: number, tried: readonly number[], client: number): number {
    const peer = this.#choose(now, tried, client)
    if (peer < 0) return -1
    this.#connections[peer] = (this.#connections[peer] as number) + 1
    this.#health.chosen(peer, now)
    return peer
  }

  #choose(now: number, tried: readonly number[], client: number): number {
    switch (this.#way) {
      case byScan:
        return this.#countsConnections ? this.#leastLoaded(now, tried) : this.#smooth(now, tried, 0, -1)
      case byDraw:
        return this.#randomTwo(now, tried)
      default:
        return this.#ipHash(now, tried, client)
    }
  }

  #usable(peer: number, now: number, tried: readonly number[]): boolean {
    return this.available(peer, now) && (tried.length === 0 || tried.indexOf(peer) < 0)
  }

  /** Connections per weight of `peer` less those of `other`, times both weights. */
  #moreLoaded(peer: number, other: number): number {
    return (
      (this.#connections[peer] as number) * this.#weights.of(other) -
      (this.#connections[other] as number) * this.#weights.of(peer)
    )
  }

  /** Smooth weighted round robin over the usable peers from `start` on that are as loaded as `like` (−1: any load). */
  #smooth(now: number, tried: readonly number[], start: number, like: number): number {
    const current = this.#current
    const effective = this.#effective
    let best = -1
    let most = Number.NEGATIVE_INFINITY
    let total = 0
    for (let peer = start; peer < this.size; peer++) {
      if (!this.#usable(peer, now, tried)) continue
      if (like >= 0 && this.#moreLoaded(peer, like) !== 0) continue
      const share = effective[peer] as number
      const raised = (current[peer] as number) + share
      current[peer] = raised
      total += share
      if (share < this.#weights.of(peer)) effective[peer] = share + 1
      if (raised > most) {
        most = raised
        best = peer
      }
    }
    if (best >= 0) current[best] = most - total
    return best
  }

  #leastLoaded(now: number, tried: readonly number[]): number {
    let best = -1
    let many = false
    for (let peer = 0; peer < this.size; peer++) {
      if (!this.#usable(peer, now, tried)) continue
      const difference = best < 0 ? -1 : this.#moreLoaded(peer, best)
      if (difference < 0) {
        best = peer
        many = false
      } else if (difference === 0) many = true
    }
    return many ? this.#smooth(now, tried, best, best) : best
  }

  #leastUntried(now: number, tried: readonly number[]): number {
    for (let i = 0; i < tried.length; i++) this.#order.set(tried[i] as number, Number.POSITIVE_INFINITY)
    const peer = this.#order.least()
    for (let i = 0; i < tried.length; i++) this.#place(tried[i] as number, now)
    return peer
  }

  /** `random two least_conn`: the less loaded of two peers drawn by weight. */
  #randomTwo(now: number, tried: readonly number[]): number {
    const weights = this.#weights
    let first = -1
    if (weights.count > 1)
      for (let guess = 0; guess <= maxGuesses; guess++) {
        const peer = weights.at(Math.floor(this.#uniform() * weights.total))
        if (peer === first || !this.#usable(peer, now, tried)) continue
        if (first >= 0) return this.#moreLoaded(peer, first) > 0 ? first : peer
        first = peer
      }
    return this.#smooth(now, tried, 0, -1)
  }

  /** Of a client's address nginx hashes the first three octets; a miss hashes on from where it was. */
  #ipHash(now: number, tried: readonly number[], client: number): number {
    let hash = 89
    if (this.#weights.count > 0)
      for (let guess = 0; guess <= maxGuesses; guess++) {
        for (let byte = 0; byte < 24; byte += 8) hash = (hash * 113 + ((client >>> byte) & 255)) % 6271
        const peer = this.#weights.at(hash % this.#weights.total)
        if (this.#usable(peer, now, tried)) return peer
      }
    return this.#smooth(now, tried, 0, -1)
  }

  #regroup(now: number): void {
    const peers = Array.from({ length: this.size }, (_, peer) => peer)
    const members = peers.filter((peer) => ((this.#off[peer] as number) & notInGroup) === 0)
    this.#weights.regroup(members)
    this.#health.resize(members.length)
    for (const peer of peers) this.#place(peer, now)
  }

  /** Its turn is over: among equals it comes last; of unequal ones each has as many turns as it weighs. */
  #taken(peer: number): void {
    if (this.#equal === true) {
      this.#latestTurn++
      this.#turn[peer] = this.#latestTurn
    } else {
      // Who was away does not catch up.
      this.#latestTurn = Math.max(this.#latestTurn, this.#turn[peer] as number)
      this.#turn[peer] = this.#latestTurn + this.#weights.stride(peer)
    }
  }

  #keyOf(peer: number): number {
    const connections = this.#connections[peer] as number
    const load = this.#equal === true ? connections : connections / this.#weights.of(peer)
    return load * this.#turnsPerLoad + (this.#turn[peer] as number)
  }

  /** Puts a peer where the order should have it. */
  #place(peer: number, now: number): void {
    if (this.#off[peer] !== 0) this.#order.set(peer, Number.POSITIVE_INFINITY)
    else if (!this.#health.available(peer, now)) this.#rest(peer)
    else this.#order.set(peer, this.#keyOf(peer))
  }

  #rest(peer: number): void {
    this.#order.set(peer, Number.POSITIVE_INFINITY)
    this.#wakesAt = Math.min(this.#wakesAt, this.#health.restsUntil(peer))
    if (this.#isResting[peer] === 1) return
    this.#isResting[peer] = 1
    this.#resting[this.#restingCount++] = peer
  }

  /** Takes back in whose rest is over. */
  #wake(now: number): void {
    const count = this.#restingCount
    this.#restingCount = 0
    this.#wakesAt = Number.POSITIVE_INFINITY
    for (let i = 0; i < count; i++) {
      const peer = this.#resting[i] as number
      this.#isResting[peer] = 0
      // Who still rests goes to a place of the list that has been read.
      this.#place(peer, now)
    }
  }
}

export const makeBalancer = (options: BalancerOptions): Balancer => new Balancer(options)
