/**
 * Traffic spikes: the rate of all requests, or of one class, is multiplied for a while. Open loads get further Poisson arrivals (or lose some of their own);
 * closed loads get further users (or send some away).
 */

import { areaUntil, Inverse } from '../../experiment/level.js'
import { levelAt, userChanges } from '../../experiment/load.js'
import type { Load } from '../../experiment/types.js'
import type { RandomStream } from '../../lib/random.js'
import { type EventQueue, never, type Source } from './event-queue.js'
import { Users } from './users.js'
import type { Work } from './work.js'

/** Further arrivals of an open load, at `factor` times its own rate. */
class FurtherArrivals implements Source {
  private readonly id: number
  private readonly inverse: Inverse
  private area: number

  constructor(
    private readonly queue: EventQueue,
    { stages }: Load,
    private readonly factor: number,
    private readonly random: RandomStream,
    private readonly send: () => void,
  ) {
    this.inverse = new Inverse(stages)
    this.area = areaUntil(stages, queue.now)
    this.id = queue.add(this)
    this.next()
  }

  fire(): void {
    this.send()
    this.next()
  }

  stop(): void {
    this.queue.schedule(this.id, never)
  }

  private next(): void {
    this.area += this.random.exponential() / this.factor
    this.queue.schedule(this.id, this.inverse.timeOf(this.area))
  }
}

export interface SpikeHost {
  readonly queue: EventQueue
  readonly load: Load
  readonly random: RandomStream
  /** Between the requests of a user. */
  readonly think: Work | undefined
  readonly hasEnded: () => boolean
  /** Sends one more request, of this class or (−1) of any; `users`: who hears of its end. */
  readonly send: (cls: number, users: Users | undefined) => void
  /** Of the requests that start, the share that is of this class. */
  readonly shareOf: (cls: number) => number
  /** The users of a closed load. */
  readonly users: Users | undefined
}

/** Which requests are kept back while a factor is below 1. */
interface Thinning {
  /** −1: any. */
  readonly cls: number
  readonly keep: number
}

export class Spikes {
  private readonly thinnings = new Set<Thinning>()

  constructor(private readonly host: SpikeHost) {}

  /** Is anything kept back? */
  get thins(): boolean {
    return this.thinnings.size > 0
  }

  /** The rate of the class (−1: of all) is multiplied from now on. Returns what ends it. */
  begin(cls: number, factor: number): () => void {
    const { users } = this.host
    if (users !== undefined && cls < 0) return users.multiply(factor)
    if (factor > 1) return users === undefined ? this.further(cls, factor - 1) : this.furtherUsers(cls, factor - 1)
    const thinning = { cls, keep: factor }
    this.thinnings.add(thinning)
    return () => this.thinnings.delete(thinning)
  }

  /** Is this request kept back? */
  keepsBack(cls: number): boolean {
    for (const thinning of this.thinnings)
      if ((thinning.cls < 0 || thinning.cls === cls) && this.host.random.uniform() >= thinning.keep) return true
    return false
  }

  private further(cls: number, factor: number): () => void {
    const { queue, load, random, send } = this.host
    const share = cls < 0 ? 1 : this.host.shareOf(cls)
    if (factor * share <= 0) return () => undefined
    const arrivals = new FurtherArrivals(queue, load, factor * share, random, () => send(cls, undefined))
    return () => arrivals.stop()
  }

  /** Users who ask for nothing but this class. */
  private furtherUsers(cls: number, factor: number): () => void {
    const { queue, load, think, send, hasEnded } = this.host
    const each = factor * this.host.shareOf(cls)
    const { now } = queue
    const changes = [{ at: now, users: levelAt(load, now) }, ...userChanges(load).filter(({ at }) => at > now)]
    const users: Users = new Users(
      queue,
      changes.map(({ at, users: count }) => ({ at, users: Math.round(count * each) })),
      think,
      () => send(cls, users),
      hasEnded,
    )
    return () => users.stop()
  }
}
