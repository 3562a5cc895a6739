/**
 * What the core and its segments do for a task (hot path): frames, calls and ends, CPU, pools, lookups, meters. Each does what
 * the closure of its operation does where nothing is unusual, and hands on to the kernel where something is.
 *
 * `makeOperations` refers to nothing but its arguments: it is evaluated anew for a long simulation, as the core is (`anew`).
 */
import type { ConnectionPool } from './connection-pool.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel } from './kernel.js'
import type { CallSite, ForcedLookup } from './operands.js'
import type { Processor, SharedProcessor } from './processor.js'
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
    waiting = 0,
    running = 1,
    sharedKind = 1,
    loopKind = 2,
    largest = 0x7fffffff,
    atOnce = -1,
    unusual = -2,
  }
  const never = Number.POSITIVE_INFINITY
  const { queue, tasks, endpoints, edges, frames, requests, rooms, enders, bursts } = kernel
  const { dataSets, references, keys } = requests
  const { times, heap, places } = queue
  const { leafStartedAt, freed: freedTasks, born, births } = tasks
  // Columns of tasks, all of one length, so that one comparison is enough for a task.
  const { pc: pcs, epoch: epochs, endpoint: endpointIds, goal: goals, request: requestOf, flags: flagsOf } = tasks
  const { parent: parents, parentEpoch: parentEpochs, connection: connections, outcome: outcomes } = tasks
  const { frame: innermost, answer: answers, callee: callees, burst: burstOf, edge: edgeOf } = tasks
  const { granted: grantedOf, leaf: leaves, answerOutcome: answerOutcomes } = tasks
  const { freed: freedFrames } = frames
  const { freed: freedBursts } = bursts
  const { clock } = queue
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
  const { processorOf, lights } = kernel
  const { endpoint: lightEndpoint, born: lightBorn, generation: lightGeneration } = lights
  const { times: lightTimes, burst: lightBursts } = lights
  const { processors } = kernel.processors
  const {
    kind: processorKind,
    cores: coresOf,
    source: processorSource,
    loops,
    busy,
    waiting,
    paused,
  } = bursts.cpu.ofProcessors
  const {
    doneSeconds: usedSeconds,
    ringAt,
    ringMask,
    head: ringHead,
    size: ringSize,
    serving,
  } = bursts.cpu.ofProcessors
  const { startedAt, demandSeconds: ringSeconds, task: ringTask, epoch: ringEpoch } = bursts.cpu.ofProcessors
  const { source: coresSource, runnable, capacity, reduced, virtual, updatedAt } = bursts.cpu.ofCores
  const { busyCoreSeconds, heapAt, room, heap: running } = bursts.cpu.ofCores
  /** A time on its way into a function: as an argument it would be boxed. */
  const cell = new Float64Array(new ArrayBuffer(128), 0, 1)

  /** As `Frames.push`; one must be free. */
  const push = (task: number, code: number): number => {
    const frame = freedFrames[0] as number
    freedFrames[0] = frameBelow[frame] as number
    frameTask[frame] = task
    frameCode[frame] = code
    frameBelow[frame] = innermost[task] as number
    frameStartedAt[frame] = clock[0] as number
    innermost[task] = frame
    return frame
  }

  /** As `Frames.pop`. */
  const pop = (task: number): number => {
    const frame = innermost[task] as number
    innermost[task] = frameBelow[frame] as number
    frameEpoch[frame] = ((frameEpoch[frame] as number) + 1) | 0
    frameBelow[frame] = freedFrames[0] as number
    freedFrames[0] = frame
    return frame
  }

  /** As `EventQueue.schedule`; the time is in the cell. */
  const schedule = (id: number): void => {
    const time = Math.max(cell[0] as number, clock[0] as number)
    cell[0] = time
    const from = places[id] as number
    if (time < (times[from] as number)) rise(id, from)
    else sink(id, from)
  }

  // What a function with a loop refers to, it copies first: V8 takes for constants in loops only what is its own.

  /** Puts the source, which stands at `from` and comes sooner now, at `cell[0]` where it belongs. */
  const rise = (id: number, from: number): void => {
    const due = times
    const members = heap
    const whereabouts = places
    const time = cell[0] as number
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = due[above] as number
      if (other <= time) break
      const moved = members[above] as number
      due[place] = other
      members[place] = moved
      whereabouts[moved] = place
      place = above
    }
    due[place] = time
    members[place] = id
    whereabouts[id] = place
  }

  /** The same for one that comes later. */
  const sink = (id: number, from: number): void => {
    const due = times
    const members = heap
    const whereabouts = places
    const time = cell[0] as number
    let place = from
    for (;;) {
      // Whatever stands beyond the last source is never due.
      let below = 2 * place + 1
      below += (due[below + 1] as number) < (due[below] as number) ? 1 : 0
      const other = due[below] as number
      if (other >= time) break
      const moved = members[below] as number
      due[place] = other
      members[place] = moved
      whereabouts[moved] = place
      place = below
    }
    due[place] = time
    members[place] = id
    whereabouts[id] = place
  }

  /** The burst joins `count` others in the heap that begins at `first`. */
  const enter = (first: number, burst: number, count: number): void => {
    const members = running
    const ends = burstEndsAt
    const whereabouts = burstPlace
    const end = ends[burst] as number
    let place = count
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = members[first + above] as number
      if ((ends[other] as number) <= end) break
      members[first + place] = other
      whereabouts[other] = place
      place = above
    }
    members[first + place] = burst
    whereabouts[burst] = place
  }

  /** The first of the bursts leaves, `count` others stay. */
  const leave = (first: number, count: number): void => {
    const members = running
    const ends = burstEndsAt
    const whereabouts = burstPlace
    const last = members[first + count] as number
    const end = ends[last] as number
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= count) break
      if (
        below + 1 < count &&
        (ends[members[first + below + 1] as number] as number) < (ends[members[first + below] as number] as number)
      )
        below += 1
      const other = members[first + below] as number
      if ((ends[other] as number) >= end) break
      members[first + place] = other
      whereabouts[other] = place
      place = below
    }
    members[first + place] = last
    whereabouts[last] = place
  }

  /**
   * As `SharedProcessor.run`, for whoever goes by this handle; a burst must be free. Returns the burst; `atOnce`: there is nothing to wait
   * for; `unusual`: nothing has been done.
   */
  const runShared = (processor: number, handle: number, epoch: number, work: Work): number => {
    const cores = coresOf[processor] as number
    const count = runnable[cores] as number
    if (reduced[cores] !== 0 || count >= (room[cores] as number)) return Fixed.unusual
    work.into(cell, 0)
    const demand = cell[0] as number
    if (!(demand > 0)) return Fixed.atOnce
    const burst = freedBursts[0] as number
    freedBursts[0] = burstPlace[burst] as number
    burstSeconds[burst] = demand
    burstTask[burst] = handle
    burstEpoch[burst] = epoch
    burstProcessor[burst] = processor
    const most = loops[processor] as number
    const bursting = busy[processor] as number
    if (paused[processor] !== 0 || (most > 0 && bursting >= most)) {
      burstState[burst] = Fixed.waiting
      ;(processors[processor] as SharedProcessor).standInLine(burst)
      return burst
    }
    burstState[burst] = Fixed.running
    busy[processor] = bursting + 1
    // As `Cores.start`.
    const now = clock[0] as number
    const all = capacity[cores] as number
    const seconds = now - (updatedAt[cores] as number)
    let attained = virtual[cores] as number
    if (seconds > 0) {
      updatedAt[cores] = now
      if (count > 0) {
        if (count <= all) {
          attained += seconds
          busyCoreSeconds[cores] = (busyCoreSeconds[cores] as number) + seconds * count
        } else {
          attained += (seconds * all) / count
          busyCoreSeconds[cores] = (busyCoreSeconds[cores] as number) + seconds * all
        }
        virtual[cores] = attained
      }
    }
    burstEndsAt[burst] = attained + demand
    const first = heapAt[cores] as number
    if (count === 0) {
      running[first] = burst
      burstPlace[burst] = 0
    } else enter(first, burst, count)
    runnable[cores] = count + 1
    const left = (burstEndsAt[running[first] as number] as number) - attained
    const together = count + 1
    cell[0] = now + (together <= all ? left : (left * together) / all)
    schedule(coresSource[cores] as number)
    return burst
  }

  /** As `LoopProcessor.run`; it returns what `runShared` does. */
  const runLoop = (processor: number, handle: number, epoch: number, work: Work): number => {
    const entries = ringSize[processor] as number
    const mask = ringMask[processor] as number
    if (entries > mask || paused[processor] !== 0) return Fixed.unusual
    work.into(cell, 0)
    const demand = cell[0] as number
    if (!(demand > 0)) return Fixed.atOnce
    const number = ((ringHead[processor] as number) + entries) & Fixed.largest
    const slot = (ringAt[processor] as number) + (number & mask)
    ringSeconds[slot] = demand
    ringTask[slot] = handle
    ringEpoch[slot] = epoch
    ringSize[processor] = entries + 1
    if (entries > 0) return number
    const now = clock[0] as number
    serving[processor] = 1
    startedAt[processor] = now
    cell[0] = now + demand
    schedule(processorSource[processor] as number)
    return number
  }

  /** `runShared` or `runLoop`; of other processors nothing is known. */
  const runOn = (processor: number, handle: number, epoch: number, work: Work): number => {
    const kind = processorKind[processor] as number
    if (kind === Fixed.sharedKind) return runShared(processor, handle, epoch, work)
    return kind === Fixed.loopKind ? runLoop(processor, handle, epoch, work) : Fixed.unusual
  }

  /**
   * As `Cores.fire` up to where the task goes on: the burst has had its CPU, and `cell[0]` is when the next one has. Returns it; `none`:
   * somebody stood in line, and all is done.
   */
  const endBurst = (cores: number): number => {
    const at = heapAt[cores] as number
    const first = running[at] as number
    const processor = burstProcessor[first] as number
    if (waiting[processor] !== 0 || reduced[cores] !== 0) {
      const set = (processors[processor] as SharedProcessor).cores
      set.finish(set.take())
      ;(processors[processor] as SharedProcessor).tell(first)
      return Fixed.none
    }
    const now = clock[0] as number
    const count = runnable[cores] as number
    const all = capacity[cores] as number
    const seconds = now - (updatedAt[cores] as number)
    if (seconds > 0) {
      updatedAt[cores] = now
      busyCoreSeconds[cores] = (busyCoreSeconds[cores] as number) + seconds * Math.min(count, all)
    }
    const left = count - 1
    runnable[cores] = left
    usedSeconds[processor] = (usedSeconds[processor] as number) + (burstSeconds[first] as number)
    busy[processor] = (busy[processor] as number) - 1
    if (left === 0) {
      virtual[cores] = 0
      cell[0] = never
      return first
    }
    const attained = burstEndsAt[first] as number
    virtual[cores] = attained
    leave(at, left)
    const rest = (burstEndsAt[running[at] as number] as number) - attained
    cell[0] = now + (left <= all ? rest : (rest * left) / all)
    return first
  }

  /** As `LoopProcessor.fire`: the first in line has had its CPU, and stood in this slot; `cell[0]` is when the next one has. */
  const endFirst = (processor: number): number => {
    const mask = ringMask[processor] as number
    const at = ringAt[processor] as number
    const head = ringHead[processor] as number
    const slot = at + (head & mask)
    const following = (head + 1) & Fixed.largest
    const left = (ringSize[processor] as number) - 1
    usedSeconds[processor] = (usedSeconds[processor] as number) + (ringSeconds[slot] as number)
    ringHead[processor] = following
    ringSize[processor] = left
    if (left > 0) {
      const now = clock[0] as number
      startedAt[processor] = now
      cell[0] = now + (ringSeconds[at + (following & mask)] as number)
    } else {
      serving[processor] = 0
      cell[0] = never
    }
    return slot
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
    const processor = processorOf[endpointIds[task] as number] as number
    if (processor < 0) return false
    const begun = runOn(processor, task, epochs[task] as number, work)
    if (begun >= 0) {
      burstOf[task] = begun
      return true
    }
    return begun === Fixed.atOnce ? false : (processors[processor] as Processor).run(task, work)
  }

  /** The simple step with this meter begins. */
  const beginLeaf = (task: number, meter: number): void => {
    leaves[task] = meter
    leafStartedAt[task >> 5] = clock[0] as number
  }

  /** It has succeeded. */
  const endLeaf = (task: number, meter: StepMeter): void => {
    const { size, latency } = meter
    latency[size] = (clock[0] as number) - (leafStartedAt[task >> 5] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
    leaves[task] = Fixed.none
  }

  /** The newest frame comes off: the step with this meter has succeeded. */
  const leaveMetered = (task: number, meter: StepMeter): void => {
    const { size, latency } = meter
    latency[size] = (clock[0] as number) - (frameStartedAt[pop(task)] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
  }

  /** The `count` of the newest frame. */
  const setCount = (task: number, count: number): void => {
    frameCount[innermost[task] as number] = count
  }

  /** Does it hit? */
  const lookUp = (task: number, { coin, hitRatio, outermost, lookups }: ForcedLookup): boolean => {
    const hit = answers[task] === Fixed.ok && coin.uniform() < hitRatio
    if (outermost && outcomes[task] === 0) outcomes[task] = hit ? 1 : 2
    if (hit) lookups.hits += 1
    else lookups.misses += 1
    return hit
  }

  /** A connection of the pool of the task's process, if one is free. */
  const acquire = (task: number, index: number): boolean => {
    const pool = (endpoints[endpointIds[task] as number] as Endpoint).pools[index] as ConnectionPool | undefined
    if (pool === undefined || pool.inUse >= pool.size) return false
    pool.inUse += 1
    const { inUseGauge } = pool
    inUseGauge.area -= clock[0] as number
    const inUse = inUseGauge.value + 1
    inUseGauge.value = inUse
    if (inUse > inUseGauge.max) inUseGauge.max = inUse
    grantedOf[task] = pool.id
    return true
  }

  /** Is the connection open by now? */
  const connect = (task: number, index: number): boolean => {
    const pool = (endpoints[endpointIds[task] as number] as Endpoint).pools[index] as ConnectionPool | undefined
    return pool === undefined || pool.connect()
  }

  /** What is known of a good answer becomes what is known of the task. False: it was none. */
  const passOn = (task: number): boolean => {
    if (answers[task] !== Fixed.ok) return false
    const flags = flagsOf[task] as number
    if ((flags & Fixed.answerDegradedBit) !== 0) flagsOf[task] = flags | Fixed.degradedBit
    outcomes[task] = answerOutcomes[task] as number
    return true
  }

  /** Whom the task calls; undefined: nobody is there. */
  const whom = (task: number, site: CallSite): Endpoint | undefined => {
    if (site.only !== undefined) return site.only
    const { shards } = site
    if (shards !== undefined) {
      const { by } = shards
      const key = by < 0 ? 0 : (keys[((requestOf[task] as number) >> 3) * dataSets + by] as number)
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
    const connection = grantedOf[task] as number
    if (connection !== Fixed.none) grantedOf[task] = Fixed.none
    edgeCount[edge] = (edgeCount[edge] as number) + 1
    edgeOf[task] = edge
    endpoint.visits += 1
    const request = requestOf[task] as number
    // As `Tasks.take`.
    const callee = freedTasks[0] as number
    freedTasks[0] = pcs[callee] as number
    endpointIds[callee] = endpoint.id
    goals[callee] = goal
    requestOf[callee] = request
    parents[callee] = task
    parentEpochs[callee] = epochs[task] as number
    connections[callee] = connection
    callees[task] = callee
    answers[task] = Fixed.ok
    const number = (births[0] as number) + 1
    births[0] = number
    born[callee >> 5] = number
    if (request !== Fixed.none) references[request] = (references[request] as number) + 1
    endpoint.calls += 1
    const { total, station } = endpoint
    total.area -= clock[0] as number
    const inHand = total.value + 1
    total.value = inHand
    if (inHand > total.max) total.max = inHand
    kernel.current = callee
    return station.programs[goal] ?? station.compile(goal)
  }

  /** As `kernel.end` of a task that has succeeded. */
  const end = (task: number): number => {
    const own = endpoints[endpointIds[task] as number] as Endpoint
    const flags = flagsOf[task] as number
    if (
      (flags & Fixed.specialBits) !== 0 ||
      own.noticedBy !== undefined ||
      own.drained !== undefined ||
      kernel.pausedEndpoints > 0
    )
      return kernel.end(task, Fixed.ok)
    own.calls -= 1
    const { total } = own
    total.area += clock[0] as number
    total.value -= 1
    const connection = connections[task] as number
    if (connection !== Fixed.none) (rooms[connection] as Room).release(task)
    const parent = parents[task] as number
    const parentEpoch = parentEpochs[task] as number
    const request = requestOf[task] as number
    if (parent === Fixed.none) {
      ;(enders[parentEpoch] as (task: number, code: number) => void)(task, Fixed.ok)
      if (request !== Fixed.none) requests.release(request)
      tasks.give(task)
      return Fixed.blocked
    }
    const goesOn = epochs[parent] === parentEpoch
    if (goesOn) {
      answers[parent] = Fixed.ok
      answerOutcomes[parent] = outcomes[task] as number
      const parentFlags = flagsOf[parent] as number
      flagsOf[parent] =
        (flags & Fixed.degradedBit) !== 0
          ? parentFlags | Fixed.answerDegradedBit
          : parentFlags & ~Fixed.answerDegradedBit
      epochs[parent] = (parentEpoch + 1) | 0
      callees[parent] = Fixed.none
    }
    if (request !== Fixed.none) {
      const held = references[request] as number
      if (held > 1) references[request] = held - 1
      else requests.release(request)
    }
    // As `Tasks.give`.
    epochs[task] = ((epochs[task] as number) + 1) | 0
    endpointIds[task] = Fixed.none
    flagsOf[task] = 0
    outcomes[task] = 0
    connections[task] = Fixed.none
    pcs[task] = freedTasks[0] as number
    freedTasks[0] = task
    if (!goesOn) return Fixed.blocked
    kernel.current = parent
    return pcs[parent] as number
  }

  // What light requests do in the place of tasks (`lights.ts`): `request` is one, in the row `request >> 3`.

  /** As `call`, by the visit before the one at `at`. False: it is not as usual, and nothing has been done. */
  const visit = (request: number, at: number, endpoint: Endpoint, edge: number): boolean => {
    if (endpoint.state !== 'up' || endpoint.calls >= endpoint.maxInFlight || endpoint.paused || edgeSlow[edge] !== 0)
      return false
    edgeCount[edge] = (edgeCount[edge] as number) + 1
    endpoint.visits += 1
    lightEndpoint[at] = endpoint.id
    const number = (births[0] as number) + 1
    births[0] = number
    lightBorn[at] = number
    references[request] = (references[request] as number) + 1
    endpoint.calls += 1
    const { total } = endpoint
    total.area -= clock[0] as number
    const inHand = total.value + 1
    total.value = inHand
    if (inHand > total.max) total.max = inHand
    return true
  }

  /** As `end` of the visit at `at`, but for what its request and its caller hear of it. */
  const leaveVisit = (at: number): boolean => {
    const own = endpoints[lightEndpoint[at] as number] as Endpoint
    if (own.noticedBy !== undefined || own.drained !== undefined || kernel.pausedEndpoints > 0) return false
    own.calls -= 1
    const { total } = own
    total.area += clock[0] as number
    total.value -= 1
    return true
  }

  /** As `burst`, of the visit at `at`: the burst that the row waits for, `atOnce`, or `unusual`. A burst must be free. */
  const lightBurst = (request: number, at: number, work: Work): number => {
    const processor = processorOf[lightEndpoint[at] as number] as number
    if (processor < 0) return Fixed.atOnce
    const row = request >> 3
    const begun = runOn(processor, -2 - request, lightGeneration[row] as number, work)
    if (begun >= 0) lightBursts[row] = begun
    return begun
  }

  /** A step that began at this time has succeeded. */
  const stepEnds = (meter: StepMeter, time: number): void => {
    const { size, latency } = meter
    latency[size] = (clock[0] as number) - (lightTimes[time] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
  }

  /** The shard whose key the request is about, if it is known. */
  const shardFor = (request: number, site: CallSite): Endpoint | undefined => {
    const { shards } = site
    if (shards === undefined) return undefined
    const { by } = shards
    const key = by < 0 ? 0 : (keys[(request >> 3) * dataSets + by] as number)
    return key < 0 ? undefined : shards.primaries[shardOf(key, shards.count)]
  }

  return {
    visit,
    leaveVisit,
    lightBurst,
    stepEnds,
    shardFor,
    cell,
    push,
    pop,
    sink,
    endBurst,
    endFirst,
    ringTask,
    ringEpoch,
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
      shared: Fixed.sharedKind,
      loop: Fixed.loopKind,
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
