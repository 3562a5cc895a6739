/** How long a tree of work takes, given what each burst, connection and consumer makes it wait: mean and variance. */
import type { ComponentId } from '../../../topology/types.js'
import { forkDependence } from '../fork-join.js'
import { extremeOf, type Moments } from '../gamma.js'
import { sharedResponseVariance } from '../processor-sharing.js'
import { type Exclusive, type Holder, isExclusive, type Node } from './flow-tree.js'
import type { Price } from './usage.js'

type Work = Extract<Node, { kind: 'work' }>

/** What a burst meets at its station. */
export interface Delay {
  /** Mean time before it is served. */
  readonly waitSeconds: number
  readonly waitVariance: number
  /** The factor by which others on the cores stretch it. */
  readonly stretch: number
}

export const noDelay: Delay = { waitSeconds: 0, waitVariance: 0, stretch: 1 }

export interface Wait {
  readonly waitSeconds: number
  readonly waitVariance: number
  readonly waitProbability: number
}

const noWait: Wait = { waitSeconds: 0, waitVariance: 0, waitProbability: 0 }

export interface Timing {
  readonly price: (node: Work) => Price
  readonly delay: (node: Work) => Delay
  /** What a holder is waited for, and how long things take while it is held; undefined: nothing limits it. */
  readonly held: (node: Holder) => (Wait & { readonly inside: Timing }) | undefined
  /** Until the lock (the row) of one's key is free. */
  readonly locked: (node: Exclusive) => Wait
  /** Until a consumer takes the message. */
  readonly queue: (consumer: ComponentId) => Wait
  /** Which part of the load that a fork meets at its branches' stations is its own, 0…1. */
  readonly forkShare: (node: Node) => number
}

/** Nobody else is there. */
export const alone = (price: Timing['price']): Timing => ({
  price,
  delay: () => noDelay,
  held: () => undefined,
  locked: () => noWait,
  queue: () => noWait,
  forkShare: () => 0,
})

const sum = (a: Moments, b: Moments): Moments => ({ mean: a.mean + b.mean, variance: a.variance + b.variance })
const nothing: Moments = { mean: 0, variance: 0 }

/** Of a burst: its own variance, stretched, and what queueing or sharing adds. */
const burst = (price: Price, delay: Delay): Moments => {
  const { cpuSeconds, variance } = price
  if (cpuSeconds === 0) return nothing
  const served = cpuSeconds * delay.stretch
  const scv = variance / cpuSeconds ** 2
  return {
    mean: delay.waitSeconds + served,
    variance: delay.waitVariance + sharedResponseVariance(served, Math.max(1, delay.stretch), scv),
  }
}

/** So many times on average: whole ones surely, the rest with that probability. */
const repeated = (times: number, { mean, variance }: Moments): Moments => {
  // 0 × ∞ would be no number: what never happens takes no time, whatever it would take.
  if (!(times > 0)) return nothing
  const whole = Math.floor(times)
  const part = times - whole
  return { mean: times * mean, variance: whole * variance + part * (variance + mean ** 2) - (part * mean) ** 2 }
}

const chosen = (parts: readonly { readonly weight: number; readonly moments: Moments }[]): Moments => {
  let mean = 0
  let square = 0
  for (const { weight, moments } of parts) {
    if (!(weight > 0)) continue
    mean += weight * moments.mean
    square += weight * (moments.variance + moments.mean ** 2)
  }
  return { mean, variance: Number.isFinite(square) ? Math.max(0, square - mean ** 2) : Number.POSITIVE_INFINITY }
}

/**
 * Branches that arrive together find queues that are alike: the join waits less than for independent ones. By how much less, as Nelson and Tantawi
 * have it for equal M/M/1 stations that see nothing but forks, where ρ is the part of the time that is contention; less so where others load the stations, too.
 */
const joined = (node: Extract<Node, { kind: 'fork' }>, parts: readonly Moments[], timing: Timing): Moments => {
  const independent = extremeOf(parts, node.join)
  const share = timing.forkShare(node)
  if (node.join === 'any' || share === 0 || !Number.isFinite(independent.mean)) return independent
  const longest = Math.max(...parts.map(({ mean }) => mean))
  const idle = alone(timing.price)
  const contention = node.parts.map((part, i) => {
    const { mean } = parts[i] ?? nothing
    return mean > 0 ? 1 - Math.min(1, momentsOf(part, idle).mean / mean) : 0
  })
  const average = contention.reduce((total, value) => total + value, 0) / Math.max(1, contention.length)
  const factor = 1 - share * (1 - forkDependence(parts.length, average))
  return { mean: longest + (independent.mean - longest) * factor, variance: independent.variance }
}

/**
 * Until the client has its answer; `completion` instead until the work that it caused is done as well. Parts are taken to be independent; a fork
 * is the longest (or shortest) of gamma distributed branches (`joined`).
 */
export const momentsOf = (node: Node, timing: Timing, completion = false): Moments => {
  switch (node.kind) {
    case 'work': {
      const price = timing.price(node)
      const moments = price.cpuSeconds === 0 ? nothing : burst(price, timing.delay(node))
      return { mean: moments.mean + price.waitSeconds, variance: moments.variance + price.waitVariance }
    }
    case 'series': {
      const parts = node.parts.reduce((total, part) => sum(total, momentsOf(part, timing, completion)), nothing)
      if (!isExclusive(node)) return parts
      const { waitSeconds, waitVariance } = timing.locked(node)
      return sum({ mean: waitSeconds, variance: waitVariance }, parts)
    }
    case 'fork':
      return joined(
        node,
        node.parts.map((part) => momentsOf(part, timing, completion)),
        timing,
      )
    case 'choice':
      return chosen(
        node.parts.map(({ weight, body }) => ({
          weight,
          moments: weight > 0 ? momentsOf(body, timing, completion) : nothing,
        })),
      )
    case 'weighted':
      return repeated(node.weight, node.weight > 0 ? momentsOf(node.body, timing, completion) : nothing)
    case 'serve':
    case 'hold': {
      const held = timing.held(node)
      const body = momentsOf(node.body, held?.inside ?? timing, completion)
      return held === undefined ? body : sum({ mean: held.waitSeconds, variance: held.waitVariance }, body)
    }
    case 'later':
      return nothing
    case 'message': {
      if (!completion) return nothing
      const { waitSeconds, waitVariance } = timing.queue(node.consumer)
      return sum({ mean: waitSeconds, variance: waitVariance }, momentsOf(node.body, timing, true))
    }
  }
}

/** Mean of `momentsOf`. */
export const timeOf = (node: Node, timing: Timing, completion = false): number =>
  momentsOf(node, timing, completion).mean
