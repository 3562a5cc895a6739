/** How long a tree of work takes, given what each burst, connection and consumer makes it wait: mean and variance. */
import type { ComponentId } from '../../../topology/types.js'
import { extremeOf, type Moments } from '../gamma.js'
import { sharedResponseVariance } from '../processor-sharing.js'
import type { Holder, Node } from './flow-tree.js'
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

export interface Timing {
  readonly price: (node: Work) => Price
  readonly delay: (node: Work) => Delay
  /** What a holder is waited for, and how long things take while it is held; undefined: nothing limits it. */
  readonly held: (node: Holder) => (Wait & { readonly inside: Timing }) | undefined
  /** Until a consumer takes the message. */
  readonly queue: (consumer: ComponentId) => Wait
}

/** Nobody else is there. */
export const alone = (price: Timing['price']): Timing => ({
  price,
  delay: () => noDelay,
  held: () => undefined,
  queue: () => ({ waitSeconds: 0, waitVariance: 0, waitProbability: 0 }),
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
 * Until the client has its answer; `completion` instead until the work that it caused is done as well. Parts are taken to be independent; a fork
 * is the longest (or shortest) of gamma distributed branches.
 */
export const momentsOf = (node: Node, timing: Timing, completion = false): Moments => {
  switch (node.kind) {
    case 'work': {
      const price = timing.price(node)
      const moments = price.cpuSeconds === 0 ? nothing : burst(price, timing.delay(node))
      return { mean: moments.mean + price.waitSeconds, variance: moments.variance + price.waitVariance }
    }
    case 'series':
      return node.parts.reduce((total, part) => sum(total, momentsOf(part, timing, completion)), nothing)
    case 'fork':
      return extremeOf(
        node.parts.map((part) => momentsOf(part, timing, completion)),
        node.join,
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
