/** Connection pools of the service's processes, as `ConnectionPool`: first come, first served, while nobody gives up. */
import type { Endpoint } from '../../endpoint.js'
import { GaugeCells } from './gauge.js'
import type { Cell, Layout } from './layout.js'
import { goesOn, integer, Line, time } from './rows.js'

export class Pools {
  /** Operations at which rows that waited go on. */
  readonly resumes = new Set<number>()
  /** By pool of the service, each with a member per process. */
  private readonly pools: readonly {
    readonly inUse: GaugeCells
    readonly waiting: GaugeCells
    readonly line: Line
    readonly size: Cell
    readonly patience: string
    readonly processes: number
  }[]
  /** Rows that have got a connection and go on as soon as the present one stops: the first; the others follow. −1: none. */
  readonly ready: string

  constructor(layout: Layout, services: readonly Endpoint[], patience: readonly number[]) {
    this.ready = layout.own('N', [-1])()
    this.pools = patience.map((seconds, i) => {
      const members = services.flatMap(({ pools }) => pools[i] ?? [])
      return {
        inUse: new GaugeCells(
          layout,
          members.map(({ inUseGauge }) => inUseGauge),
        ),
        waiting: new GaugeCells(
          layout,
          members.map(({ waitingGauge }) => waitingGauge),
        ),
        line: new Line(layout, members.length),
        size: layout.own(
          'N',
          members.map(({ size }) => size),
        ),
        patience: layout.own('F', [seconds])(),
        processes: members.length,
      }
    })
  }

  /** The row has a connection, or waits for one, and then goes on at the operation `at`. */
  acquire(pool: number, process: number | string, at: number): string {
    const { inUse, waiting, line, size } = this.at(pool)
    return `if (${inUse.value(process)} >= ${size(process)}) {
${line.join(process, `${waiting.value(process)} === 0`)}
${waiting.rise(process)}
${time('row', 'demand')} = now
${goesOn(this.resumes, at)}
continue
}
${inUse.rise(process)}`
  }

  /** The connection goes to who waits longest. */
  release(pool: number, process: number | string): string {
    const { inUse, waiting, line, patience } = this.at(pool)
    return `if (${waiting.value(process)} > 0) {
waiter = ${line.first(process)}
${line.first(process)} = ${integer('waiter', 'next')}
${waiting.fall(process)}
if (now - ${time('waiter', 'demand')} >= ${patience}) return OFF
${integer('waiter', 'next')} = ${this.ready}
${this.ready} = waiter
} else {
${inUse.fall(process)}
}`
  }

  /** Somebody has waited in line for longer than the acquire timeout would have let it. */
  late(): string {
    return this.pools
      .map(
        ({ waiting, line, patience, processes }) => `for (let process = 0; process < ${processes}; process++)
if (${waiting.value('process')} > 0 && until - ${time(line.first('process'), 'demand')} >= ${patience}) return OFF`,
      )
      .join('\n')
  }

  private at(pool: number): Pools['pools'][number] {
    const found = this.pools[pool]
    if (found === undefined) throw new Error(`no pool ${pool}`)
    return found
  }
}
