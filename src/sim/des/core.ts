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
import type { Cores } from './cores.js'
import type { Delays } from './delays.js'
import type { Kernel, Op } from './kernel.js'
import type { Lane } from './lane.js'
import type { LoopProcessor } from './loop-processor.js'
import type { CallSite, ForcedLookup } from './operands.js'
import type { Operations } from './operations.js'
import type { SharedProcessor } from './processor.js'
import type { Segment } from './segments.js'
import type { StepMeter } from './step-meter.js'
import type { Work } from './work.js'

export interface Core {
  /** Runs what happens until `untilSeconds` (inclusive). False: there may be more, and columns may have grown. */
  readonly run: (untilSeconds: number) => boolean
  /** What it repeats of other files: a test compares it with its originals. */
  readonly repeated: {
    readonly columns: Readonly<Record<string, number>>
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
}

export const makeCore = (kernel: Kernel, operations: Operations, maker: SegmentMaker | undefined): Core => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    ok = 0,
    pcAt = 0,
    epochAt = 1,
    answerAt = 11,
    calleeAt = 12,
    burstAt = 13,
    largest = 0x7fffffff,
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
    fromLoop = 1,
    fromArrivals = 2,
    fromCores = 3,
    fromDelays = 4,
    /** What a segment adds to the place of an operation that it does not do (`unusual`). */
    unusual = -2,
    /** Events after which the caller is asked whether to go on. */
    batch = 1000,
  }
  const never = Number.POSITIVE_INFINITY
  const { queue, tasks, ops, code, frames, bursts, growth, resume, timers } = kernel
  const { works, calls, lanes, lookups, labels, commits, begins, finishes } = kernel.operands
  const { processors } = kernel.processors
  const { meters } = kernel.meters
  const { times, heap, places, sources, kinds } = queue
  const { memory: m } = tasks
  const { task: burstTask, epoch: burstEpoch, place: burstPlace, processor: burstProcessor } = bursts
  const { cell, push, pop, sink, endBurst, burst, beginLeaf, endLeaf, leaveMetered, setCount } = operations
  const { lookUp, acquire, connect, passOn, whom, call, end } = operations
  /** By place. */
  const segments: (Segment | undefined)[] = Array.from({ length: code.length / Fixed.codeStride })
  const warmth = new Int32Array(segments.length)
  const followed = new Int32Array(segments.length).fill(Fixed.none)

  /** Columns have grown: the task goes on at `pc` in the next core. */
  const pause = (task: number, pc: number): boolean => {
    resume[0] = task
    resume[1] = pc
    return false
  }

  const run = (untilSeconds: number): boolean => {
    for (let turn = 0; turn < Fixed.batch; turn++) {
      let task = resume[0] as number
      let pc = resume[1] as number
      if (task !== Fixed.none) resume[0] = Fixed.none
      else if (growth[0] !== 0) return false
      else if (kernel.readySize > 0) {
        task = kernel.popReady()
        if (task === Fixed.none) continue
        pc = m[task + Fixed.pcAt] as number
      } else {
        const source = heap[0] as number
        const now = times[0] as number
        if (now > untilSeconds) return true
        if (now > queue.now) {
          queue.now = now
          kernel.clockMoved()
        }
        let epoch = 0
        const kind = kinds[source] as number
        if (kind === Fixed.fromCores) {
          const cores = sources[source] as Cores
          const first = cores.heap[0] as number
          const processor = processors[burstProcessor[first] as number] as SharedProcessor
          if (processor.queue.size > 0 || cores.reduced) {
            cores.finish(cores.take())
            processor.tell(first)
            continue
          }
          endBurst(cores, first, processor)
          task = burstTask[first] as number
          epoch = burstEpoch[first] as number
          burstProcessor[first] = Fixed.none
          burstPlace[first] = bursts.free
          bursts.free = first
        } else if (kind === Fixed.fromLoop) {
          const loop = sources[source] as LoopProcessor
          const { demandSeconds, head } = loop
          const mask = demandSeconds.length - 1
          const slot = head & mask
          task = loop.task[slot] as number
          epoch = loop.epoch[slot] as number
          const left = loop.size - 1
          const following = (head + 1) & Fixed.largest
          loop.doneSeconds += demandSeconds[slot] as number
          loop.head = following
          loop.size = left
          if (left > 0) {
            loop.startedAt = now
            cell[0] = now + (demandSeconds[following & mask] as number)
          } else {
            loop.serving = false
            cell[0] = never
          }
        } else if (kind === Fixed.fromDelays) {
          const { pending } = sources[source] as Delays
          pending.pop()
          task = pending.payload
          epoch = pending.stamp
          const next = pending.peekTime()
          cell[0] = next
          if (next <= now) {
            // Others are due with it.
            if (m[task + Fixed.epochAt] === epoch) kernel.wake(task)
            ;(sources[source] as Delays).fire()
            continue
          }
        } else if (kind === Fixed.fromArrivals) {
          const clients = sources[source] as Clients
          task = clients.issue()
          clients.plan()
          // What was compiled for it may have added sources.
          queue.schedule(source, clients.due[0] as number)
          if (task === Fixed.none) continue
          pc = tasks.pc[task] as number
          if (growth[0] !== 0) return pause(task, pc)
        } else {
          sources[source]?.fire()
          continue
        }
        if (kind !== Fixed.fromArrivals) {
          // The source stands at the top still: nothing comes before what is due now.
          const next = cell[0] as number
          const place = sink(0, next)
          times[place] = next
          heap[place] = source
          places[source] = place
          if (task === Fixed.none || m[task + Fixed.epochAt] !== epoch) continue
          if (kernel.pausedEndpoints > 0) {
            kernel.wake(task)
            continue
          }
          // What it waited for has come.
          m[task + Fixed.epochAt] = (epoch + 1) | 0
          m[task + Fixed.burstAt] = Fixed.none
          m[task + Fixed.calleeAt] = Fixed.none
          pc = m[task + Fixed.pcAt] as number
        }
      }
      steps: for (;;) {
        const segment = segments[pc]
        if (segment !== undefined) {
          pc = segment(task)
          if (pc === Fixed.none) break
          task = kernel.current
          if (pc >= 0) {
            if (growth[0] !== 0) return pause(task, pc)
            continue
          }
          pc = Fixed.unusual - pc
        } else if (maker !== undefined) {
          const visits = (warmth[pc] as number) + 1
          warmth[pc] = visits
          if (visits === maker.warm) segments[pc] = maker.make(pc, followed)
        }
        const from = pc
        const at = pc * Fixed.codeStride
        const a = code[at + 1] as number
        switch (code[at] as number) {
          case Fixed.opEnd:
            pc = end(task)
            break
          case Fixed.opEndWith: {
            const said = (commits[a] as (task: number) => number)(task)
            pc = said === Fixed.ok ? end(task) : kernel.end(task, said)
            break
          }
          case Fixed.opCall: {
            if (tasks.free < 0) {
              tasks.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const site = calls[a] as CallSite
            const endpoint = whom(task, site)
            if (endpoint === undefined) pc = kernel.fail(task, site.missing)
            else {
              m[task + Fixed.pcAt] = pc + 1
              pc = call(task, endpoint, site.goal, site.edge)
            }
            break
          }
          case Fixed.opBurst: {
            if (bursts.free < 0) {
              bursts.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const meter = code[at + 2] as number
            const work = works[a] as Work
            pc += 1
            m[task + Fixed.pcAt] = pc
            if (!burst(task, work)) {
              if (meter === Fixed.none) continue
              kernel.meters.atOnce(meter)
              pc += 1
              continue
            }
            if (meter !== Fixed.none) {
              ;(meters[meter] as StepMeter).cpuSeconds += work.part[0] as number
              beginLeaf(task, meter)
            }
            break steps
          }
          case Fixed.opStepCpu: {
            if (bursts.free < 0) {
              bursts.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const work = works[a] as Work
            pc += 1
            m[task + Fixed.pcAt] = pc
            if (!burst(task, work)) continue
            ;(meters[code[at + 2] as number] as StepMeter).cpuSeconds += work.part[0] as number
            break steps
          }
          case Fixed.opPause: {
            const meter = code[at + 2] as number
            if (meter !== Fixed.none) beginLeaf(task, meter)
            m[task + Fixed.pcAt] = pc + 1
            ;(works[a] as Work).into(timers.seconds, 0)
            timers.sleep(task)
            break steps
          }
          case Fixed.opLeafEnd:
            endLeaf(task, meters[a] as StepMeter)
            pc += 1
            continue
          case Fixed.opLeaveMetered:
            leaveMetered(task, meters[a] as StepMeter)
            pc += 1
            continue
          case Fixed.opEnter:
          case Fixed.opEnterWith:
          case Fixed.opEnterFor: {
            if (frames.free < 0) {
              frames.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const frame = push(task, a)
            const op = code[at] as number
            pc += 1
            if (op === Fixed.opEnter) continue
            const b = code[at + 2] as number
            if (op === Fixed.opEnterFor) (lanes[b] as Lane).add(frame)
            else (begins[b] as (task: number, frame: number) => void)(task, frame)
            continue
          }
          case Fixed.opLeave:
            pop(task)
            pc += 1
            continue
          case Fixed.opLeaveWith:
            ;(finishes[a] as (task: number, frame: number) => void)(task, pop(task))
            pc += 1
            if (growth[0] !== 0) return pause(task, pc)
            continue
          case Fixed.opCount:
            setCount(task, a)
            pc += 1
            continue
          case Fixed.opJump:
            pc = (labels[a] as { readonly pc: number }).pc
            continue
          case Fixed.opForcedLookup: {
            const lookup = lookups[a] as ForcedLookup
            pc = lookUp(task, lookup) ? lookup.end.pc : pc + 1
            continue
          }
          case Fixed.opAcquire:
            if (acquire(task, a)) {
              pc += 1
              continue
            }
            pc = (ops[pc] as Op)(task)
            if (pc < 0) break steps
            continue
          case Fixed.opConnect:
            if (connect(task, a)) {
              pc += 1
              continue
            }
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            break
          case Fixed.opAnswered:
            if (m[task + Fixed.answerAt] === Fixed.ok) {
              pc += 1
              continue
            }
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            break
          case Fixed.opPassedOn:
            if (passOn(task)) {
              pc += 1
              continue
            }
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            break
          default:
            kernel.current = task
            pc = (ops[pc] as Op)(task)
        }
        // Somebody goes on, who may be another.
        if (pc < 0) break
        followed[from] = pc
        task = kernel.current
        if (growth[0] !== 0) return pause(task, pc)
      }
    }
    return false
  }

  return {
    run,
    repeated: {
      columns: {
        pc: Fixed.pcAt,
        epoch: Fixed.epochAt,
        answer: Fixed.answerAt,
        callee: Fixed.calleeAt,
        burst: Fixed.burstAt,
      },
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
  evaluations += 1
  return new Function(`'use strict'; return (${factory.toString()}) // ${evaluations}`)() as Made
}

let evaluations = 0
