/**
 * The one loop in which a simulation spends its time (hot path): takes the next event, and lets tasks go on. What is frequent is
 * done here, in one function, because V8 neither inlines this much nor keeps what it has loaded across calls; everything else
 * is the closure that `Program.emit` was given, or the source's `fire`. What an operation does here is what its closure does:
 * both are tested against each other.
 */
import type { Clients } from './client.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel, Op } from './kernel.js'
import type { LoopProcessor } from './loop-processor.js'
import type { Room } from './room.js'
import type { Work } from './work.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
  ok = 0,
  degradedBit = 1,
  answerDegradedBit = 8,
  largest = 0x7fffffff,
  pcAt = 0,
  epochAt = 1,
  endpointAt = 2,
  requestAt = 4,
  flagsAt = 5,
  parentAt = 6,
  parentEpochAt = 7,
  connectionAt = 8,
  outcomeAt = 9,
  answerAt = 11,
  calleeAt = 12,
  burstAt = 13,
  leafAt = 17,
  answerOutcomeAt = 24,
  opEnd = 1,
  opBurst = 2,
  opLeafEnd = 3,
  opStepCpu = 4,
  opPause = 5,
  opEnter = 6,
  opLeaveMetered = 7,
  opLeave = 8,
  opAnswered = 9,
  fromLoop = 1,
  fromArrivals = 2,
}
/** Flags of tasks whose end is a matter of its own: branches, holders of threads, those whose answer takes a way. */
const specialBits = 2 | 4 | 64
const never = Number.POSITIVE_INFINITY

/** What this file repeats of others. */
export const repeated = {
  none: Fixed.none,
  ok: Fixed.ok,
  degradedBit: Fixed.degradedBit,
  answerDegradedBit: Fixed.answerDegradedBit,
  specialBits,
  pc: Fixed.pcAt,
  epoch: Fixed.epochAt,
  endpoint: Fixed.endpointAt,
  request: Fixed.requestAt,
  flags: Fixed.flagsAt,
  parent: Fixed.parentAt,
  parentEpoch: Fixed.parentEpochAt,
  connection: Fixed.connectionAt,
  outcome: Fixed.outcomeAt,
  answer: Fixed.answerAt,
  callee: Fixed.calleeAt,
  burst: Fixed.burstAt,
  leaf: Fixed.leafAt,
  answerOutcome: Fixed.answerOutcomeAt,
}

/** Operations that the loop knows; any other is 0, its closure. */
export const opCodes = {
  closure: 0,
  /** The task is over: success. */
  end: 1,
  /** CPU of `kernel.works[a]`; with a meter b it is a simple step, whose end follows. */
  burst: 2,
  /** The simple step with meter a has succeeded. */
  leafEnd: 3,
  /** CPU of `kernel.works[a]`, counted to meter b. */
  stepCpu: 4,
  /** Time of `kernel.works[a]` without CPU. */
  pause: 5,
  /** A frame with code a. */
  enter: 6,
  /** The newest frame comes off: the step with meter a has succeeded. */
  leaveMetered: 7,
  /** The newest frame comes off. */
  leave: 8,
  /** Goes on if the last call was answered, else its closure. */
  answered: 9,
} as const

/** Sources that the loop knows; any other is 0, and fires. */
export const sourceKinds = { closure: 0, loop: 1, arrivals: 2 } as const

