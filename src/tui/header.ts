/** Two lines on top: what runs where, how far it is, what is in force, how it ended. */
import { formatSeconds } from '../report/quantity.js'
import type { Judgement, RunResult } from '../result/run-result.js'
import { cut, spread } from './cells.js'
import { timeLabel } from './chart.js'
import type { Frame } from './frame.js'

export const headerLines = (frame: Frame, width: number): readonly string[] => {
  const { view, style } = frame
  const { paint, glyphs } = style
  const started = view.started
  const where = started?.engine === 'sim' ? 'in the simulator' : 'on the stack'
  const what =
    started === undefined
      ? 'plimsoll'
      : `${started.experiment} ${glyphs.between} ${started.topology} ${where}, seed ${started.seed}`
  const [left, right] = spread(what, stateText(frame), width, glyphs.more)
  return [
    `${paint.strong(left)}${right}`,
    view.ended === undefined ? progressLine(frame, width) : endLine(frame, width),
  ]
}

const stateText = ({ view, mode, activity, style: { glyphs } }: Frame): string => {
  const of = view.started === undefined ? '' : ` / ${timeLabel(view.started.durationSeconds)}`
  const time = `${timeLabel(view.at)}${of}`
  if (activity !== undefined) return `${glyphs.live} ${activity}`
  if (mode.kind === 'replay') {
    const speed = `${mode.speed}×`
    return mode.isPlaying ? `${glyphs.playing} replay ${speed}  ${time}` : `${glyphs.paused} paused ${speed}  ${time}`
  }
  if (view.ended !== undefined) return `${glyphs.ended} over  ${time}`
  return view.started === undefined ? `${glyphs.live} preparing` : `${glyphs.live} live  ${time}`
}

const phases = { 'warm-up': 'warming up', measure: 'measuring', drain: 'draining' } as const

const progressLine = ({ view, style: { paint, glyphs } }: Frame, width: number): string => {
  if (view.started === undefined) return paint.dim('the load has not begun')
  const cells = Math.max(10, Math.floor(width / 4))
  const share = Math.min(1, view.at / Math.max(1e-9, view.started.durationSeconds))
  const done = Math.round(share * cells)
  const bar = glyphs.full.repeat(done) + glyphs.empty.repeat(cells - done)
  const phase = view.phase === undefined ? '' : `  ${phases[view.phase]}`
  const progress = `${bar} ${String(Math.floor(share * 100)).padStart(3)} %${phase}`
  const faults = view.faults
    .filter(({ undoneAt }) => undoneAt === undefined)
    .map(({ what, injectedAt }) => `${glyphs.fault} ${what} for ${formatSeconds(Math.max(0, view.at - injectedAt))}`)
  const room = width - [...progress].length - 2
  return faults.length === 0 || room < 8
    ? cut(progress, width, glyphs.more)
    : `${progress}  ${paint.bad(cut(faults.join(', '), room, glyphs.more))}`
}

const endLine = ({ view, result, style: { paint, glyphs } }: Frame, width: number): string => {
  const reason = view.reason === undefined ? '' : `: ${view.reason}`
  const verdicts = result === undefined ? '' : `; ${verdictText(result)}`
  const text = cut(`${glyphs.ended} ${view.ended}${reason}${verdicts}`, width, glyphs.more)
  return view.ended === 'completed' && (result === undefined || failing(result).length === 0)
    ? paint.good(text)
    : paint.bad(text)
}

const judgements = ({ steadyState, slo, invariants }: RunResult): readonly Judgement[] => [
  ...steadyState,
  ...slo,
  ...invariants,
]

const failing = (result: RunResult): readonly Judgement[] =>
  judgements(result).filter(({ verdict }) => verdict === 'fail')

const verdictText = (result: RunResult): string => {
  const all = judgements(result)
  const failed = failing(result)
  const invalid = all.filter(({ verdict }) => verdict === 'invalid').length
  const unsure = invalid === 0 ? '' : `, ${invalid} cannot be judged`
  if (all.length === 0) return 'nothing was expected of it'
  if (failed.length === 0) return `${all.length - invalid} of ${all.length} expectations held${unsure}`
  return `${failed.length} of ${all.length} expectations did not hold${unsure}: ${failed.map(({ name }) => name).join(', ')}`
}
