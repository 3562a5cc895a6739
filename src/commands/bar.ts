/** A bar on stderr while something takes its time; nothing where stderr is no terminal. */
import { bar } from '../report/bar.js'
import type { Host } from './host.js'

const barWidth = 24

/** Between two drawings. */
const everySeconds = 0.1

export interface ProgressBar {
  /** `share` 0…1. */
  draw(share: number, text: string): void
  /** Wipes it away. */
  end(): void
}

export const progressBar = ({ stderr, now }: Host): ProgressBar => {
  let drawnAt = Number.NEGATIVE_INFINITY
  return {
    draw: (share, text) => {
      if (!stderr.isTTY || now() - drawnAt < everySeconds) return
      drawnAt = now()
      const line = [...`${bar(share, barWidth)}  ${text}`].slice(0, Math.max(20, stderr.columns - 1))
      stderr.write(`\r\u001b[K${line.join('')}`)
    },
    end: () => {
      if (drawnAt > Number.NEGATIVE_INFINITY) stderr.write('\r\u001b[K')
    },
  }
}