/** Runs everything that happens until `untilSeconds` (inclusive). */
export const runLoop = (kernel: Kernel, untilSeconds: number): void => {
  const {
    queue,
    tasks,
    ops,
    opCodes: codes,
    works,
    endpoints,
    meters,
    frames,
    requests,
    rooms,
    enders,
    timers,
  } = kernel
  let m = tasks.memory
  kernel.clockMoved()
  for (;;) {
    let task: number = Fixed.none
    let pc = 0
    if (kernel.readySize > 0) {
      task = kernel.popReady()
      if (task === Fixed.none) continue
      m = tasks.memory
      pc = m[task + Fixed.pcAt] as number
    } else {
      const { times, heap, places } = queue
      const source = heap[0] as number
      const now = times[0] as number
      if (now > untilSeconds) return
      if (now > queue.now) {
        queue.now = now
        kernel.clockMoved()
      }
      let next = never
      const kind = queue.kinds[source] as number
      if (kind === Fixed.fromLoop) {
        const loop = queue.sources[source] as LoopProcessor
        const { demandSeconds, head } = loop
        const mask = demandSeconds.length - 1
        const slot = head & mask
        const served = loop.task[slot] as number
        const epoch = loop.epoch[slot] as number
        const left = loop.size - 1
        const following = (head + 1) & Fixed.largest
        loop.doneSeconds += demandSeconds[slot] as number
        loop.head = following
        loop.size = left
        if (left > 0) {
          loop.startedAt = now
          next = now + (demandSeconds[following & mask] as number)
        } else loop.serving = false
        m = tasks.memory
        if (served !== Fixed.none && m[served + Fixed.epochAt] === epoch) {
          if (kernel.pausedEndpoints > 0) kernel.wake(served)
          else {
            m[served + Fixed.epochAt] = (epoch + 1) | 0
            m[served + Fixed.burstAt] = Fixed.none
            task = served
            pc = m[served + Fixed.pcAt] as number
          }
        }
      } else if (kind === Fixed.fromArrivals) {
        const clients = queue.sources[source] as Clients
        task = clients.issue()
        clients.plan()
        next = clients.due[0] as number
        m = tasks.memory
        if (task !== Fixed.none) pc = m[task + Fixed.pcAt] as number
      } else {
        queue.sources[source]?.fire()
        continue
      }
      // The source stands at the top still: nothing comes before what is due now.
      let place = 0
      const size = queue.sources.length - 1
      for (;;) {
        let below = 2 * place + 1
        if (below >= size) break
        below += (times[below + 1] as number) < (times[below] as number) ? 1 : 0
        const other = times[below] as number
        if (other >= next) break
        times[place] = other
        heap[place] = heap[below] as number
        places[heap[place] as number] = place
        place = below
      }
      times[place] = next
      heap[place] = source
      places[source] = place
      if (task === Fixed.none) continue
    }
    for (;;) {
      const code = codes[pc] as number
      if (code === Fixed.opEnd) {
        const endpoint = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
        const flags = m[task + Fixed.flagsAt] as number
        if (
          (flags & specialBits) !== 0 ||
          endpoint.noticedBy !== undefined ||
          endpoint.drained !== undefined ||
          kernel.pausedEndpoints > 0
        ) {
          pc = kernel.end(task, Fixed.ok)
          if (pc < 0) break
          m = tasks.memory
          task = kernel.current
          continue
        }
        endpoint.calls -= 1
        endpoint.total.subtract()
        const connection = m[task + Fixed.connectionAt] as number
        if (connection !== Fixed.none) (rooms[connection] as Room).release(task)
        const parent = m[task + Fixed.parentAt] as number
        const parentEpoch = m[task + Fixed.parentEpochAt] as number
        let goesOn = false
        if (parent === Fixed.none) {
          ;(enders[parentEpoch] as (task: number, code: number) => void)(task, Fixed.ok)
          m = tasks.memory
        } else if (m[parent + Fixed.epochAt] === parentEpoch) {
          m[parent + Fixed.answerAt] = Fixed.ok
          m[parent + Fixed.answerOutcomeAt] = m[task + Fixed.outcomeAt] as number
          const parentFlags = m[parent + Fixed.flagsAt] as number
          m[parent + Fixed.flagsAt] =
            (flags & Fixed.degradedBit) !== 0
              ? parentFlags | Fixed.answerDegradedBit
              : parentFlags & ~Fixed.answerDegradedBit
          m[parent + Fixed.epochAt] = (parentEpoch + 1) | 0
          m[parent + Fixed.calleeAt] = Fixed.none
          goesOn = true
        }
        const request = m[task + Fixed.requestAt] as number
        if (request !== Fixed.none) requests.release(request)
        tasks.give(task)
        if (!goesOn) break
        task = parent
        pc = m[task + Fixed.pcAt] as number
      } else if (code === Fixed.opBurst) {
        const { processor } = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
        const meter = kernel.argB[pc] as number
        const work = works[kernel.argA[pc] as number] as Work
        pc += 1
        m[task + Fixed.pcAt] = pc
        if (processor === undefined || !processor.run(task, work)) {
          if (meter === Fixed.none) continue
          meters.atOnce(meter)
          pc += 1
          continue
        }
        if (meter !== Fixed.none) {
          meters.addCpu(meter, work.part, 0)
          m[task + Fixed.leafAt] = meter
          tasks.leafStartedAt[task >> 5] = queue.now
        }
        break
      } else if (code === Fixed.opLeafEnd) {
        meters.ok(kernel.argA[pc] as number, tasks.leafStartedAt, task >> 5)
        m[task + Fixed.leafAt] = Fixed.none
        pc += 1
      } else if (code === Fixed.opStepCpu) {
        const { processor } = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
        const work = works[kernel.argA[pc] as number] as Work
        const meter = kernel.argB[pc] as number
        pc += 1
        m[task + Fixed.pcAt] = pc
        if (processor === undefined || !processor.run(task, work)) continue
        meters.addCpu(meter, work.part, 0)
        break
      } else if (code === Fixed.opPause) {
        const meter = kernel.argB[pc] as number
        if (meter !== Fixed.none) {
          m[task + Fixed.leafAt] = meter
          tasks.leafStartedAt[task >> 5] = queue.now
        }
        m[task + Fixed.pcAt] = pc + 1
        ;(works[kernel.argA[pc] as number] as Work).into(timers.seconds, 0)
        timers.sleep(task)
        break
      } else if (code === Fixed.opEnter) {
        frames.push(task, kernel.argA[pc] as number)
        pc += 1
      } else if (code === Fixed.opLeaveMetered) {
        const frame = frames.pop(task)
        meters.ok(kernel.argA[pc] as number, frames.startedAt, frame)
        pc += 1
      } else if (code === Fixed.opLeave) {
        frames.pop(task)
        pc += 1
      } else if (code === Fixed.opAnswered && m[task + Fixed.answerAt] === Fixed.ok) pc += 1
      else {
        kernel.current = task
        pc = (ops[pc] as Op)(task)
        if (pc < 0) break
        m = tasks.memory
        task = kernel.current
      }
    }
  }
}
