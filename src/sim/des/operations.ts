/**
 * What the core and its segments do for a task (hot path): frames, calls and ends, CPU, pools, lookups, meters. Each does what
 * the closure of its operation does where nothing is unusual, and hands on to the kernel where something is.
 *
 * `makeOperations` refers to nothing but its arguments: it is evaluated anew for a long simulation, as the core is (`anew`).
 */
import type { ConnectionPool } from './connection-pool.js'
import type { CpuOperations } from './cpu-operations.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel } from './kernel.js'
import type { CallSite, ForcedLookup } from './operands.js'
import type { Processor } from './processor.js'
import type { Room } from './room.js'
import type { StepMeter } from './step-meter.js'
import type { Work } from './work.js'

export type Operations = ReturnType<typeof makeOperations>

export const makeOperations = (kernel: Kernel, { runOn }: CpuOperations) => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    ok = 0,
    blocked = -1,
    degradedBit = 1,
    answerDegradedBit = 8,
    /** Flags of tasks whose end is a matter of its own: branches, holders of threads, those whose answer takes a way. */
    specialBits = 70,
    atOnce = -1,
  }
  const { queue, tasks, endpoints, edges, frames, requests, rooms, enders } = kernel
  const { dataSets, references, keys } = requests
  const { leafStartedAt, freed: freedTasks, born, births } = tasks
  // Columns of tasks, all of one length, so that one comparison is enough for a task.
  const { pc: pcs, epoch: epochs, endpoint: endpointIds, goal: goals, request: requestOf, flags: flagsOf } = tasks
  const { parent: parents, parentEpoch: parentEpochs, connection: connections, outcome: outcomes } = tasks
  const { frame: innermost, answer: answers, callee: callees, burst: burstOf, edge: edgeOf } = tasks
  const { granted: grantedOf, leaf: leaves, answerOutcome: answerOutcomes } = tasks
  const { freed: freedFrames } = frames
  const { clock } = queue
  const {
    task: frameTask,
    code: frameCode,
    below: frameBelow,
    startedAt: frameStartedAt,
    epoch: frameEpoch,
    count: frameCount,
  } = frames
  const { count: edgeCount, slow: edgeSlow } = edges
  const { processorOf } = kernel
  const { processors } = kernel.processors

  /** As `Frames.push`; one must be free. */
  const push = (self: number, code: number): number => {
    // V8 takes what comes as an argument for any number, until it is told that it is an integer.
    const task = self | 0
    const frame = freedFrames[0] as number
    freedFrames[0] = frameBelow[frame] as number
    frameTask[frame] = task
    frameCode[frame] = code | 0
    frameBelow[frame] = innermost[task] as number
    frameStartedAt[frame >> 1] = clock[0] as number
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
    leafStartedAt[task >> 1] = clock[0] as number
  }

  /** It has succeeded. */
  const endLeaf = (task: number, meter: StepMeter): void => {
    const { size, latency } = meter
    latency[size] = (clock[0] as number) - (leafStartedAt[task >> 1] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
    leaves[task] = Fixed.none
  }

  /** The newest frame comes off: the step with this meter has succeeded. */
  const leaveMetered = (task: number, meter: StepMeter): void => {
    const { size, latency } = meter
    latency[size] = (clock[0] as number) - (frameStartedAt[pop(task) >> 1] as number)
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

  /** The shard of the key that the request is about; undefined: the site has none, or the key is not known yet. */
  const shardFor = (request: number, { shards }: CallSite): Endpoint | undefined => {
    if (shards === undefined) return undefined
    const { by } = shards
    const key = by < 0 ? 0 : (keys[(request >> 3) * dataSets + by] as number)
    return key < 0 ? undefined : shards.primaries[shardOf(key, shards.count)]
  }

  /** Whom the task calls; undefined: nobody is there. */
  const whom = (task: number, site: CallSite): Endpoint | undefined => {
    if (site.only !== undefined) return site.only
    return shardFor(requestOf[task] as number, site) ?? site.choose(task)
  }

  /** As `kernel.call`; a task must be free. */
  const call = (caller: number, endpoint: Endpoint, what: number, way: number): number => {
    const task = caller | 0
    const goal = what | 0
    const edge = way | 0
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
    born[callee >> 1] = number
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

  return {
    shardFor,
    push,
    pop,
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
      none: Fixed.none,
      ok: Fixed.ok,
      blocked: Fixed.blocked,
      degradedBit: Fixed.degradedBit,
      answerDegradedBit: Fixed.answerDegradedBit,
      specialBits: Fixed.specialBits,
    },
  }
}
