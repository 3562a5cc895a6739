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

// Own constants, which V8 folds; a test compares them with their originals.
const none = -1
const ok = 0
const degradedBit = 1
const answerDegradedBit = 8
/** Flags of tasks whose end is a matter of its own: branches, holders of threads, those whose answer takes a way. */
const specialBits = 2 | 4 | 64
const largest = 0x7fffffff
const never = Number.POSITIVE_INFINITY
const pcAt = 0
const epochAt = 1
const endpointAt = 2
const requestAt = 4
const flagsAt = 5
const parentAt = 6
const parentEpochAt = 7
const connectionAt = 8
const outcomeAt = 9
const answerAt = 11
const calleeAt = 12
const burstAt = 13
const leafAt = 17
const answerOutcomeAt = 24

/** What this file repeats of others. */
export const repeated = {
  none,
  ok,
  degradedBit,
  answerDegradedBit,
  specialBits,
  pc: pcAt,
  epoch: epochAt,
  endpoint: endpointAt,
  request: requestAt,
  flags: flagsAt,
  parent: parentAt,
  parentEpoch: parentEpochAt,
  connection: connectionAt,
  outcome: outcomeAt,
  answer: answerAt,
  callee: calleeAt,
  burst: burstAt,
  leaf: leafAt,
  answerOutcome: answerOutcomeAt,
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

const opEnd = 1
const opBurst = 2
const opLeafEnd = 3
const opStepCpu = 4
const opPause = 5
const opEnter = 6
const opLeaveMetered = 7
const opLeave = 8
const opAnswered = 9

/** Sources that the loop knows; any other is 0, and fires. */
export const sourceKinds = { closure: 0, loop: 1, arrivals: 2 } as const

const fromLoop = 1
const fromArrivals = 2

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
    let task = none
    let pc = 0
    if (kernel.readySize > 0) {
      task = kernel.popReady()
      if (task === none) continue
      m = tasks.memory
      pc = m[task + pcAt] as number
    } else {
      const { times, heap, places } = queue
      const source = heap[0] as number
      const now = times[source] as number
      if (now > untilSeconds) return
      if (now > queue.now) {
        queue.now = now
        kernel.clockMoved()
      }
      let next = never
      const kind = queue.kinds[source] as number
      if (kind === fromLoop) {
        const loop = queue.sources[source] as LoopProcessor
        const { demandSeconds, head } = loop
        const mask = demandSeconds.length - 1
        const slot = head & mask
        const served = loop.task[slot] as number
        const epoch = loop.epoch[slot] as number
        const left = loop.size - 1
        const following = (head + 1) & largest
        loop.doneSeconds += demandSeconds[slot] as number
        loop.head = following
        loop.size = left
        if (left > 0) {
          loop.startedAt = now
          next = now + (demandSeconds[following & mask] as number)
        } else loop.serving = false
        m = tasks.memory
        if (served !== none && m[served + epochAt] === epoch) {
          if (kernel.pausedEndpoints > 0) kernel.wake(served)
          else {
            m[served + epochAt] = (epoch + 1) | 0
            m[served + burstAt] = none
            task = served
            pc = m[served + pcAt] as number
          }
        }
      } else if (kind === fromArrivals) {
        const clients = queue.sources[source] as Clients
        task = clients.issue()
        next = clients.nextAt()
        m = tasks.memory
        if (task !== none) pc = m[task + pcAt] as number
      } else {
        queue.sources[source]?.fire()
        continue
      }
      // The source stands at the top still: nothing comes before what is due now.
      times[source] = next
      let place = 0
      const size = queue.sources.length - 1
      for (;;) {
        let below = 2 * place + 1
        if (below >= size) break
        below += (times[heap[below + 1] as number] as number) < (times[heap[below] as number] as number) ? 1 : 0
        const other = heap[below] as number
        if ((times[other] as number) >= next) break
        heap[place] = other
        places[other] = place
        place = below
      }
      heap[place] = source
      places[source] = place
      if (task === none) continue
    }
    for (;;) {
      const code = codes[pc] as number
      if (code === opEnd) {
        const endpoint = endpoints[m[task + endpointAt] as number] as Endpoint
        const flags = m[task + flagsAt] as number
        if (
          (flags & specialBits) !== 0 ||
          endpoint.noticedBy !== undefined ||
          endpoint.drained !== undefined ||
          kernel.pausedEndpoints > 0
        ) {
          pc = kernel.end(task, ok)
          if (pc < 0) break
          m = tasks.memory
          task = kernel.current
          continue
        }
        endpoint.calls -= 1
        endpoint.total.subtract()
        const connection = m[task + connectionAt] as number
        if (connection !== none) (rooms[connection] as Room).release(task)
        const parent = m[task + parentAt] as number
        const parentEpoch = m[task + parentEpochAt] as number
        let goesOn = false
        if (parent === none) {
          ;(enders[parentEpoch] as (task: number, code: number) => void)(task, ok)
          m = tasks.memory
        } else if (m[parent + epochAt] === parentEpoch) {
          m[parent + answerAt] = ok
          m[parent + answerOutcomeAt] = m[task + outcomeAt] as number
          const parentFlags = m[parent + flagsAt] as number
          m[parent + flagsAt] =
            (flags & degradedBit) !== 0 ? parentFlags | answerDegradedBit : parentFlags & ~answerDegradedBit
          m[parent + epochAt] = (parentEpoch + 1) | 0
          m[parent + calleeAt] = none
          goesOn = true
        }
        const request = m[task + requestAt] as number
        if (request !== none) requests.release(request)
        tasks.give(task)
        if (!goesOn) break
        task = parent
        pc = m[task + pcAt] as number
      } else if (code === opBurst) {
        const { processor } = endpoints[m[task + endpointAt] as number] as Endpoint
        const meter = kernel.argB[pc] as number
        const work = works[kernel.argA[pc] as number] as Work
        pc += 1
        m[task + pcAt] = pc
        if (processor === undefined || !processor.run(task, work)) {
          if (meter === none) continue
          meters.atOnce(meter)
          pc += 1
          continue
        }
        if (meter !== none) {
          meters.addCpu(meter, work.part, 0)
          m[task + leafAt] = meter
          tasks.leafStartedAt[task >> 5] = queue.now
        }
        break
      } else if (code === opLeafEnd) {
        meters.ok(kernel.argA[pc] as number, tasks.leafStartedAt, task >> 5)
        m[task + leafAt] = none
        pc += 1
      } else if (code === opStepCpu) {
        const { processor } = endpoints[m[task + endpointAt] as number] as Endpoint
        const work = works[kernel.argA[pc] as number] as Work
        const meter = kernel.argB[pc] as number
        pc += 1
        m[task + pcAt] = pc
        if (processor === undefined || !processor.run(task, work)) continue
        meters.addCpu(meter, work.part, 0)
        break
      } else if (code === opPause) {
        const meter = kernel.argB[pc] as number
        if (meter !== none) {
          m[task + leafAt] = meter
          tasks.leafStartedAt[task >> 5] = queue.now
        }
        m[task + pcAt] = pc + 1
        ;(works[kernel.argA[pc] as number] as Work).into(timers.seconds, 0)
        timers.sleep(task)
        break
      } else if (code === opEnter) {
        frames.push(task, kernel.argA[pc] as number)
        pc += 1
      } else if (code === opLeaveMetered) {
        const frame = frames.pop(task)
        meters.ok(kernel.argA[pc] as number, frames.startedAt, frame)
        pc += 1
      } else if (code === opLeave) {
        frames.pop(task)
        pc += 1
      } else if (code === opAnswered && m[task + answerAt] === ok) pc += 1
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
