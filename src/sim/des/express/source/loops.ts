/** Event loops with a core of their own, as `LoopProcessor`: first come, first served. */
import type { LoopProcessor } from '../../loop-processor.js'
import { type Earliest, earliest } from './earliest.js'
import type { Cell, Layout } from './layout.js'
import { goesOn, integer, Line, time } from './rows.js'

export class Loops {
  /** Operations at which their rows go on. */
  readonly resumes = new Set<number>()
  readonly due: Earliest
  private readonly line: Line
  private readonly size: Cell
  private readonly startedAt: Cell
  private readonly doneSeconds: Cell

  constructor(
    layout: Layout,
    readonly members: readonly LoopProcessor[],
  ) {
    this.due = earliest(layout, members.length)
    this.line = new Line(layout, members.length)
    this.size = layout.field('N', members, 'size')
    this.startedAt = layout.field('F', members, 'startedAt')
    this.doneSeconds = layout.field('F', members, 'doneSeconds')
  }

  /** The row wants `demand` of the loop, and goes on at the operation `at`. */
  run(index: number | string, at: number): string {
    const { line, size, startedAt, due } = this
    return `${time('row', 'demand')} = demand
${goesOn(this.resumes, at)}
count = ${size(index)}
${size(index)} = count + 1
${line.join(index, 'count === 0')}
if (count === 0) {
${startedAt(index)} = now
due = now + demand
${due.begin(index)}
}`
  }

  /** The first of the line of the loop that is due has had its CPU: it is `row`. */
  fire(): string {
    const { line, size, startedAt, doneSeconds, due, members } = this
    const index = members.length === 1 ? 0 : 'loop'
    return `${members.length === 1 ? '' : `loop = ${due.winner}`}
row = ${line.first(index)}
${doneSeconds(index)} += ${time('row', 'demand')}
count = ${size(index)} - 1
${size(index)} = count
due = Infinity
if (count > 0) {
other = ${integer('row', 'next')}
${line.first(index)} = other
${startedAt(index)} = now
due = now + ${time('other', 'demand')}
}
${due.move}`
  }
}
