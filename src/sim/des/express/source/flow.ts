/** The operations of requests as source: from where a row goes on until it blocks. */

import type { Edges } from '../../edges.js'
import type { Endpoint } from '../../endpoint.js'
import type { RequestLog } from '../../request-log.js'
import type { StepMeters } from '../../step-meter.js'
import type { ExpressBalancer, Operation, Script } from '../operation.js'
import type { Pauses } from '../pauses.js'
import { rowStride } from '../program.js'
import { BalancerCells } from './balancers.js'
import { draw } from './draw.js'
import { GaugeCells } from './gauge.js'
import type { Layout } from './layout.js'
import { Places } from './places.js'
import { Pools } from './pools.js'
import { requestOver, stepCpu, stepOver } from './recording.js'
import { goesOn, integer, time } from './rows.js'

/** What the simulation counts and times with. */
export interface Instruments {
  readonly edges: Edges
  readonly meters: StepMeters
  readonly log: RequestLog
  readonly clock: { now: number }
  /** By class: how many requests have arrived. */
  readonly offered: readonly { offered: number }[]
}

export class Flow {
  readonly places: Places
  readonly pools: Pools | undefined
  /** Operations at which rows go on after time without CPU. */
  readonly pauses = new Set<number>()
  /** By class: the end of the warm-up, and how long a request may take. */
  private readonly warmup: string
  private readonly timeouts: readonly string[]
  private readonly balancers = new Map<ExpressBalancer, BalancerCells>()

  constructor(
    private readonly layout: Layout,
    private readonly script: Script,
    private readonly instruments: Instruments,
    private readonly pausing: Pauses,
  ) {
    const { operations, classes, services, patience } = script
    const visited = operations.flatMap((operation) => (operation.kind === 'cpu' ? operation.at : []))
    this.places = new Places(layout, [...new Set([...services.filter((each) => visited.includes(each)), ...visited])])
    this.pools = operations.some(({ kind }) => kind === 'acquire') ? new Pools(layout, services, patience) : undefined
    this.warmup = layout.own('F', [instruments.log.warmupSeconds])()
    this.timeouts = classes.map(({ timeoutSeconds }) => layout.own('F', [timeoutSeconds])())
    for (const [at, operation] of operations.entries()) this.expect(operation, at + 1)
  }

  /** Which operation of rows that wait for it comes next, and what follows from there. */
  goOn(resumes: ReadonlySet<number>): string {
    const cases = [...resumes].sort((a, b) => a - b).map((at) => ({ at, text: `${this.peer()}\n${this.from(at)}` }))
    const [only, ...more] = cases
    if (only === undefined) return ''
    if (more.length === 0) return only.text
    return `switch (${integer('row', 'goesOn')}) {
${cases.map(({ at, text }) => `case ${at}:\n${text}`).join('\n')}
}`
  }

  /** What a request of the class does when it has arrived. */
  begin(request: number): string {
    const entry = this.script.classes[request]
    if (entry === undefined) throw new Error(`no class ${request}`)
    const { entries, edge, start } = entry
    return `${this.call(entries, edge, this.turn(entries))}
${this.script.classes.length > 1 ? `${integer('row', 'goesOn')} = ${start}` : ''}
${this.from(start)}`
  }

  /** Somebody has waited for longer than he would have. */
  late(): string {
    const finite = this.script.classes.some(({ timeoutSeconds }) => Number.isFinite(timeoutSeconds))
    const ofClass = this.script.classes
      .map(({ start }, i) => ({ test: `${integer('row', 'goesOn')} >= ${start}`, timeout: this.timeouts[i] ?? '' }))
      .reduce((other, { test, timeout }) => (other === '' ? timeout : `${test} ? ${timeout} : ${other}`), '')
    return `${finite ? `for (row = 0; row < T.length; row += ${rowStride}) if (until - ${time('row', 'began')} >= (${ofClass})) return OFF` : ''}
${this.pools?.late() ?? ''}`
  }

  private expect(operation: Operation, next: number): void {
    if (operation.kind === 'pause') this.pauses.add(next)
    else if (operation.kind === 'acquire') this.pools?.resumes.add(next)
    else if (operation.kind === 'cpu' && Places.blocks(operation.at)) this.places.expect(operation.at, next)
  }

  /** From this operation until the row blocks. */
  private from(first: number): string {
    const { operations } = this.script
    const parts: string[] = []
    for (let at = first; ; at++) {
      const operation = operations[at]
      if (operation === undefined) throw new Error('a flow has no end')
      parts.push(this.source(operation, at + 1))
      if (operation.kind === 'done' || operation.kind === 'pause') break
      if (operation.kind === 'cpu' && Places.blocks(operation.at)) break
    }
    return parts.join('\n')
  }

