/**
 * Where a simulation spends its time (hot path): takes the next event, and lets tasks go on: by the segment that begins where they
 * are (`segments.ts`), else by the operations that it knows itself, else by the closure that `Program.emit` was given. All three come
 * to the same and are tested against each other (`SimulateInput.byClosures`).
 *
 * `makeCore` refers to nothing but its arguments, because it is evaluated anew for each long simulation (`anew`): V8 then compiles it
 * for one closure only, and takes the columns for constants, their addresses and lengths with them. When a column has grown, the core
 * is made again (`kernel.growth`). Why: docs/adr/0075 and 0140.
 */
import type { Clients } from './client.js'
import type { CpuOperations } from './cpu-operations.js'
import type { Delays } from './delays.js'
import type { Kernel, Op } from './kernel.js'
import type { Lane } from './lane.js'
import type { CallSite, ForcedLookup } from './operands.js'
import type { Operations } from './operations.js'
import type { Segment } from './segments.js'
import type { StepMeter } from './step-meter.js'
import type { Work } from './work.js'

export interface Core {
  /** Runs what happens until `untilSeconds` (inclusive). False: there may be more, and columns may have grown. */
  readonly run: (untilSeconds: number) => boolean
  /** What it repeats of other files: a test compares it with its originals. */
  readonly repeated: {
    readonly operations: Readonly<Record<string, number>>
    readonly sources: Readonly<Record<string, number>>
    readonly [constant: string]: number | Readonly<Record<string, number>>
  }
}

export interface SegmentMaker {
  /** Times that tasks go on at a place before it gets a segment. */
  readonly warm: number
  /** `followed`: by place, where the task went on that went on last after its operation; −1: nobody has. */
  readonly make: (pc: number, followed: Int32Array) => Segment
  /** What light requests do from this place on. */
  readonly light: (pc: number) => Segment
}

