/**
 * What one process gets its CPU through: event loops, which take bursts first come, first served, or none, so that all its
 * bursts run at once. Either way they run on cores that are shared with everything else there (hot path: bursts are pooled).
 */
import { type Cores, CpuAccount } from './cores.js'
import { Ring } from './ring.js'
import type { StepMeter } from './step-meter.js'
import type { Task } from './task.js'

/** One stretch of CPU. It may outlive the interest of its task (abandoned work burns on): `epoch` tells. */
export class Burst {
  demandSeconds = 0
  /** In virtual time of the cores. */
  startedAt = 0
  endsAt = 0
  /** In the heap of the cores. */
  place = 0
  /** Among the running bursts of its processor. */
  serviceSlot = 0
  task: Task
  epoch = 0
  meter: StepMeter | undefined
  cancelled = false
  running = false
  processor: Processor

  constructor(task: Task, processor: Processor) {
    this.task = task
    this.processor = processor
  }
}

/** Bursts that are not in use, shared by all processors of a simulation. */
export class BurstPool {
  private readonly free: Burst[] = []

  take(task: Task, processor: Processor): Burst {
    const burst = this.free.pop()
    if (burst === undefined) return new Burst(task, processor)
    burst.task = task
    burst.processor = processor
    return burst
  }

  give(burst: Burst): void {
    this.free.push(burst)
  }
}

export class Processor {
  readonly account = new CpuAccount()
  private readonly waiting = new Ring<Burst>()
  /** Frozen while they ran, by a pause. */
  private frozen: Burst[] = []
  private inService: Burst[] = []
  private busy = 0
  private paused = false

  constructor(
    readonly cores: Cores,
    /** Event loops; 0: everything runs at once. */
    readonly loops: number,
    private readonly pool: BurstPool,
    private readonly wake: (task: Task) => void,
  ) {}

  /** CPU-seconds used so far. */
  usedSeconds(): number {
    return this.cores.usedSeconds(this.account)
  }

  /** The task wants `seconds` of CPU and is woken when it has had them. The CPU is counted to `meter`. */
  run(task: Task, seconds: number, meter: StepMeter | undefined): Burst {
    const burst = this.pool.take(task, this)
    burst.demandSeconds = seconds
    burst.epoch = task.epoch
    burst.meter = meter
    burst.cancelled = false
    if (meter !== undefined) meter.cpuSeconds += seconds
    if (this.paused || (this.loops > 0 && this.busy >= this.loops)) this.waiting.push(burst)
    else this.begin(burst)
    return burst
  }

  /** Called by the cores. */
  done(burst: Burst): void {
    const { task, epoch } = burst
    this.end(burst)
    this.startWaiting()
    if (task.epoch === epoch) this.wake(task)
  }

  /** Nobody wants this burst any more and its work need not go on. */
  cancel(burst: Burst): void {
    if (!burst.running) {
      burst.cancelled = true
      return
    }
    this.cores.stop(burst)
    this.end(burst)
    this.startWaiting()
  }

  pause(): void {
    this.paused = true
    for (const burst of this.inService) {
      this.cores.stop(burst)
      burst.running = false
      this.frozen.push(burst)
    }
    this.inService = []
    this.busy = 0
  }

  resume(): void {
    this.paused = false
    const { frozen } = this
    this.frozen = []
    for (const burst of frozen) if (!burst.cancelled) this.begin(burst)
    this.startWaiting()
  }

  /** The process is gone, and all its work with it. */
  clear(): void {
    for (const burst of this.inService) {
      this.cores.stop(burst)
      burst.running = false
      this.pool.give(burst)
    }
    this.inService = []
    this.busy = 0
    this.frozen = []
    this.paused = false
    this.waiting.clear()
  }

  private begin(burst: Burst): void {
    burst.running = true
    this.busy += 1
    this.inService.push(burst)
    burst.serviceSlot = this.inService.length - 1
    this.cores.start(burst)
  }

  private end(burst: Burst): void {
    burst.running = false
    this.busy -= 1
    const last = this.inService.pop() as Burst
    if (last !== burst) {
      this.inService[burst.serviceSlot] = last
      last.serviceSlot = burst.serviceSlot
    }
    this.pool.give(burst)
  }

  private startWaiting(): void {
    while (!this.paused && this.waiting.size > 0 && (this.loops === 0 || this.busy < this.loops)) {
      const burst = this.waiting.shift()
      if (burst.cancelled) this.pool.give(burst)
      else this.begin(burst)
    }
  }
}
