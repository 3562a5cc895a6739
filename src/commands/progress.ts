/** Shows a run on stderr while it happens: a live line on a terminal, a plain line every few seconds elsewhere. */
import { wrap } from '../report/document.js'
import { eventLine, secondsLine } from '../report/progress.js'
import type { RunEvent, SecondEvent } from '../result/run-event.js'
import type { Output } from './host.js'

/** Between two plain lines. */
const plainEverySeconds = 5

export interface RunProgress {
  event(event: RunEvent): void
  /** Removes the live line. */
  end(): void
}

export const runProgress = (output: Output, everySeconds = plainEverySeconds): RunProgress => {
  let live = ''
  let seconds: SecondEvent[] = []
  const faults = new Map<number, string>()
  let injectedAt: number | undefined

  const clear = (): void => {
    if (live !== '') output.write('\r\u001b[K')
    live = ''
  }
  const line = (text: string): void => {
    clear()
    output.write(`${wrap(text, Math.max(40, output.columns)).join('\n')}\n`)
  }
  const second = (event: SecondEvent): void => {
    seconds.push(event)
    if (output.isTTY) {
      const text = secondsLine([event], [...faults.values()]).slice(0, output.columns - 1)
      clear()
      output.write(text)
      live = text
      seconds = []
    } else if (seconds.length >= everySeconds) {
      line(secondsLine(seconds, [...faults.values()]))
      seconds = []
    }
  }
  return {
    event: (event) => {
      if (event.type === 'second') return second(event)
      if (event.type === 'fault' && event.phase === 'injected') {
        injectedAt = event.at
        faults.set(event.fault, `[${event.kind} ${event.target}]`)
      }
      if (event.type === 'fault' && event.phase === 'undone') faults.delete(event.fault)
      if (event.type === 'instance' && event.state === 'ready') faults.clear()
      const text = eventLine(event, injectedAt)
      if (text !== undefined) line(text)
    },
    end: clear,
  }
}