export const makeCore = (
  kernel: Kernel,
  cpu: CpuOperations,
  operations: Operations,
  maker: SegmentMaker | undefined,
): Core => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    ok = 0,
    codeStride = 4,
    opEnd = 1,
    opBurst = 2,
    opLeafEnd = 3,
    opStepCpu = 4,
    opPause = 5,
    opEnter = 6,
    opLeaveMetered = 7,
    opLeave = 8,
    opAnswered = 9,
    opCall = 10,
    opEndWith = 11,
    opEnterWith = 12,
    opEnterFor = 13,
    opLeaveWith = 14,
    opCount = 15,
    opJump = 16,
    opPassedOn = 17,
    opForcedLookup = 18,
    opAcquire = 19,
    opConnect = 20,
    opLight = 21,
    fromLoop = 1,
    fromArrivals = 2,
    fromCores = 3,
    fromDelays = 4,
    /** What a segment adds to the place of an operation that it does not do (`unusual`). */
    unusual = -2,
    /** Events after which the caller is asked whether to go on. */
    batch = 1000,
    /** Times that tasks may go on without any progress of the clock, until the model is taken to be stuck. */
    mostAtOnce = 8_000_000,
  }
  const { queue, tasks, ops, code, frames, bursts, growth, resume, timers, ready, readyState } = kernel
  const { works, calls, lanes, lookups, labels, commits, begins, finishes } = kernel.operands
  const { meters } = kernel.meters
  const { times, heap, sources, kinds, rows, clock } = queue
  const { pc: pcs, epoch: epochs, answer: answers, burst: burstOf, callee: callees } = tasks
  const { freed: freedTasks } = tasks
  const { freed: freedFrames } = frames
  const { task: burstTask, epoch: burstEpoch, place: burstPlace, processor: burstProcessor } = bursts
  const { freed: freedBursts } = bursts
  const { pc: lightPcs } = kernel.lights
  const { cell, sink, endBurst, endFirst, ringTask, ringEpoch } = cpu
  const { push, pop, burst, beginLeaf, endLeaf, leaveMetered, setCount } = operations
  const { lookUp, acquire, connect, passOn, whom, call, end } = operations
  /** By place. */
  const segments: (Segment | undefined)[] = Array.from({ length: code.length / Fixed.codeStride })
  const warmth = new Int32Array(segments.length)
  const followed = new Int32Array(segments.length).fill(Fixed.none)
  /** Who was woken, and the epoch of what it waited for. */
  const woken = new Int32Array(new ArrayBuffer(128), 0, 2)

  /** Columns have grown: the task goes on at `pc` in the next core. */
  const pause = (task: number, pc: number): boolean => {
    resume[0] = task
    resume[1] = pc
    return false
  }

  /** Columns are to grow before the task's operation is done. */
  const grows = (task: number, pc: number): number => {
    kernel.current = task
    return pc
  }

  /** The first of those who go on before time does; `none`: it has something else to do by now. */
  const nextReady = (): number => {
    const goneOn = (readyState[1] as number) + 1
    readyState[1] = goneOn
    if (goneOn > Fixed.mostAtOnce) throw kernel.standstill()
    const top = (readyState[0] as number) - 2
    readyState[0] = top
    const task = ready[top] as number
    if (task < Fixed.none) return task
    return epochs[task] === ready[top + 1] ? task : Fixed.none
  }

  /** A burst has had its CPU. 0: somebody stood in line for it, and all is done. */
  const coresDue = (source: number): number => {
    const first = endBurst(rows[source] as number)
    if (first === Fixed.none) return 0
    woken[0] = burstTask[first] as number
    woken[1] = burstEpoch[first] as number
    burstProcessor[first] = Fixed.none
    burstPlace[first] = freedBursts[0] as number
    freedBursts[0] = first
    return 1
  }

  /** The first in line of an event loop has had its CPU. */
  const loopDue = (source: number): void => {
    const slot = endFirst(rows[source] as number)
    woken[0] = ringTask[slot] as number
    woken[1] = ringEpoch[slot] as number
  }

  /** A delay is over. 0: others are due with it, and all is done. */
  const delayDue = (source: number): number => {
    const delays = sources[source] as Delays
    const { pending } = delays
    pending.pop()
    const task = pending.payload
    const epoch = pending.stamp
    const next = pending.peekTime()
    cell[0] = next
    if (next <= (clock[0] as number)) {
      if (epochs[task] === epoch) kernel.wake(task)
      delays.fire()
      return 0
    }
    woken[0] = task
    woken[1] = epoch
    return 1
  }

  /** A request arrives. Returns its task, if that goes on at once. */
  const arrivalDue = (source: number): number => {
    const clients = sources[source] as Clients
    const task = clients.issue()
    clients.plan()
    // What was compiled for it may have added sources.
    queue.schedule(source, clients.due[0] as number)
    return task
  }

  const run = (untilSeconds: number): boolean => {
    // Copies of their own, which V8 takes for constants in the loop.
    const due = times
    const members = heap
    const kind = kinds
    const now = clock
    const stack = readyState
    const grown = growth
    const woke = woken
    const epoch = epochs
    const place = pcs
    const lightPlace = lightPcs
    const allTasks = tasks
    const bySegment = segments
    const bursting = burstOf
    const calling = callees
    const self = kernel
    const clockOf = queue
    const until = untilSeconds + 0
    let task = resume[0] as number
    let pc = resume[1] as number
    resume[0] = Fixed.none
    for (let turn = 0; turn < Fixed.batch; turn++) {
      if (task === Fixed.none) {
        if (grown[0] !== 0) return false
        if ((stack[0] as number) > 0) {
          task = nextReady()
          if (task === Fixed.none) continue
          pc = task < Fixed.none ? (lightPlace[(-2 - task) >> 3] as number) : (place[task] as number)
        } else {
          const at = due[0] as number
          if (at > until) return true
          if (at > (now[0] as number)) {
            clockOf.now = at
            now[0] = at
            stack[1] = 0
          }
          const source = members[0] as number
          const from = kind[source] as number
          if (from === Fixed.fromCores) {
            if (coresDue(source) === 0) continue
          } else if (from === Fixed.fromLoop) loopDue(source)
          else if (from === Fixed.fromDelays) {
            if (delayDue(source) === 0) continue
          } else {
            if (from !== Fixed.fromArrivals) {
              fire(source)
              continue
            }
            task = arrivalDue(source)
            if (task === Fixed.none) continue
            // Columns may have grown.
            pc = allTasks.pc[task] as number
          }
          if (task === Fixed.none) {
            // The source stands at the top still: nothing comes before what is due now.
            sink(source, 0)
            task = woke[0] as number
            if (task === Fixed.none) continue
            if (self.pausedEndpoints > 0) {
              if (task < Fixed.none || epoch[task] === woke[1]) self.wake(task)
              task = Fixed.none
              continue
            }
            // What it waited for has come.
            if (task < Fixed.none) pc = lightPlace[(-2 - task) >> 3] as number
            else {
              if (epoch[task] !== woke[1]) {
                task = Fixed.none
                continue
              }
              epoch[task] = ((woke[1] as number) + 1) | 0
              bursting[task] = Fixed.none
              calling[task] = Fixed.none
              pc = place[task] as number
            }
          }
        }
        if (grown[0] !== 0) return pause(task, pc)
      }
      for (;;) {
        const segment = bySegment[pc]
        pc = segment === undefined ? step(task, pc) : segment(task)
        if (pc === Fixed.none) break
        // Somebody goes on, who may be another.
        task = self.current
        if (pc < 0) {
          // An operation that a segment leaves to the core.
          pc = step(task, Fixed.unusual - pc)
          if (pc === Fixed.none) break
          task = self.current
        }
        if (grown[0] !== 0) return pause(task, pc)
      }
      task = Fixed.none
    }
    return false
  }

  /** Whatever else a source does when it is due. */
  const fire = (source: number): void => {
    sources[source]?.fire()
  }

  /** Does what comes at a place without a segment, which may get one. Returns where `kernel.current` goes on, or `blocked`. */
  const step = (task: number, pc: number): number => {
    if (maker !== undefined && code[pc * Fixed.codeStride] === Fixed.opLight) {
      const made = maker.light(pc)
      segments[pc] = made
      return made(task)
    }
    if (maker !== undefined && segments[pc] === undefined) {
      const visits = (warmth[pc] as number) + 1
      warmth[pc] = visits
      if (visits === maker.warm) segments[pc] = maker.make(pc, followed)
    }
    const next = operation(task, pc)
    if (next >= 0) followed[pc] = next
    return next
  }

  /** Does the operation at `pc`. Returns where `kernel.current` goes on, or `blocked`. */
  const operation = (task: number, pc: number): number => {
    const at = pc * Fixed.codeStride
    const a = code[at + 1] as number
    kernel.current = task
    switch (code[at] as number) {
      case Fixed.opEnd:
        return end(task)
      case Fixed.opEndWith: {
        const said = (commits[a] as (task: number) => number)(task)
        return said === Fixed.ok ? end(task) : kernel.end(task, said)
      }
      case Fixed.opCall: {
        if ((freedTasks[0] as number) < 0) {
          tasks.make()
          if (growth[0] !== 0) return grows(task, pc)
        }
        const site = calls[a] as CallSite
        const endpoint = whom(task, site)
        if (endpoint === undefined) return kernel.fail(task, site.missing)
        pcs[task] = pc + 1
        return call(task, endpoint, site.goal, site.edge)
      }
      case Fixed.opBurst: {
        if ((freedBursts[0] as number) < 0) {
          bursts.make()
          if (growth[0] !== 0) return grows(task, pc)
        }
        const meter = code[at + 2] as number
        const work = works[a] as Work
        pcs[task] = pc + 1
        if (!burst(task, work)) {
          if (meter === Fixed.none) return pc + 1
          kernel.meters.atOnce(meter)
          return pc + 2
        }
        if (meter !== Fixed.none) {
          ;(meters[meter] as StepMeter).cpuSeconds += work.part[0] as number
          beginLeaf(task, meter)
        }
        return Fixed.none
      }
      case Fixed.opStepCpu: {
        if ((freedBursts[0] as number) < 0) {
          bursts.make()
          if (growth[0] !== 0) return grows(task, pc)
        }
        const work = works[a] as Work
        pcs[task] = pc + 1
        if (!burst(task, work)) return pc + 1
        ;(meters[code[at + 2] as number] as StepMeter).cpuSeconds += work.part[0] as number
        return Fixed.none
      }
      case Fixed.opPause: {
        const meter = code[at + 2] as number
        if (meter !== Fixed.none) beginLeaf(task, meter)
        pcs[task] = pc + 1
        ;(works[a] as Work).into(timers.seconds, 0)
        timers.sleep(task)
        return Fixed.none
      }
      case Fixed.opLeafEnd:
        endLeaf(task, meters[a] as StepMeter)
        return pc + 1
      case Fixed.opLeaveMetered:
        leaveMetered(task, meters[a] as StepMeter)
        return pc + 1
      case Fixed.opEnter:
      case Fixed.opEnterWith:
      case Fixed.opEnterFor: {
        if ((freedFrames[0] as number) < 0) {
          frames.make()
          if (growth[0] !== 0) return grows(task, pc)
        }
        const frame = push(task, a)
        const op = code[at] as number
        const b = code[at + 2] as number
        if (op === Fixed.opEnterFor) (lanes[b] as Lane).add(frame)
        else if (op === Fixed.opEnterWith) (begins[b] as (task: number, frame: number) => void)(task, frame)
        return pc + 1
      }
      case Fixed.opLeave:
        pop(task)
        return pc + 1
      case Fixed.opLeaveWith:
        ;(finishes[a] as (task: number, frame: number) => void)(task, pop(task))
        kernel.current = task
        return pc + 1
      case Fixed.opCount:
        setCount(task, a)
        return pc + 1
      case Fixed.opJump:
        return (labels[a] as { readonly pc: number }).pc
      case Fixed.opForcedLookup: {
        const lookup = lookups[a] as ForcedLookup
        return lookUp(task, lookup) ? lookup.end.pc : pc + 1
      }
      case Fixed.opAcquire:
        return acquire(task, a) ? pc + 1 : (ops[pc] as Op)(task)
      case Fixed.opConnect:
        return connect(task, a) ? pc + 1 : (ops[pc] as Op)(task)
      case Fixed.opAnswered:
        return answers[task] === Fixed.ok ? pc + 1 : (ops[pc] as Op)(task)
      case Fixed.opPassedOn:
        return passOn(task) ? pc + 1 : (ops[pc] as Op)(task)
      default:
        return (ops[pc] as Op)(task)
    }
  }

  return {
    run,
    repeated: {
      operations: {
        end: Fixed.opEnd,
        burst: Fixed.opBurst,
        leafEnd: Fixed.opLeafEnd,
        stepCpu: Fixed.opStepCpu,
        pause: Fixed.opPause,
        enter: Fixed.opEnter,
        leaveMetered: Fixed.opLeaveMetered,
        leave: Fixed.opLeave,
        answered: Fixed.opAnswered,
        call: Fixed.opCall,
        endWith: Fixed.opEndWith,
        enterWith: Fixed.opEnterWith,
        enterFor: Fixed.opEnterFor,
        leaveWith: Fixed.opLeaveWith,
        count: Fixed.opCount,
        jump: Fixed.opJump,
        passedOn: Fixed.opPassedOn,
        forcedLookup: Fixed.opForcedLookup,
        acquire: Fixed.opAcquire,
        connect: Fixed.opConnect,
        light: Fixed.opLight,
      },
      sources: {
        loop: Fixed.fromLoop,
        arrivals: Fixed.fromArrivals,
        cores: Fixed.fromCores,
        delays: Fixed.fromDelays,
      },
      none: Fixed.none,
      ok: Fixed.ok,
      unusual: Fixed.unusual,
    },
  }
}

/**
 * Evaluates a function that refers to nothing around it once more, so that V8 knows of one closure only of each function in it: their
 * constants are then constants of the machine code, too. Each time the text is another, or V8 would take what it has compiled before.
 */
export const anew = <Made extends (...values: never[]) => unknown>(factory: Made): Made => {
  return new Function(unlike(`'use strict'; return (${factory.toString()})`))() as Made
}

let evaluations = 0

/** The source, unlike any that has been evaluated before: of functions of one source V8 takes nothing for a constant. */
export const unlike = (source: string): string => {
  evaluations += 1
  return `${source} // ${evaluations}`
}
