/** What keys mean, and how the screen says so. */
import { cut, spread } from './cells.js'
import type { Frame } from './frame.js'
import type { SelectionKey } from './selection.js'
import type { Glyphs } from './style.js'

/** What a key asks of the run or its replay. */
export type Command =
  | 'quit'
  | 'interrupt'
  | 'detach'
  | 'pause'
  | 'faster'
  | 'slower'
  | 'back'
  | 'forward'
  | 'start'
  | 'end'

export type Meaning =
  | { readonly kind: 'selection'; readonly key: SelectionKey }
  | { readonly kind: 'command'; readonly command: Command }

interface Binding {
  /** As a reader names them. */
  readonly keys: string
  readonly what: string
  /** Where it means something; absent: everywhere. */
  readonly only?: 'replay' | 'own' | 'watched'
  /** A word for the line at the bottom. */
  readonly short?: string
}

/** For the help, in its order. */
const bindings = ({ upDown, leftRight }: Glyphs): readonly Binding[] => [
  { keys: 'q', what: 'quit', short: 'quit', only: 'watched' },
  {
    keys: 'q, Ctrl-C',
    what: 'stop the run: faults are undone, what it started is taken down',
    short: 'stop',
    only: 'own',
  },
  { keys: 'd', what: 'leave this screen and let the run go on, with lines of progress', short: 'leave', only: 'own' },
  { keys: 'space', what: 'pause the replay, or go on', short: 'pause', only: 'replay' },
  { keys: '+ -', what: 'replay faster or slower', short: 'speed', only: 'replay' },
  { keys: ', .', what: 'ten seconds back or forward', only: 'replay' },
  { keys: 'g G', what: 'to the start, to the end', short: 'start, end', only: 'replay' },
  { keys: upDown, what: 'select a class, a component or a host: the charts are about it', short: 'select' },
  { keys: `tab ${leftRight}`, what: 'move in the other table: requests or resources', short: 'table' },
  { keys: 'p', what: 'draw p50, p95 or p99', short: 'percentile' },
  { keys: 'z', what: 'draw the last minute, or the whole run', short: 'zoom' },
  { keys: '?', what: 'this help', short: 'help' },
]

const characters: Readonly<Record<string, Meaning>> = {
  // A Ctrl-C that was not typed alone.
  '\u0003': { kind: 'command', command: 'interrupt' },
  q: { kind: 'command', command: 'quit' },
  d: { kind: 'command', command: 'detach' },
  ' ': { kind: 'command', command: 'pause' },
  '+': { kind: 'command', command: 'faster' },
  '=': { kind: 'command', command: 'faster' },
  '-': { kind: 'command', command: 'slower' },
  ',': { kind: 'command', command: 'back' },
  '.': { kind: 'command', command: 'forward' },
  g: { kind: 'command', command: 'start' },
  G: { kind: 'command', command: 'end' },
  p: { kind: 'selection', key: 'percentile' },
  z: { kind: 'selection', key: 'zoom' },
  '?': { kind: 'selection', key: 'help' },
  h: { kind: 'selection', key: 'help' },
  k: { kind: 'selection', key: 'up' },
  j: { kind: 'selection', key: 'down' },
}

/** Of Ink's description of a key, what matters here. */
export interface Key {
  readonly upArrow: boolean
  readonly downArrow: boolean
  readonly leftArrow: boolean
  readonly rightArrow: boolean
  readonly tab: boolean
  readonly escape: boolean
  readonly ctrl: boolean
  readonly meta: boolean
}

/** What was typed at once comes at once: `?p` are two keys. */
export const meaningsOf = (input: string, key: Key): readonly Meaning[] => {
  const command = (what: Command): readonly Meaning[] => [{ kind: 'command', command: what }]
  const selection = (what: SelectionKey): readonly Meaning[] => [{ kind: 'selection', key: what }]
  if (key.ctrl) return input === 'c' ? command('interrupt') : []
  if (key.upArrow) return selection('up')
  if (key.downArrow) return selection('down')
  if (key.tab || key.leftArrow || key.rightArrow) return selection('other-table')
  if (key.escape) return selection('back')
  if (key.meta) return []
  return [...input].flatMap((character) => (Object.hasOwn(characters, character) ? (characters[character] ?? []) : []))
}

/** A run of one's own can be stopped as long as it goes on; then there is only a screen to be left. */
const bindingsOf = ({ mode, style }: Frame): readonly Binding[] => {
  const isOwn = mode.kind === 'live' && mode.owns
  const is = { own: isOwn, watched: !isOwn, replay: mode.kind === 'replay' }
  return bindings(style.glyphs).filter(({ only }) => only === undefined || is[only])
}

/** As many keys as have room, the help among them, and what is what in the charts. */
export const keyLine = (frame: Frame, width: number): string => {
  const { paint, glyphs } = frame.style
  const legend = frame.prediction === undefined ? '' : `${glyphs.levels.at(-1)} measured  ${dash(frame)} predicted`
  const all = bindingsOf(frame).flatMap(({ keys, short }) => (short === undefined ? [] : [`${keys} ${short}`]))
  const shown = [all.at(-1) ?? '']
  for (const text of all.slice(0, -1)) {
    const longer = [...shown.slice(0, -1), text, ...shown.slice(-1)]
    if ([...longer.join('  ')].length + legend.length + 2 > width) break
    shown.splice(-1, 0, text)
  }
  const [left, right] = spread(shown.join('  '), legend, width, glyphs.more)
  return `${paint.dim(left)}${right}`
}

/** Of the predicted line: that in the middle of a cell. */
const dash = ({ style: { glyphs } }: Frame): string => glyphs.dashes[glyphs.dashes.length >> 1] ?? ''

export const helpLines = (frame: Frame, width: number, height: number): readonly string[] => {
  const { paint, glyphs } = frame.style
  const keys = bindingsOf(frame).map(({ keys: names, what }) => `  ${names.padEnd(11)}${what}`)
  return [
    paint.strong('Keys'),
    ...keys,
    paint.strong('What is shown'),
    `  ${glyphs.levels.at(-1)} measured, ${dash(frame)} and (pred.) predicted by the simulator for the same time`,
    `  ${glyphs.fault} a fault is injected, ${glyphs.undone} it is undone`,
    '  where several seconds share a column: means of rates and cpu, else the worst',
    '  latency is that of successes, from the intended start',
    '  errors are failures by completed requests; refusals such as "sold out" are none',
    '  tables: the last 5 s; once the run is over, all of it without its warm-up',
  ]
    .slice(0, height)
    .map((line) => cut(line, width, glyphs.more))
}
