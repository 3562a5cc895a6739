/** A run as it happens: one's own, which leaving ends, or one that is only watched. */
import type { RunEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import type { Mode } from './frame.js'
import type { Command } from './keys.js'
import { Session, type SessionOptions } from './session.js'

export class LiveSession extends Session {
  protected readonly mode: Mode

  constructor(options: SessionOptions & { readonly owns: boolean }) {
    super(options)
    this.mode = { kind: 'live', owns: options.owns }
    this.drawSoon()
  }

  event(event: RunEvent): void {
    this.add([event])
  }

  events(events: readonly RunEvent[]): void {
    this.add(events)
  }

  /** Of the run, once it is over. */
  finish(result: RunResult): void {
    this.result = result
    this.drawSoon()
  }

  protected obey(command: Command): void {
    const goesOn = this.mode.kind === 'live' && this.mode.owns && this.result === undefined
    if (command === 'interrupt' || (command === 'quit' && goesOn)) this.interrupt()
    else if (command === 'quit') this.leave('quit')
    else if (command === 'detach' && goesOn) this.leave('detached')
  }
}