  private source(operation: Operation, next: number): string {
    const { layout, instruments } = this
    const { meters, edges } = instruments
    switch (operation.kind) {
      case 'pick': {
        const { balancer, edge } = operation
        return `${this.balancer(balancer).pick()}
${this.several() ? `${integer('row', 'peer')} = peer` : ''}
${this.count(edges, edge)}
${this.visit(this.script.services)}`
      }
      case 'cpu':
        return this.cpu(operation, next)
      case 'pause': {
        const { work, meter } = operation
        return `${draw(layout, work)}
${meter === undefined ? '' : `${time('row', 'stepBegan')} = now`}
${goesOn(this.pauses, next)}
${layout.array(this.pausing.times)}[0] = now + demand
${layout.handle(this.pausing)}.add(row)
continue`
      }
      case 'leafEnd':
        return stepOver(layout, meters.meter(operation.meter), 'stepBegan')
      case 'begin':
        return `${time('row', 'queryBegan')} = now`
      case 'acquire':
        return this.pools?.acquire(operation.pool, this.process(), next) ?? ''
      case 'call':
        return `${this.count(edges, operation.edge)}\n${this.visit([operation.store])}`
      case 'answer': {
        const { store, pool, meter } = operation
        return `${this.leave([store])}
${pool === undefined ? '' : (this.pools?.release(pool, this.process()) ?? '')}
${stepOver(layout, meters.meter(meter), 'queryBegan')}`
      }
      case 'done':
        return this.done(operation)
    }
  }

  private cpu({ at, work, meter, isStep }: Extract<Operation, { kind: 'cpu' }>, next: number): string {
    const { layout, instruments } = this
    const { meters } = instruments
    const step = meter === undefined ? undefined : meters.meter(meter)
    const begin = isStep ? `${time('row', 'stepBegan')} = now` : ''
    // Where no CPU is modelled it takes no time.
    if (!Places.blocks(at)) return begin
    return `${draw(layout, work, stepCpu(layout, step))}
if (!(demand > 0)) return OFF
${begin}
${this.places.run(at, next)}
continue`
  }

  private done({ request, balancer }: Extract<Operation, { kind: 'done' }>): string {
    const { layout, script, instruments } = this
    const timeout = script.classes[request]?.timeoutSeconds ?? Number.POSITIVE_INFINITY
    return `${this.leave(script.services)}
${balancer === undefined ? '' : `${this.balancer(balancer).leave()}\n${this.leave([balancer.endpoint])}`}
seconds = now - ${time('row', 'began')}
${Number.isFinite(timeout) ? `if (seconds >= ${this.timeouts[request]}) return OFF` : ''}
${requestOver(layout, instruments.log.plainTrack(request), this.warmup)}
${time('row', 'began')} = Infinity
${integer('row', 'next')} = N[0]
N[0] = row
continue`
  }

  private balancer(balancer: ExpressBalancer): BalancerCells {
    const cells = this.balancers.get(balancer) ?? new BalancerCells(this.layout, balancer)
    this.balancers.set(balancer, cells)
    return cells
  }

  /** A call of one of these, over the edge. */
  private call(to: readonly Endpoint[], edge: number, choose: string): string {
    return `${choose}\n${this.count(this.instruments.edges, edge)}\n${this.visit(to)}`
  }

  private count(edges: Edges, edge: number): string {
    return `${this.layout.field('F', [edges.count], edge)()} += 1`
  }

  private visit(to: readonly Endpoint[]): string {
    const index = to.length === 1 ? 0 : 'peer'
    return `${this.layout.field('N', to, 'visits')(index)} += 1
${this.calls(to).rise()}`
  }

  private leave(from: readonly Endpoint[]): string {
    return this.calls(from).fall()
  }

  /** Calls in hand at all processes of the component. */
  private calls(at: readonly Endpoint[]): GaugeCells {
    return new GaugeCells(
      this.layout,
      at.map(({ total }) => total),
    )
  }

  /** Where requests arrive in turn. */
  private turn(entries: readonly Endpoint[]): string {
    if (entries.length === 1) return ''
    const turn = this.layout.own('N', [0])()
    return `peer = ${turn}
${turn} = peer + 1 < ${entries.length} ? peer + 1 : 0
${integer('row', 'peer')} = peer`
  }

  private several(): boolean {
    return this.script.services.length > 1
  }

  /** The process of the service at which the row is. */
  private process(): number | string {
    return this.several() ? 'peer' : 0
  }

  private peer(): string {
    return this.several() ? `peer = ${integer('row', 'peer')}` : ''
  }
}
