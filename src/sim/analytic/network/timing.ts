/** How long a tree of work takes, given what each burst, pool and consumer makes it wait. */
import type { ComponentId } from '../../../topology/types.js'
import type { Node } from './flow-tree.js'
import type { Price } from './usage.js'

export interface Timing {
  readonly price: (node: Extract<Node, { kind: 'work' }>) => Price
  /** Mean time before a burst is served at the node's station, and the factor by which others there stretch it. */
  readonly delay: (node: Extract<Node, { kind: 'work' }>) => { readonly waitSeconds: number; readonly stretch: number }
  readonly poolWaitSeconds: (pool: string) => number
  /** Until a consumer takes the message. */
  readonly queueSeconds: (consumer: ComponentId) => number
}

/** Nobody else is there. */
export const alone = (price: Timing['price']): Timing => ({
  price,
  delay: () => ({ waitSeconds: 0, stretch: 1 }),
  poolWaitSeconds: () => 0,
  queueSeconds: () => 0,
})

/**
 * Mean time until the client has its answer; `completion` instead until the work that it caused is done as well. A fork
 * takes as long as its slowest branch takes on average: a lower estimate of the mean of the maximum.
 */
export const timeOf = (node: Node, timing: Timing, completion = false): number => {
  switch (node.kind) {
    case 'work': {
      const { cpuSeconds, waitSeconds } = timing.price(node)
      if (cpuSeconds === 0) return waitSeconds
      const delay = timing.delay(node)
      return delay.waitSeconds + cpuSeconds * delay.stretch + waitSeconds
    }
    case 'series':
      return node.parts.reduce((sum, part) => sum + timeOf(part, timing, completion), 0)
    case 'fork':
      return node.parts.reduce((longest, part) => Math.max(longest, timeOf(part, timing, completion)), 0)
    case 'weighted':
      // 0 × ∞ would be no number: what never happens takes no time, whatever it would take.
      return node.weight > 0 ? node.weight * timeOf(node.body, timing, completion) : 0
    case 'serve':
      return timeOf(node.body, timing, completion)
    case 'hold':
      return timing.poolWaitSeconds(node.pool) + timeOf(node.body, timing, completion)
    case 'message':
      return completion ? timing.queueSeconds(node.consumer) + timeOf(node.body, timing, true) : 0
  }
}
