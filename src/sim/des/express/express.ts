/**
 * The express way: open load on one service, behind at most one balancer, whose flow is CPU, time and queries over pools, while
 * nothing fails. A request is then one row and a place in a script, not a tree of tasks, and a program written for this script
 * is all that runs (`source/generate.ts`). It works on the numbers of the same processors, gauges, meters, streams and logs as the
 * general way and does the same arithmetic in the same order, so that the result is the same to the last bit
 * (test/sim/des/express.test.ts); should anything happen that it does not know, a timeout that strikes, `run` returns false and the
 * simulation begins anew on the general way.
 */
import type { Clients } from '../client.js'
import type { Kernel } from '../kernel.js'
import type { RequestLog } from '../request-log.js'
import type { Script } from './operation.js'
import { Pauses } from './pauses.js'
import { endings, giveBack, type Program, rowIntegers, rowTimes, takeProgram, withMoreRows } from './program.js'
import { type Generated, generate } from './source/generate.js'

/** Beyond, a balancer's ranks would no longer be exact; so many requests in flight are overload anyhow. */
const mostRows = 2 ** 22

export class Express {
  private readonly generated: Generated
  private program: Program
  /** By class: what the program has counted and the log has not been told. */
  private readonly arrived: readonly { offered: number }[]

  constructor(
    private readonly kernel: Kernel,
    private readonly clients: Clients,
    private readonly log: RequestLog,
    script: Script,
  ) {
    this.arrived = script.classes.map(() => ({ offered: 0 }))
    this.generated = generate(script, clients, new Pauses(), {
      edges: kernel.edges,
      meters: kernel.meters,
      log,
      clock: kernel.queue,
      offered: this.arrived,
    })
    const { source, layout } = this.generated
    this.program = takeProgram(source)
    for (const memory of ['F', 'N'] as const)
      for (const { cell, value } of layout.initial[memory]) this.program[memory][cell] = value
  }

  /** Runs everything that happens until `untilSeconds` (inclusive). False: not on this way. */
  run(untilSeconds: number): boolean {
    const { generated, kernel, log } = this
    const { handles } = generated.layout
    // The warm-up ends between two calls.
    const measured = kernel.queue.now >= log.warmupSeconds
    this.program.compiled.load(handles)
    let ending = this.program.compiled.run(handles, untilSeconds)
    while (ending === endings.full && this.program.rows < mostRows) {
      this.program = withMoreRows(this.program)
      ending = this.program.compiled.run(handles, untilSeconds)
    }
    if (ending !== endings.done) {
      giveBack(this.program)
      return false
    }
    this.program.compiled.save(handles)
    this.tellOffered(measured)
    for (const loop of generated.loops) loop.serving = loop.size > 0
    this.showBursts()
    return true
  }

  /** Nothing more is going to happen. */
  end(): void {
    giveBack(this.program)
  }

  /** What was offered in one call of `run` was all measured, or none of it. */
  private tellOffered(measured: boolean): void {
    for (const [request, count] of this.arrived.entries()) {
      this.log.offeredMany(request, count.offered, measured)
      this.clients.issuedMore(count.offered)
      count.offered = 0
    }
  }

  /** Rows on cores as bursts, which tell what each has had so far. */
  private showBursts(): void {
    const { bursts } = this.kernel
    const { members: sets = [], processors = [] } = this.generated.cores ?? {}
    const { keys, members, I, T } = this.program
    let burst = 0
    for (const [i, cores] of sets.entries()) {
      bursts.reserve(burst + cores.runnable)
      for (let place = 0; place < cores.runnable; place++) {
        const row = members[i]?.[place] ?? 0
        const processor = processors.length > 1 ? (I[row + rowIntegers.processor] ?? 0) : 0
        cores.setBurst(place, burst)
        bursts.endsAt[burst] = keys[i]?.[place] ?? 0
        bursts.demandSeconds[burst] = T[row + rowTimes.demand] ?? 0
        bursts.processor[burst] = processors[processor]?.index ?? 0
        burst += 1
      }
    }
  }
}
