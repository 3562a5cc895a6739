/**
 * Writes that a cache acknowledges and gives to the store later: a while after the first write of a key that the store does not have, a process
 * of the service reads the value from the cache and writes it, in the background; until it succeeds, again and again.
 */
import type { ComponentId } from '../../../topology/types.js'
import type { DirtyWrites } from '../../state/dirty-writes.js'
import { Agenda } from '../agenda.js'
import { ok } from '../codes.js'
import type { System } from '../system.js'
import { Program } from './program.js'

export interface WriteBackOptions {
  readonly cache: ComponentId
  readonly flushAfterSeconds: number
  /** The service whose processes write. */
  readonly service: ComponentId
  /** Emits the way of one value to the store. */
  readonly emitFlush: (program: Program) => void
}

interface Flush {
  readonly writes: DirtyWrites
  readonly key: number
  /** What the value is about: the request that wrote it first. */
  readonly request: number
}

export class WriteBack {
  private readonly shards: readonly DirtyWrites[]
  private readonly agenda: Agenda
  private readonly ender: number
  private readonly underWay = new Map<number, Flush>()
  private program = -1
  private turn = 0

  constructor(
    private readonly system: System,
    private readonly options: WriteBackOptions,
  ) {
    const { kernel, state } = system
    this.shards = state.dirtyWrites(options.cache)
    this.agenda = new Agenda(kernel.queue)
    this.ender = kernel.addEnder((task, code) => this.over(task, code === ok))
    system.later(() => {
      const program = new Program(system, options.service)
      options.emitFlush(program)
      program.emit((task) => kernel.end(task, ok))
      this.program = program.start
    })
  }

  /** The cache has it. */
  wrote(shard: number, key: number, request: number): void {
    const { kernel } = this.system
    const writes = this.shards[shard] as DirtyWrites
    if (!writes.write(key, kernel.now)) return
    kernel.requests.retain(request)
    this.plan({ writes, key, request })
  }

  private plan(flush: Flush): void {
    this.agenda.after(this.options.flushAfterSeconds, () => this.begin(flush))
  }

  private begin(flush: Flush): void {
    const { kernel } = this.system
    if (!flush.writes.begin(flush.key)) {
      // It has been lost.
      kernel.requests.release(flush.request)
      return
    }
    const { active } = this.system.member(this.options.service)
    const able = active.filter(({ state, paused }) => state === 'up' && !paused)
    const endpoint = able[this.turn++ % Math.max(1, able.length)]
    if (endpoint === undefined) {
      this.finish(flush, false)
      return
    }
    const task = kernel.start(endpoint, this.program, flush.request, this.ender)
    this.underWay.set(task, flush)
  }

  private over(task: number, arrived: boolean): void {
    const flush = this.underWay.get(task)
    if (flush === undefined) return
    this.underWay.delete(task)
    this.finish(flush, arrived)
  }

  private finish(flush: Flush, arrived: boolean): void {
    const { kernel, state } = this.system
    state.lose(this.options.cache, flush.writes.end(flush.key, arrived))
    if (flush.writes.isDirty(flush.key)) this.plan(flush)
    else kernel.requests.release(flush.request)
  }
}
