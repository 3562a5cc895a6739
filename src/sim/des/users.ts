import { Delays } from './delays.js'
import { type EventQueue, never, type Source } from './event-queue.js'
import type { Work } from './work.js'

/**
 * Users who think, send, wait for the answer and think again. New ones begin by thinking; surplus ones leave when they have
 * their answer or have finished thinking. A thinking user is an entry in a heap, nothing more: a million of them fit.
 */
export class Users implements Source {
  active = 0
  private wanted = 0
  /** What the load says, before faults multiply it. */
  private declared = 0
  private readonly factors: number[] = []
  private change = 0
  private readonly source: number
  private readonly thinking: Delays

  constructor(
    private readonly queue: EventQueue,
    private readonly changes: readonly { readonly at: number; readonly users: number }[],
    /** Undefined: they do not think. */
    readonly think: Work | undefined,
    private readonly issue: () => void,
    private readonly ended: () => boolean,
  ) {
    this.source = queue.add(this)
    this.thinking = new Delays(queue, { epoch: new Int32Array(1) }, () => this.send())
    queue.schedule(this.source, changes[0]?.at ?? never)
  }

  /** The number of users changes. */
  fire(): void {
    const { queue } = this
    this.declared = this.changes[this.change]?.users ?? 0
    this.change += 1
    queue.schedule(this.source, this.changes[this.change]?.at ?? never)
    this.recount()
  }

  /** From now on there are so many times as many; returns what ends that. */
  multiply(factor: number): () => void {
    this.factors.push(factor)
    this.recount()
    return () => {
      this.factors.splice(this.factors.indexOf(factor), 1)
      this.recount()
    }
  }

  /** All leave. */
  stop(): void {
    this.declared = 0
    this.wanted = 0
    this.queue.schedule(this.source, never)
  }

  private recount(): void {
    this.wanted = Math.round(this.factors.reduce((count, factor) => count * factor, this.declared))
    while (this.active < this.wanted) {
      this.active += 1
      this.ponder()
    }
  }

  finished(): void {
    if (this.think === undefined) this.send()
    else if (this.leaves()) this.active -= 1
    else this.ponder()
  }

  private ponder(): void {
    const { think, thinking } = this
    if (think !== undefined) {
      think.into(thinking.seconds, 0)
      if ((thinking.seconds[0] as number) > 0) {
        thinking.add(0)
        return
      }
    }
    this.send()
  }

  private send(): void {
    if (this.leaves()) this.active -= 1
    else this.issue()
  }

  /** Is one to leave rather than to send again? */
  leaves(): boolean {
    return this.ended() || this.active > this.wanted
  }
}
