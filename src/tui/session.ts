/** A dashboard that is open: holds what is shown, draws it at most ten times a second, and does what keys ask. */
import type { RunEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import type { ScreenTerminal } from './alternate-screen.js'
import { classIds, type Frame, type Mode, resources } from './frame.js'
import { type Command, type Key, meaningsOf } from './keys.js'
import { type Prediction, predictionOf } from './prediction.js'
import { advance, emptyView, type RunView, withNote } from './run-view.js'
import { openScreen, type Screen } from './screen.js'
import { firstSelection, select } from './selection.js'
import type { Style } from './style.js'

/** Between two drawings. */
const everySeconds = 0.1

export interface SessionOptions {
  readonly terminal: ScreenTerminal
  readonly style: Style
  /** Monotonic seconds. */
  readonly now: () => number
  /** What a Ctrl-C that arrives as a signal does: the terminal makes a key of it. */
  readonly interrupt: () => void
}

/** How the user, or a bug of ours, left the screen. */
export type Departure =
  | { readonly kind: 'quit' }
  | { readonly kind: 'detached' }
  | { readonly kind: 'crashed'; readonly error: unknown }

export abstract class Session {
  /** Resolves when the screen is left; the terminal has not been given back yet, except after a crash. */
  readonly left: Promise<Departure>
  protected view: RunView = emptyView
  protected result: RunResult | undefined
  readonly #options: SessionOptions
  readonly #screen: Screen
  #pending: RunEvent[] = []
  #prediction: Prediction | undefined
  #selection = firstSelection
  #activity: string | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #drawnAt = Number.NEGATIVE_INFINITY
  #leave: (departure: Departure) => void = () => {}

  constructor(options: SessionOptions) {
    this.#options = options
    this.left = new Promise((resolve) => {
      this.#leave = resolve
    })
    this.#screen = openScreen({
      terminal: options.terminal,
      onKey: (input, key) => this.#press(input, key),
      onResize: () => this.drawNow(),
      onCrash: (error) => {
        this.#stopDrawing()
        this.#leave({ kind: 'crashed', error })
      },
    })
  }

  predict(result: RunResult): void {
    this.#prediction = predictionOf(result)
    this.drawSoon()
  }

  note(text: string, isBad = false): void {
    this.#take()
    this.view = withNote(this.view, text, isBad)
    this.drawSoon()
  }

  /** What goes on beside the run; undefined: nothing. */
  activity(text: string | undefined): void {
    this.#activity = text
    this.drawSoon()
  }

  /** Gives the terminal back. Idempotent. */
  close(): void {
    this.#stopDrawing()
    this.#screen.close()
  }

  protected abstract readonly mode: Mode
  /** `quit` and `interrupt` are asked for while they cannot be refused. */
  protected abstract obey(command: Command): void

  protected add(events: readonly RunEvent[]): void {
    this.#pending.push(...events)
    this.drawSoon()
  }

  protected leave(kind: 'quit' | 'detached'): void {
    this.#leave({ kind })
  }

  protected interrupt(): void {
    this.#options.interrupt()
  }

  protected now(): number {
    return this.#options.now()
  }

  protected drawSoon(): void {
    if (this.#timer !== undefined || this.#isOver) return
    const wait = Math.max(0, this.#drawnAt + everySeconds - this.now())
    this.#timer = setTimeout(() => this.drawNow(), wait * 1000)
  }

  protected drawNow(): void {
    if (this.#isOver) return
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    this.#drawnAt = this.now()
    this.#screen.draw(this.#frame())
  }

  #take(): void {
    this.view = advance(this.view, this.#pending)
    this.#pending = []
  }

  #frame(): Frame {
    this.#take()
    return {
      view: this.view,
      mode: this.mode,
      result: this.result,
      prediction: this.#prediction,
      selection: this.#selection,
      activity: this.#activity,
      style: this.#options.style,
    }
  }

  #press(input: string, key: Key): void {
    const meanings = meaningsOf(input, key)
    for (const meaning of meanings) {
      if (meaning.kind === 'command') this.obey(meaning.command)
      else {
        const frame = this.#frame()
        const counts = { requests: classIds(frame).length, resources: resources(frame).length }
        this.#selection = select(this.#selection, meaning.key, counts)
      }
    }
    if (meanings.length > 0) this.drawNow()
  }

  /** From then on nothing is drawn any more. */
  #stopDrawing(): void {
    this.#isOver = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
  }
}
