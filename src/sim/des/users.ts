import { Delays } from './delays.js'
import { type EventQueue, never, type Source } from './event-queue.js'

/**
 * Users who think, send, wait for the answer and think again. New ones begin by thinking; surplus ones leave when they have
 * their answer or have finished thinking.
 */
export class Users implements Source {
  private active = 0
  private wanted = 0
  private change = 0
  private readonly source: number
  private readonly thinking: Delays<null>

  constructor(
    private readonly queue: EventQueue,
    private readonly changes: readonly { readonly at: number; readonly users: number }[],
    private readonly think: () => number,
    private readonly issue: () => void,
    private readonly ended: () => boolean,
  ) {
    this.source = queue.add(this)
    this.thinking = new Delays<null>(queue, { stale: () => false, due: () => this.send() })
    queue.schedule(this.source, changes[0]?.at ?? never)
  }

  /** The number of users changes. */
  fire(): void {
    const { queue } = this
    this.wanted = this.changes[this.change]?.users ?? 0
    this.change += 1
    queue.schedule(this.source, this.changes[this.change]?.at ?? never)
    while (this.active < this.wanted) {
      this.active += 1
      this.ponder()
    }
  }

  finished(): void {
    if (this.leaves()) this.active -= 1
    else this.ponder()
  }

  private ponder(): void {
    const seconds = this.think()
    if (seconds > 0) this.thinking.add(null, 0, seconds)
    else this.send()
  }

  private send(): void {
    if (this.leaves()) this.active -= 1
    else this.issue()
  }

  private leaves(): boolean {
    return this.ended() || this.active > this.wanted
  }
}
