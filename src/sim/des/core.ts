/**
 * Where a simulation spends its time (hot path): takes the next event, and lets tasks go on. What is frequent is done here, in one
 * function; everything else is the closure that `Program.emit` was given, or the source's `fire`. What an operation does here is
 * what its closure does: both are tested against each other (`SimulateInput.byClosures`).
 *
 * `makeCore` refers to nothing but its arguments, because it is evaluated anew for each kernel (`anew`): V8 then compiles it for
 * one closure only, and takes the columns for constants, their addresses and lengths with them. When a column has grown, the core
 * is made again (`Growth`). Why: docs/adr/0075.
 */
import type { Clients } from './client.js'
import type { ConnectionPool } from './connection-pool.js'
import type { Cores } from './cores.js'
import type { Delays } from './delays.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel, Op } from './kernel.js'
import type { Lane } from './lane.js'
import type { LoopProcessor } from './loop-processor.js'
import type { CallSite, ForcedLookup } from './operands.js'
import type { SharedProcessor } from './processor.js'
import type { Room } from './room.js'
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

export const makeCore = (kernel: Kernel): Core => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    ok = 0,
    degradedBit = 1,
    answerDegradedBit = 8,
    /** Flags of tasks whose end is a matter of its own: branches, holders of threads, those whose answer takes a way. */
    specialBits = 70,
    largest = 0x7fffffff,
    pcAt = 0,
    epochAt = 1,
    endpointAt = 2,
    goalAt = 3,
    requestAt = 4,
    flagsAt = 5,
    parentAt = 6,
    parentEpochAt = 7,
    connectionAt = 8,
    outcomeAt = 9,
    frameAt = 10,
    answerAt = 11,
    calleeAt = 12,
    burstAt = 13,
    edgeAt = 15,
    grantedAt = 16,
    leafAt = 17,
    answerOutcomeAt = 24,
    referencesAt = 6,
    waiting = 0,
    running = 1,
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
    sharedKind = 1,
    /** Events after which the caller is asked whether to go on. */
    batch = 1000,
  }
  const never = Number.POSITIVE_INFINITY
  const { queue, tasks, ops, code, endpoints, edges, frames, requests, rooms, enders, timers, bursts, growth, resume } =
    kernel
  const { works, calls, lanes, lookups, labels, commits, begins, finishes } = kernel.operands
  const { processors } = kernel.processors
  const { dataSets, memory: requestMemory, keys } = requests
  const { meters } = kernel.meters
  const { times, heap, places, sources, kinds } = queue
  const { memory: m, leafStartedAt } = tasks
  const {
    task: frameTask,
    code: frameCode,
    below: frameBelow,
    startedAt: frameStartedAt,
    epoch: frameEpoch,
    count: frameCount,
  } = frames
  const {
    demandSeconds: burstSeconds,
    endsAt: burstEndsAt,
    place: burstPlace,
    task: burstTask,
    epoch: burstEpoch,
    processor: burstProcessor,
    state: burstState,
  } = bursts
  const { count: edgeCount, slow: edgeSlow } = edges
  /** A time on its way into a function: as an argument it would be boxed. */
  const cell = new Float64Array(1)

  /** As `Frames.push`; one must be free. */
  const push = (task: number, code: number): number => {
    const frame = frames.free
    frames.free = frameBelow[frame] as number
    frameTask[frame] = task
    frameCode[frame] = code
    frameBelow[frame] = m[task + Fixed.frameAt] as number
    frameStartedAt[frame] = queue.now
    m[task + Fixed.frameAt] = frame
    return frame
  }

  /** As `Frames.pop`. */
  const pop = (task: number): number => {
    const frame = m[task + Fixed.frameAt] as number
    m[task + Fixed.frameAt] = frameBelow[frame] as number
    frameEpoch[frame] = ((frameEpoch[frame] as number) + 1) | 0
    frameBelow[frame] = frames.free
    frames.free = frame
    return frame
  }

  /** As `EventQueue.schedule`; the time is in the cell. */
  const schedule = (id: number): void => {
    const from = places[id] as number
    const old = times[from] as number
    const { now } = queue
    const time = Math.max(cell[0] as number, now)
    let place = from
    if (time < old) {
      while (place > 0) {
        const above = (place - 1) >> 1
        const other = times[above] as number
        if (other <= time) break
        const moved = heap[above] as number
        times[place] = other
        heap[place] = moved
        places[moved] = place
        place = above
      }
    } else if (time > old) place = sink(from, time)
    times[place] = time
    heap[place] = id
    places[id] = place
  }

  /** Lets what is due before `time` rise from below `from`; returns where the hole is then. */
  const sink = (from: number, time: number): number => {
    const size = sources.length - 1
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      below += (times[below + 1] as number) < (times[below] as number) ? 1 : 0
      const other = times[below] as number
      if (other >= time) break
      const moved = heap[below] as number
      times[place] = other
      heap[place] = moved
      places[moved] = place
      place = below
    }
    return place
  }

  /** As `SharedProcessor.run`; a burst must be free. */
  const runShared = (processor: SharedProcessor, task: number, work: Work): boolean => {
    const { cores, loops } = processor
    if (cores.reduced) return processor.run(task, work)
    const burst = bursts.free
    work.into(burstSeconds, burst)
    const demand = burstSeconds[burst] as number
    if (!(demand > 0)) return false
    bursts.free = burstPlace[burst] as number
    burstTask[burst] = task
    burstEpoch[burst] = m[task + Fixed.epochAt] as number
    burstProcessor[burst] = processor.index
    m[task + Fixed.burstAt] = burst
    if (processor.paused || (loops > 0 && processor.busy >= loops)) {
      burstState[burst] = Fixed.waiting
      processor.queue.push(burst, 0)
      return true
    }
    burstState[burst] = Fixed.running
    processor.busy += 1
    // As `Cores.start`.
    const { now } = queue
    const { runnable, cores: capacity } = cores
    const seconds = now - cores.updatedAt
    if (seconds > 0) {
      cores.updatedAt = now
      if (runnable > 0) {
        if (runnable <= capacity) {
          cores.virtual += seconds
          cores.busyCoreSeconds += seconds * runnable
        } else {
          cores.virtual += (seconds * capacity) / runnable
          cores.busyCoreSeconds += seconds * capacity
        }
      }
    }
    const { virtual } = cores
    const end = virtual + demand
    burstEndsAt[burst] = end
    if (runnable === cores.heap.length) cores.growHeap()
    const { heap: running } = cores
    let place = runnable
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = running[above] as number
      if ((burstEndsAt[other] as number) <= end) break
      running[place] = other
      burstPlace[other] = place
      place = above
    }
    running[place] = burst
    burstPlace[burst] = place
    const count = runnable + 1
    cores.runnable = count
    const left = (burstEndsAt[running[0] as number] as number) - virtual
    cell[0] = now + (count <= capacity ? left : (left * count) / capacity)
    schedule(cores.id)
    return true
  }

  /** As `Cores.fire` up to where the task goes on: `cell[0]` is when the next burst ends. Returns the burst. */
  const endBurst = (cores: Cores, first: number, processor: SharedProcessor): void => {
    const { now } = queue
    const { runnable, cores: capacity, heap: running } = cores
    const seconds = now - cores.updatedAt
    if (seconds > 0) {
      cores.updatedAt = now
      cores.busyCoreSeconds += seconds * Math.min(runnable, capacity)
    }
    const left = runnable - 1
    cores.runnable = left
    processor.doneSeconds += burstSeconds[first] as number
    processor.busy -= 1
    if (left === 0) {
      cores.virtual = 0
      cell[0] = never
      return
    }
    const virtual = burstEndsAt[first] as number
    cores.virtual = virtual
    // As `Cores.sink`.
    const last = running[left] as number
    const end = burstEndsAt[last] as number
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= left) break
      if (
        below + 1 < left &&
        (burstEndsAt[running[below + 1] as number] as number) < (burstEndsAt[running[below] as number] as number)
      )
        below += 1
      const other = running[below] as number
      if ((burstEndsAt[other] as number) >= end) break
      running[place] = other
      burstPlace[other] = place
      place = below
    }
    running[place] = last
    burstPlace[last] = place
    const rest = (burstEndsAt[running[0] as number] as number) - virtual
    cell[0] = now + (left <= capacity ? rest : (rest * left) / capacity)
  }

  /** Columns have grown: the task goes on at `pc` in the next core. */
  const pause = (task: number, pc: number): boolean => {
    resume[0] = task
    resume[1] = pc
    return false
  }

  /** As `shardOf`. */
  const shardOf = (key: number, shards: number): number => {
    if (shards <= 1) return 0
    let hash = key | 0
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
    return Math.floor(((hash & 16_383) * shards) / 16_384)
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
      // What follows the switch is a call, or (without an endpoint to call) the end of the task.
      steps: for (;;) {
        let endpoint: Endpoint | undefined
        let goal = 0
        let edge = 0
        const at = pc * Fixed.codeStride
        const a = code[at + 1] as number
        switch (code[at] as number) {
          case Fixed.opEnd:
            break
          case Fixed.opEndWith: {
            const said = (commits[a] as (task: number) => number)(task)
            if (said === Fixed.ok) break
            pc = kernel.end(task, said)
            if (pc < 0) break steps
            task = kernel.current
            if (growth[0] !== 0) return pause(task, pc)
            continue
          }
          case Fixed.opCall: {
            if (tasks.free < 0) {
              tasks.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const site = calls[a] as CallSite
            goal = site.goal
            edge = site.edge
            endpoint = site.only
            if (endpoint === undefined) {
              const { shards } = site
              if (shards !== undefined) {
                const { by } = shards
                const key = by < 0 ? 0 : (keys[((m[task + Fixed.requestAt] as number) >> 3) * dataSets + by] as number)
                if (key >= 0) endpoint = shards.primaries[shardOf(key, shards.count)]
              }
              if (endpoint === undefined) endpoint = site.choose(task)
              if (endpoint === undefined) {
                pc = kernel.fail(task, site.missing)
                if (pc < 0) break steps
                task = kernel.current
                if (growth[0] !== 0) return pause(task, pc)
                continue
              }
            }
            m[task + Fixed.pcAt] = pc + 1
            break
          }
          case Fixed.opBurst: {
            if (bursts.free < 0) {
              bursts.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const { processor } = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
            const meter = code[at + 2] as number
            const work = works[a] as Work
            pc += 1
            m[task + Fixed.pcAt] = pc
            if (
              processor === undefined ||
              !(processor.kind === Fixed.sharedKind
                ? runShared(processor as SharedProcessor, task, work)
                : processor.run(task, work))
            ) {
              if (meter === Fixed.none) continue
              kernel.meters.atOnce(meter)
              pc += 1
              continue
            }
            if (meter !== Fixed.none) {
              ;(meters[meter] as StepMeter).cpuSeconds += work.part[0] as number
              m[task + Fixed.leafAt] = meter
              leafStartedAt[task >> 5] = queue.now
            }
            break steps
          }
          case Fixed.opStepCpu: {
            if (bursts.free < 0) {
              bursts.make()
              if (growth[0] !== 0) return pause(task, pc)
            }
            const { processor } = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
            const work = works[a] as Work
            pc += 1
            m[task + Fixed.pcAt] = pc
            if (
              processor === undefined ||
              !(processor.kind === Fixed.sharedKind
                ? runShared(processor as SharedProcessor, task, work)
                : processor.run(task, work))
            )
              continue
            ;(meters[code[at + 2] as number] as StepMeter).cpuSeconds += work.part[0] as number
            break steps
          }
          case Fixed.opPause: {
            const meter = code[at + 2] as number
            if (meter !== Fixed.none) {
              m[task + Fixed.leafAt] = meter
              leafStartedAt[task >> 5] = queue.now
            }
            m[task + Fixed.pcAt] = pc + 1
            ;(works[a] as Work).into(timers.seconds, 0)
            timers.sleep(task)
            break steps
          }
          case Fixed.opLeafEnd: {
            const meter = meters[a] as StepMeter
            const { size, latency } = meter
            latency[size] = queue.now - (leafStartedAt[task >> 5] as number)
            meter.size = size + 1
            if (size + 1 === latency.length) meter.sorted()
            m[task + Fixed.leafAt] = Fixed.none
            pc += 1
            continue
          }
          case Fixed.opLeaveMetered: {
            const meter = meters[a] as StepMeter
            const { size, latency } = meter
            latency[size] = queue.now - (frameStartedAt[pop(task)] as number)
            meter.size = size + 1
            if (size + 1 === latency.length) meter.sorted()
            pc += 1
            continue
          }
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
            frameCount[m[task + Fixed.frameAt] as number] = a
            pc += 1
            continue
          case Fixed.opJump:
            pc = (labels[a] as { readonly pc: number }).pc
            continue
          case Fixed.opForcedLookup: {
            const { coin, hitRatio, outermost, lookups: counts, end } = lookups[a] as ForcedLookup
            const hit = m[task + Fixed.answerAt] === Fixed.ok && coin.uniform() < hitRatio
            if (outermost && m[task + Fixed.outcomeAt] === 0) m[task + Fixed.outcomeAt] = hit ? 1 : 2
            if (hit) {
              counts.hits += 1
              pc = end.pc
            } else {
              counts.misses += 1
              pc += 1
            }
            continue
          }
          case Fixed.opAcquire: {
            const pool = (endpoints[m[task + Fixed.endpointAt] as number] as Endpoint).pools[a] as
              | ConnectionPool
              | undefined
            if (pool !== undefined && pool.inUse < pool.size) {
              pool.inUse += 1
              pool.inUseGauge.add()
              m[task + Fixed.grantedAt] = pool.id
              pc += 1
              continue
            }
            pc = (ops[pc] as Op)(task)
            if (pc < 0) break steps
            continue
          }
          case Fixed.opConnect: {
            const pool = (endpoints[m[task + Fixed.endpointAt] as number] as Endpoint).pools[a] as
              | ConnectionPool
              | undefined
            if (pool === undefined || pool.connect()) {
              pc += 1
              continue
            }
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            if (pc < 0) break steps
            task = kernel.current
            if (growth[0] !== 0) return pause(task, pc)
            continue
          }
          case Fixed.opAnswered:
            if (m[task + Fixed.answerAt] === Fixed.ok) {
              pc += 1
              continue
            }
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            if (pc < 0) break steps
            task = kernel.current
            if (growth[0] !== 0) return pause(task, pc)
            continue
          case Fixed.opPassedOn:
            if (m[task + Fixed.answerAt] === Fixed.ok) {
              const flags = m[task + Fixed.flagsAt] as number
              if ((flags & Fixed.answerDegradedBit) !== 0) m[task + Fixed.flagsAt] = flags | Fixed.degradedBit
              m[task + Fixed.outcomeAt] = m[task + Fixed.answerOutcomeAt] as number
              pc += 1
              continue
            }
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            if (pc < 0) break steps
            task = kernel.current
            if (growth[0] !== 0) return pause(task, pc)
            continue
          default:
            kernel.current = task
            pc = (ops[pc] as Op)(task)
            if (pc < 0) break steps
            task = kernel.current
            if (growth[0] !== 0) return pause(task, pc)
            continue
        }
        const { now } = queue
        if (endpoint !== undefined) {
          // A call: as `kernel.call`.
          if (
            endpoint.state !== 'up' ||
            endpoint.calls >= endpoint.maxInFlight ||
            endpoint.paused ||
            edgeSlow[edge] !== 0
          ) {
            pc = kernel.call(task, endpoint, goal, edge)
            if (pc < 0) break
            task = kernel.current
            if (growth[0] !== 0) return pause(task, pc)
            continue
          }
          const connection = m[task + Fixed.grantedAt] as number
          if (connection !== Fixed.none) m[task + Fixed.grantedAt] = Fixed.none
          edgeCount[edge] = (edgeCount[edge] as number) + 1
          m[task + Fixed.edgeAt] = edge
          endpoint.visits += 1
          const request = m[task + Fixed.requestAt] as number
          // As `Tasks.take`: one is free.
          const callee = tasks.free
          tasks.free = m[callee + Fixed.pcAt] as number
          tasks.live += 1
          m[callee + Fixed.endpointAt] = endpoint.id
          m[callee + Fixed.goalAt] = goal
          m[callee + Fixed.requestAt] = request
          m[callee + Fixed.parentAt] = task
          m[callee + Fixed.parentEpochAt] = m[task + Fixed.epochAt] as number
          m[callee + Fixed.connectionAt] = connection
          m[task + Fixed.calleeAt] = callee
          m[task + Fixed.answerAt] = Fixed.ok
          if (request !== Fixed.none)
            requestMemory[request + Fixed.referencesAt] = (requestMemory[request + Fixed.referencesAt] as number) + 1
          endpoint.calls += 1
          const { total, station } = endpoint
          total.area -= now
          const inHand = total.value + 1
          total.value = inHand
          if (inHand > total.max) total.max = inHand
          task = callee
          pc = station.programs[goal] ?? station.compile(goal)
          if (growth[0] !== 0) return pause(task, pc)
          continue
        }
        // The end, successful: as `kernel.end`.
        const own = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
        const flags = m[task + Fixed.flagsAt] as number
        if (
          (flags & Fixed.specialBits) !== 0 ||
          own.noticedBy !== undefined ||
          own.drained !== undefined ||
          kernel.pausedEndpoints > 0
        ) {
          pc = kernel.end(task, Fixed.ok)
          if (pc < 0) break
          task = kernel.current
          if (growth[0] !== 0) return pause(task, pc)
          continue
        }
        own.calls -= 1
        const { total } = own
        total.area += now
        total.value -= 1
        const connection = m[task + Fixed.connectionAt] as number
        if (connection !== Fixed.none) (rooms[connection] as Room).release(task)
        const parent = m[task + Fixed.parentAt] as number
        const parentEpoch = m[task + Fixed.parentEpochAt] as number
        const request = m[task + Fixed.requestAt] as number
        if (parent === Fixed.none) {
          ;(enders[parentEpoch] as (task: number, code: number) => void)(task, Fixed.ok)
          if (request !== Fixed.none) requests.release(request)
          tasks.give(task)
          break
        }
        const goesOn = m[parent + Fixed.epochAt] === parentEpoch
        if (goesOn) {
          m[parent + Fixed.answerAt] = Fixed.ok
          m[parent + Fixed.answerOutcomeAt] = m[task + Fixed.outcomeAt] as number
          const parentFlags = m[parent + Fixed.flagsAt] as number
          m[parent + Fixed.flagsAt] =
            (flags & Fixed.degradedBit) !== 0
              ? parentFlags | Fixed.answerDegradedBit
              : parentFlags & ~Fixed.answerDegradedBit
          m[parent + Fixed.epochAt] = (parentEpoch + 1) | 0
          m[parent + Fixed.calleeAt] = Fixed.none
        }
        if (request !== Fixed.none) {
          const references = requestMemory[request + Fixed.referencesAt] as number
          if (references > 1) requestMemory[request + Fixed.referencesAt] = references - 1
          else requests.release(request)
        }
        // As `Tasks.give`.
        tasks.live -= 1
        m[task + Fixed.epochAt] = ((m[task + Fixed.epochAt] as number) + 1) | 0
        m[task + Fixed.endpointAt] = Fixed.none
        m[task + Fixed.flagsAt] = 0
        m[task + Fixed.outcomeAt] = 0
        m[task + Fixed.connectionAt] = Fixed.none
        m[task + Fixed.pcAt] = tasks.free
        tasks.free = task
        if (!goesOn) break
        task = parent
        pc = m[task + Fixed.pcAt] as number
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
        endpoint: Fixed.endpointAt,
        goal: Fixed.goalAt,
        request: Fixed.requestAt,
        flags: Fixed.flagsAt,
        parent: Fixed.parentAt,
        parentEpoch: Fixed.parentEpochAt,
        connection: Fixed.connectionAt,
        outcome: Fixed.outcomeAt,
        frame: Fixed.frameAt,
        answer: Fixed.answerAt,
        callee: Fixed.calleeAt,
        burst: Fixed.burstAt,
        edge: Fixed.edgeAt,
        granted: Fixed.grantedAt,
        leaf: Fixed.leafAt,
        answerOutcome: Fixed.answerOutcomeAt,
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
      shared: Fixed.sharedKind,
      references: Fixed.referencesAt,
      none: Fixed.none,
      ok: Fixed.ok,
      degradedBit: Fixed.degradedBit,
      answerDegradedBit: Fixed.answerDegradedBit,
      specialBits: Fixed.specialBits,
      waiting: Fixed.waiting,
      running: Fixed.running,
    },
  }
}

/**
 * Evaluates a function that refers to nothing around it once more, so that V8 knows of one closure only of each function in it: their
 * constants are then constants of the machine code, too. Each time the text is another, or V8 would take what it has compiled before.
 */
export const anew = <Made extends (...values: never[]) => unknown>(factory: Made): Made => {
  evaluations += 1
  return new Function(`return (${factory.toString()}) // ${evaluations}`)() as Made
}

let evaluations = 0
