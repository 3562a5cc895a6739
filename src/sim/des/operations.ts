/**
 * What the core and its segments do for a task (hot path): frames, calls and ends, CPU, pools, lookups, meters. Each does what
 * the closure of its operation does where nothing is unusual, and hands on to the kernel where something is.
 *
 * `makeOperations` refers to nothing but its arguments: it is evaluated anew for a long simulation, as the core is (`anew`).
 */
import type { ConnectionPool } from './connection-pool.js'
import type { Cores } from './cores.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel } from './kernel.js'
import type { CallSite, ForcedLookup } from './operands.js'
import type { SharedProcessor } from './processor.js'
import type { Room } from './room.js'
import type { StepMeter } from './step-meter.js'
import type { Work } from './work.js'

export type Operations = ReturnType<typeof makeOperations>

export const makeOperations = (kernel: Kernel) => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    ok = 0,
    blocked = -1,
    degradedBit = 1,
    answerDegradedBit = 8,
    /** Flags of tasks whose end is a matter of its own: branches, holders of threads, those whose answer takes a way. */
    specialBits = 70,
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
    sharedKind = 1,
  }
  const never = Number.POSITIVE_INFINITY
  const { queue, tasks, endpoints, edges, frames, requests, rooms, enders, bursts } = kernel
  const { dataSets, memory: requestMemory, keys } = requests
  const { times, heap, places, sources } = queue
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

  /** As `shardOf`. */
  const shardOf = (key: number, shards: number): number => {
    if (shards <= 1) return 0
    let hash = key | 0
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
    return Math.floor(((hash & 16_383) * shards) / 16_384)
  }

  /** CPU of the process that the task is at. False: there is nothing to wait for. A burst must be free. */
  const burst = (task: number, work: Work): boolean => {
    const { processor } = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
    if (processor === undefined) return false
    return processor.kind === Fixed.sharedKind
      ? runShared(processor as SharedProcessor, task, work)
      : processor.run(task, work)
  }

  /** The simple step with this meter begins. */
  const beginLeaf = (task: number, meter: number): void => {
    m[task + Fixed.leafAt] = meter
    leafStartedAt[task >> 5] = queue.now
  }

  /** It has succeeded. */
  const endLeaf = (task: number, meter: StepMeter): void => {
    const { size, latency } = meter
    latency[size] = queue.now - (leafStartedAt[task >> 5] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
    m[task + Fixed.leafAt] = Fixed.none
  }

  /** The newest frame comes off: the step with this meter has succeeded. */
  const leaveMetered = (task: number, meter: StepMeter): void => {
    const { size, latency } = meter
    latency[size] = queue.now - (frameStartedAt[pop(task)] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
  }

  /** The `count` of the newest frame. */
  const setCount = (task: number, count: number): void => {
    frameCount[m[task + Fixed.frameAt] as number] = count
  }

  /** Does it hit? */
  const lookUp = (task: number, { coin, hitRatio, outermost, lookups }: ForcedLookup): boolean => {
    const hit = m[task + Fixed.answerAt] === Fixed.ok && coin.uniform() < hitRatio
    if (outermost && m[task + Fixed.outcomeAt] === 0) m[task + Fixed.outcomeAt] = hit ? 1 : 2
    if (hit) lookups.hits += 1
    else lookups.misses += 1
    return hit
  }

  /** A connection of the pool of the task's process, if one is free. */
  const acquire = (task: number, index: number): boolean => {
    const pool = (endpoints[m[task + Fixed.endpointAt] as number] as Endpoint).pools[index] as
      | ConnectionPool
      | undefined
    if (pool === undefined || pool.inUse >= pool.size) return false
    pool.inUse += 1
    const { inUseGauge } = pool
    inUseGauge.area -= queue.now
    const inUse = inUseGauge.value + 1
    inUseGauge.value = inUse
    if (inUse > inUseGauge.max) inUseGauge.max = inUse
    m[task + Fixed.grantedAt] = pool.id
    return true
  }

  /** Is the connection open by now? */
  const connect = (task: number, index: number): boolean => {
    const pool = (endpoints[m[task + Fixed.endpointAt] as number] as Endpoint).pools[index] as
      | ConnectionPool
      | undefined
    return pool === undefined || pool.connect()
  }

  /** What is known of a good answer becomes what is known of the task. False: it was none. */
  const passOn = (task: number): boolean => {
    if (m[task + Fixed.answerAt] !== Fixed.ok) return false
    const flags = m[task + Fixed.flagsAt] as number
    if ((flags & Fixed.answerDegradedBit) !== 0) m[task + Fixed.flagsAt] = flags | Fixed.degradedBit
    m[task + Fixed.outcomeAt] = m[task + Fixed.answerOutcomeAt] as number
    return true
  }

  /** Whom the task calls; undefined: nobody is there. */
  const whom = (task: number, site: CallSite): Endpoint | undefined => {
    if (site.only !== undefined) return site.only
    const { shards } = site
    if (shards !== undefined) {
      const { by } = shards
      const key = by < 0 ? 0 : (keys[((m[task + Fixed.requestAt] as number) >> 3) * dataSets + by] as number)
      if (key >= 0) {
        const primary = shards.primaries[shardOf(key, shards.count)]
        if (primary !== undefined) return primary
      }
    }
    return site.choose(task)
  }

  /** As `kernel.call`; a task must be free. */
  const call = (task: number, endpoint: Endpoint, goal: number, edge: number): number => {
    if (endpoint.state !== 'up' || endpoint.calls >= endpoint.maxInFlight || endpoint.paused || edgeSlow[edge] !== 0)
      return kernel.call(task, endpoint, goal, edge)
    const connection = m[task + Fixed.grantedAt] as number
    if (connection !== Fixed.none) m[task + Fixed.grantedAt] = Fixed.none
    edgeCount[edge] = (edgeCount[edge] as number) + 1
    m[task + Fixed.edgeAt] = edge
    endpoint.visits += 1
    const request = m[task + Fixed.requestAt] as number
    // As `Tasks.take`.
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
    total.area -= queue.now
    const inHand = total.value + 1
    total.value = inHand
    if (inHand > total.max) total.max = inHand
    kernel.current = callee
    return station.programs[goal] ?? station.compile(goal)
  }

  /** As `kernel.end` of a task that has succeeded. */
  const end = (task: number): number => {
    const own = endpoints[m[task + Fixed.endpointAt] as number] as Endpoint
    const flags = m[task + Fixed.flagsAt] as number
    if (
      (flags & Fixed.specialBits) !== 0 ||
      own.noticedBy !== undefined ||
      own.drained !== undefined ||
      kernel.pausedEndpoints > 0
    )
      return kernel.end(task, Fixed.ok)
    own.calls -= 1
    const { total } = own
    total.area += queue.now
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
      return Fixed.blocked
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
    if (!goesOn) return Fixed.blocked
    kernel.current = parent
    return m[parent + Fixed.pcAt] as number
  }

  return {
    cell,
    push,
    pop,
    sink,
    endBurst,
    burst,
    beginLeaf,
    endLeaf,
    leaveMetered,
    setCount,
    lookUp,
    acquire,
    connect,
    passOn,
    whom,
    call,
    end,
    /** What it repeats of other files: a test compares it with its originals. */
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
      shared: Fixed.sharedKind,
      references: Fixed.referencesAt,
      none: Fixed.none,
      ok: Fixed.ok,
      blocked: Fixed.blocked,
      degradedBit: Fixed.degradedBit,
      answerDegradedBit: Fixed.answerDegradedBit,
      specialBits: Fixed.specialBits,
      waiting: Fixed.waiting,
      running: Fixed.running,
    },
  }
}
