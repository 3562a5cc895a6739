/** A run as it happens: one's own, which leaving ends, or one that is only watched. */
import type { RunEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import type { Mode } from './frame.js'
import type { Command } from './keys.js'
import { Session, type SessionOptions } from './session.js'

export class LiveSession extends Session {
  #owns: boolean

  constructor(options: SessionOptions & { readonly owns: boolean }) {
    super(options)
    this.#owns = options.owns
    this.drawSoon()
  }

  events(events: readonly RunEvent[]): void {
    this.add(events)
  }

  finish(result: RunResult): void {
    this.result = result
    this.drawSoon()
  }

  /** Nothing goes on any more that leaving would end. */
  over(): void {
    this.#owns = false
    this.activity(undefined)
  }

  protected get mode(): Mode {
    return { kind: 'live', owns: this.#owns }
  }

  protected obey(command: Command): void {
    if (command === 'interrupt' || (command === 'quit' && this.#owns)) this.interrupt()
    else if (command === 'quit') this.leave('quit')
    else if (command === 'detach' && this.#owns) this.leave('detached')
  }
}
