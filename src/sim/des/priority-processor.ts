/**
 * A process that gives its CPU to the most important of its bursts: to the next one when an event loop is free or, preemptive,
 * at once: the least important one that runs stops where it is, and goes on there when its turn comes again. Within a priority
 * first come, first served.
 */
import { running, waiting } from './bursts.js'
import type { Cores } from './cores.js'
import { processorKinds } from './loop.js'
import type { Priorities, PriorityLine } from './priorities.js'
import { type ProcessorContext, SharedProcessor } from './processor.js'
import type { Work } from './work.js'

export class PriorityProcessor extends SharedProcessor {
  override readonly kind = processorKinds.other

  constructor(
    cores: Cores,
    /** Bursts that run at once. */
    servers: number,
    context: ProcessorContext,
    private readonly priorities: Priorities,
    private readonly preemptive: boolean,
    private readonly line: PriorityLine = priorities.burstLine(),
  ) {
    super(cores, servers, context, line)
    this.goesItsOwnWay()
  }

  override run(task: number, work: Work): boolean {
    const { bursts, tasks } = this.context
    const burst = bursts.take(task, tasks.epoch[task] as number, this.index)
    work.into(bursts.demandSeconds, burst)
    if (!((bursts.demandSeconds[burst] as number) > 0)) {
      bursts.give(burst)
      return false
    }
    tasks.burst[task] = burst
    const level = this.priorities.levelOf(task)
    this.priorities.mark(burst, level)
    const free = !this.paused && (this.busy < this.loops || (this.preemptive && this.interrupt(level)))
    if (free) this.begin(burst)
    else this.line.push(burst, 0)
    return true
  }

  /** Stops the least important burst that runs here, if it is less important than this. */
  private interrupt(level: number): boolean {
    const { bursts } = this.context
    const { cores } = this
    const { runnable } = cores
    let least = -1
    let leastLevel = level
    for (let i = 0; i < runnable; i++) {
      const burst = cores.burstAt(i)
      if (bursts.processor[burst] !== this.index || bursts.state[burst] !== running) continue
      const other = this.priorities.levelOfBurst(burst)
      if (other <= leastLevel) continue
      least = burst
      leastLevel = other
    }
    if (least < 0) return false
    this.doneSeconds += this.cores.stop(least)
    this.busy -= 1
    bursts.state[least] = waiting
    this.line.unshift(least, 0)
    return true
  }
}
