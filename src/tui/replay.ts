/** A run that is over, played again. */
import type { RunEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import type { Mode } from './frame.js'
import type { Command } from './keys.js'
import { command, elapse, type Player, playerFor } from './player.js'
import { emptyView } from './run-view.js'
import { Session, type SessionOptions } from './session.js'

/** Between two steps of the replay. */
const tickMilliseconds = 100

export interface ReplayOptions extends SessionOptions {
  /** In order of time. */
  readonly events: readonly RunEvent[]
  /** Undefined: the run was killed, or is still going. */
  readonly outcome: RunResult | undefined
  /** Seconds of the run in a second. */
  readonly speed: number
}

export class ReplaySession extends Session {
  readonly #events: readonly RunEvent[]
  readonly #outcome: RunResult | undefined
  readonly #ticker: NodeJS.Timeout
  #player: Player
  /** Of the events, those that are in the view. */
  #played = 0
  #tickedAt: number

  constructor(options: ReplayOptions) {
    super(options)
    this.#events = options.events
    this.#outcome = options.outcome
    this.#player = playerFor(options.events.at(-1)?.at ?? 0, options.speed)
    this.#tickedAt = this.now()
    this.#ticker = setInterval(() => this.#tick(), tickMilliseconds)
    this.#show()
  }

  override close(): void {
    clearInterval(this.#ticker)
    super.close()
  }

  protected get mode(): Mode {
    return { kind: 'replay', isPlaying: this.#player.isPlaying, speed: this.#player.speed }
  }

  protected obey(what: Command): void {
    if (what === 'interrupt') this.interrupt()
    else if (what === 'quit') this.leave('quit')
    else if (what !== 'detach') {
      this.#player = command(this.#player, what)
      this.#show()
    }
  }

  #tick(): void {
    const now = this.now()
    const { position } = this.#player
    this.#player = elapse(this.#player, now - this.#tickedAt)
    this.#tickedAt = now
    if (this.#player.position !== position) this.#show()
  }

  /** Events up to the position; one that lies behind begins anew. */
  #show(): void {
    const { position, end } = this.#player
    if ((this.#events[this.#played - 1]?.at ?? 0) > position) {
      this.view = emptyView
      this.#played = 0
    }
    const next = this.#events.findIndex(({ at }, i) => i >= this.#played && at > position)
    const until = next < 0 ? this.#events.length : next
    if (until === this.#played && position < end) return
    this.add(this.#events.slice(this.#played, until))
    this.#played = until
    this.result = position >= end ? this.#outcome : undefined
  }
}
