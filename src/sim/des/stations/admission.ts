/** A balancer's rate limit: what exceeds it is answered 429, what must wait its turn is held back. */
import { type Limiter, makeLimiter } from '../../../policy/limiter.js'
import type { RateLimit } from '../../../topology/types.js'
import type { Endpoint } from '../endpoint.js'
import type { Program } from '../flow/program.js'
import { blocked } from '../kernel.js'

/**
 * Limits of a balancer's instances, each for itself. Where the topology names no clients the load comes from one address and brings no
 * key, here as on a stack: a limit for each address or key is then one limit.
 */
export class Limits {
  private readonly limiters = new Map<Endpoint, Limiter>()

  /** Is each client counted for itself? */
  readonly perClient: boolean

  constructor(
    private readonly limit: RateLimit,
    clientsAreKnown: boolean,
  ) {
    this.perClient = limit.per !== 'all' && clientsAreKnown
  }

  of(endpoint: Endpoint): Limiter {
    let limiter = this.limiters.get(endpoint)
    if (limiter === undefined) {
      limiter = makeLimiter(this.limit)
      this.limiters.set(endpoint, limiter)
    }
    return limiter
  }

  /** The process has started anew: it has counted nothing. */
  forget(endpoint: Endpoint): void {
    this.limiters.delete(endpoint)
  }
}

/** The task goes on if and when it is admitted. */
export const emitAdmission = (program: Program, limits: Limits): void => {
  const { kernel } = program
  const { tasks, timers, queue, requests } = kernel
  const { perClient } = limits
  const tooMany = kernel.codes.of('429')
  const next = program.here + 1
  program.emit((task) => {
    const key = perClient ? (requests.client[tasks.request[task] as number] as number) : 0
    const { ok, delaySeconds } = limits.of(kernel.endpointOf(task)).admit(queue.now, key)
    if (!ok) return kernel.end(task, tooMany)
    if (delaySeconds <= 0) return next
    tasks.pc[task] = next
    timers.seconds[0] = delaySeconds
    timers.sleep(task)
    return blocked
  })
}
