/**
 * CPU in the core (hot path): bursts begin and end on shared cores and event loops, and sources of events move in the heap. Each
 * function does what the method that it names does where nothing is unusual, on the columns of `cpu.ts` and of the queue.
 *
 * `makeCpuOperations` refers to nothing but its argument: it is evaluated anew for a long simulation, as the core is (`anew`).
 */
import type { Kernel } from './kernel.js'
import type { SharedProcessor } from './processor.js'
import type { Work } from './work.js'

export type CpuOperations = ReturnType<typeof makeCpuOperations>

export const makeCpuOperations = (kernel: Kernel) => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    waiting = 0,
    running = 1,
    sharedKind = 1,
    loopKind = 2,
    largest = 0x7fffffff,
    atOnce = -1,
    unusual = -2,
  }
  const never = Number.POSITIVE_INFINITY
  const { queue, bursts } = kernel
  const { times, heap, places, clock } = queue
  const { freed: freedBursts } = bursts
  const { demandSeconds: burstSeconds, endsAt: burstEndsAt, place: burstPlace, task: burstTask } = bursts
  const { epoch: burstEpoch, processor: burstProcessor, state: burstState } = bursts
  const { processors } = kernel.processors
  const { ofProcessors, ofCores } = bursts.cpu
  const { kind: processorKind, cores: coresOf, source: processorSource, loops, busy, waiting, paused } = ofProcessors
  const { doneSeconds: usedSeconds, ringAt, ringMask, head: ringHead, size: ringSize, serving } = ofProcessors
  const { startedAt, demandSeconds: ringSeconds, task: ringTask, epoch: ringEpoch } = ofProcessors
  const { source: coresSource, runnable, capacity, reduced, virtual, updatedAt } = ofCores
  const { busyCoreSeconds, heapAt, room, heap: running } = ofCores
  /** A time on its way into a function: as an argument it would be boxed. */
  const cell = new Float64Array(new ArrayBuffer(128), 0, 1)

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
  const runShared = (index: number, handle: number, epoch: number, work: Work): number => {
    // V8 takes what comes as an argument for any number, until it is told that it is an integer.
    const processor = index | 0
    const cores = coresOf[processor] as number
    const count = runnable[cores] as number
    if (reduced[cores] !== 0 || count >= (room[cores] as number)) return Fixed.unusual
    work.into(cell, 0)
    const demand = cell[0] as number
    if (!(demand > 0)) return Fixed.atOnce
    const burst = freedBursts[0] as number
    freedBursts[0] = burstPlace[burst] as number
    burstSeconds[burst] = demand
    burstTask[burst] = handle | 0
    burstEpoch[burst] = epoch | 0
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
  const runLoop = (index: number, handle: number, epoch: number, work: Work): number => {
    const processor = index | 0
    const entries = ringSize[processor] as number
    const mask = ringMask[processor] as number
    if (entries > mask || paused[processor] !== 0) return Fixed.unusual
    work.into(cell, 0)
    const demand = cell[0] as number
    if (!(demand > 0)) return Fixed.atOnce
    const number = ((ringHead[processor] as number) + entries) & Fixed.largest
    const slot = (ringAt[processor] as number) + (number & mask)
    ringSeconds[slot] = demand
    ringTask[slot] = handle | 0
    ringEpoch[slot] = epoch | 0
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

  return {
    cell,
    sink,
    runOn,
    endBurst,
    endFirst,
    ringTask,
    ringEpoch,
    /** What it repeats of other files: a test compares it with its originals. */
    repeated: {
      shared: Fixed.sharedKind,
      loop: Fixed.loopKind,
      none: Fixed.none,
      waiting: Fixed.waiting,
      running: Fixed.running,
    },
  }
}
