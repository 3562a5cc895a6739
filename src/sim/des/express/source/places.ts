/** Where CPU is had: which loop, or which processor on which cores, belongs to each process. */
import type { Cores } from '../../cores.js'
import type { Endpoint } from '../../endpoint.js'
import { LoopProcessor } from '../../loop-processor.js'
import { SharedProcessor } from '../../processor.js'
import { CoreSets } from './cores.js'
import type { Layout } from './layout.js'
import { Loops } from './loops.js'

export class Places {
  /** Undefined: there are none. */
  readonly loops: Loops | undefined
  readonly cores: CoreSets | undefined

  /** All processes at which requests want CPU, those of one component next to each other. */
  constructor(
    private readonly layout: Layout,
    endpoints: readonly Endpoint[],
  ) {
    const processors = endpoints.map(({ processor }) => processor)
    const loops = processors.filter((processor) => processor instanceof LoopProcessor)
    const shared = processors.filter((processor) => processor instanceof SharedProcessor)
    const cores = [...new Set(shared.map((processor) => processor.cores))]
    if (loops.length > 0) this.loops = new Loops(layout, loops)
    if (shared.length > 0) this.cores = new CoreSets(layout, cores, shared)
  }

  /** CPU at one of these, the one with index `peer` if they are several, takes time. */
  static blocks(at: readonly Endpoint[]): boolean {
    return at.every(({ processor }) => processor !== undefined)
  }

  /** Rows may go on at this operation when they have had CPU at one of these. */
  expect(at: readonly Endpoint[], operation: number): void {
    for (const { processor } of at)
      if (processor instanceof LoopProcessor) this.loops?.resumes.add(operation)
      else this.cores?.resumes.add(operation)
  }

  /** The row wants `demand` seconds of CPU at one of these, and then goes on at the operation. */
  run(at: readonly Endpoint[], operation: number): string {
    const loops = this.runOnLoop(at, operation)
    const cores = this.runOnCores(at, operation)
    if (loops === '' || cores === '') return loops + cores
    const hasLoop = this.table(at.map(({ processor }) => (processor instanceof LoopProcessor ? 1 : 0)))
    return `if (${hasLoop} === 1) {\n${loops}\n} else {\n${cores}\n}`
  }

  private runOnLoop(at: readonly Endpoint[], operation: number): string {
    const { loops } = this
    const indices = at.map(({ processor }) =>
      processor instanceof LoopProcessor ? (loops?.members.indexOf(processor) ?? -1) : -1,
    )
    return loops === undefined || indices.every((index) => index < 0) ? '' : loops.run(this.table(indices), operation)
  }

  private runOnCores(at: readonly Endpoint[], operation: number): string {
    const { cores } = this
    const indices = at.map(({ processor }) =>
      processor instanceof SharedProcessor ? (cores?.processors.indexOf(processor) ?? -1) : -1,
    )
    if (cores === undefined || indices.every((index) => index < 0)) return ''
    const sets = at.map(({ processor }) =>
      processor instanceof SharedProcessor ? cores.members.indexOf(processor.cores as Cores) : -1,
    )
    return cores.run(this.table(sets), this.table(indices), operation)
  }

  /** The value that belongs to `peer`: what is the same for all, `peer` and more, or one that is looked up. */
  private table(values: readonly number[]): number | string {
    const [first = 0] = values
    if (values.every((value) => value === first)) return first
    if (values.every((value, i) => value === first + i)) return first === 0 ? 'peer' : `(peer + ${first})`
    return this.layout.own('N', values)('peer')
  }
}
