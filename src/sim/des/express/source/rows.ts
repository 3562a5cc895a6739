/** Rows of requests, and lines in which they stand: each row names the one behind it. */
import { rowIntegers, rowTimes } from '../program.js'
import type { Cell, Layout } from './layout.js'

const column = (memory: 'I' | 'T', row: string, offset: number): string =>
  offset === 0 ? `${memory}[${row}]` : `${memory}[${row} + ${offset}]`

/** An integer of the row. */
export const integer = (row: string, name: keyof typeof rowIntegers): string => column('I', row, rowIntegers[name])

/** A double of the row. */
export const time = (row: string, name: keyof typeof rowTimes): string => column('T', row, rowTimes[name])

/** First come, first served. How long it is, the caller knows. */
export class Line {
  /** Its first row, while it is not empty. */
  readonly first: Cell
  private readonly last: Cell

  /** So many lines of one kind. */
  constructor(layout: Layout, lines: number) {
    const zeros = new Array<number>(lines).fill(0)
    this.first = layout.own('N', zeros)
    this.last = layout.own('N', zeros)
  }

  join(index: number | string, isEmpty: string): string {
    return `if (${isEmpty}) ${this.first(index)} = row
else ${integer(this.last(index), 'next')} = row
${this.last(index)} = row`
  }
}

/**
 * `best` becomes the index of the least of some (at least two) values, of equal ones the first. Which it is the processor cannot
 * guess: a comparison made a number costs less than a branch.
 */
export const least = (values: Cell, members: number, best: string): string =>
  Array.from({ length: members - 1 }, (_, i) =>
    i === 0
      ? `${best} = +(${values(1)} < ${values(0)})`
      : `${best} += +(${values(i + 1)} < ${values(best)}) * (${i + 1} - ${best})`,
  ).join('\n')

/** Where a row goes on is only written down if that is not the same for all. */
export const goesOn = (resumes: ReadonlySet<number>, at: number): string =>
  resumes.size > 1 ? `${integer('row', 'goesOn')} = ${at}` : ''
