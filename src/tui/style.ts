/** What lines are made of: paint as in the reports, and characters that a terminal has. No meaning hangs on colour alone. */
import type { Paint } from '../report/problems.js'

export interface Glyphs {
  /** A cell that is filled by a part, up to all of it. */
  readonly levels: readonly string[]
  /** Of the predicted line, from the top of a cell to its bottom. */
  readonly dashes: readonly string[]
  readonly fault: string
  readonly undone: string
  readonly during: string
  readonly side: string
  readonly tick: string
  readonly corner: string
  readonly rule: string
  readonly full: string
  readonly empty: string
  readonly selected: string
  /** In place of what has no room. */
  readonly more: string
  readonly above: string
  readonly below: string
  readonly live: string
  readonly playing: string
  readonly paused: string
  readonly ended: string
  readonly between: string
  /** Keys. */
  readonly upDown: string
  readonly leftRight: string
}

export const unicode: Glyphs = {
  levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  dashes: ['¯', '─', '_'],
  fault: '▲',
  undone: '△',
  during: '┊',
  side: '│',
  tick: '┤',
  corner: '└',
  rule: '─',
  full: '█',
  empty: '░',
  selected: '▸',
  more: '…',
  above: '↑',
  below: '↓',
  live: '●',
  playing: '▶',
  paused: '‖',
  ended: '■',
  between: '·',
  upDown: '↑ ↓',
  leftRight: '← →',
}

export const ascii: Glyphs = {
  levels: ['.', ':', '#'],
  dashes: ['-'],
  fault: '^',
  undone: 'v',
  during: ':',
  side: '|',
  tick: '|',
  corner: '+',
  rule: '-',
  full: '#',
  empty: '.',
  selected: '>',
  more: '~',
  above: '^',
  below: 'v',
  live: 'o',
  playing: '>',
  paused: '=',
  ended: '#',
  between: '-',
  upDown: 'up down',
  leftRight: 'left right',
}

export interface Style {
  readonly paint: Paint
  readonly glyphs: Glyphs
}
