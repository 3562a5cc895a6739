/**
 * The express way (hot path): open load on one service, behind at most one balancer, whose flow is CPU, time and queries over
 * pools, while nothing fails. A request is then one row and a place in a script, not a tree of tasks, and the loop below is all
 * that runs. It uses the same processors, gauges, meters, streams and events as the general way and does the same arithmetic
 * in the same order, so that the result is the same to the last bit (test/sim/des/express.test.ts); should anything happen that it
 * does not know, a timeout that strikes, `run` returns false and the simulation begins anew on the general way.
 */
import type { Clients } from '../client.js'
import { grownFloats, grownInts, IntRing, IntStack, initialRows } from '../columns.js'
import type { Cores } from '../cores.js'
import { Delays } from '../delays.js'
import type { Endpoint } from '../endpoint.js'
import type { Kernel } from '../kernel.js'
import type { LoopProcessor } from '../loop-processor.js'
import type { SharedProcessor } from '../processor.js'
import type { RequestLog } from '../request-log.js'
import type { Work } from '../work.js'
import type { ExpressBalancer, ExpressClass, Script } from './script.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
  fromLoop = 1,
  fromArrivals = 2,
  fromCores = 3,
  largest = 0x7fffffff,
  opDone = 0,
  opPick = 1,
  opCpu = 2,
  opLeafEnd = 3,
  opPause = 4,
  opBegin = 5,
  opAcquire = 6,
  opCall = 7,
  opAnswer = 8,
  opStepCpu = 9,
  opRelease = 10,
  firstStore = 2,
  stride = 4,
  clsAt = 0,
  pcAt = 1,
  serviceAt = 2,
  balancerAt = 3,
  beganAt = 0,
  leafAt = 1,
  stepAt = 2,
  waitsAt = 3,
}
const never = Number.POSITIVE_INFINITY

/** What this file repeats of others. */
export const repeated = {
  done: Fixed.opDone,
  pick: Fixed.opPick,
  cpu: Fixed.opCpu,
  leafEnd: Fixed.opLeafEnd,
  pause: Fixed.opPause,
  begin: Fixed.opBegin,
  acquire: Fixed.opAcquire,
  call: Fixed.opCall,
  answer: Fixed.opAnswer,
  stepCpu: Fixed.opStepCpu,
  release: Fixed.opRelease,
}

/** Rows: integers and times of a request, by where its row begins. */

class Group {
  readonly connections: Int32Array
  readonly turns: Float64Array
  latest = 0

  constructor(readonly balancer: ExpressBalancer) {
    this.connections = new Int32Array(balancer.peers.length)
    this.turns = new Float64Array(balancer.peers.length)
  }

  /** As `Balancer` with equal weights picks: the least loaded, of these the longest unused. */
  pick(): number {
    const { connections, turns } = this
    const { countsConnections } = this.balancer
    let best = 0
    for (let peer = 1; peer < turns.length; peer++) {
      const more = countsConnections ? (connections[peer] as number) - (connections[best] as number) : 0
      if (more < 0 || (more === 0 && (turns[peer] as number) < (turns[best] as number))) best = peer
    }
    connections[best] = (connections[best] as number) + 1
    this.latest += 1
    turns[best] = this.latest
    return best
  }
}

/** Connections of one process to one store. */
class Pool {
  inUse = 0
  readonly line = new IntRing()

  constructor(
    readonly size: number,
    readonly gauges: { readonly inUseGauge: Endpoint['total']; readonly waitingGauge: Endpoint['total'] },
  ) {}
}

export class Express {
  private ints = new Int32Array(initialRows * Fixed.stride)
  private times = new Float64Array(initialRows * Fixed.stride)
  private rows = 0
  private readonly free = new IntStack()
  private readonly ready = new IntStack()
  /** The script, as typed arrays. */
  private readonly op: Int32Array
  private readonly a: Int32Array
  private readonly b: Int32Array
  private readonly c: Int32Array
  private readonly delays: Delays
  private readonly groups: readonly Group[]
  private readonly services: readonly Endpoint[]
  /** By process of the service, then by pool. */
  private readonly pools: readonly (readonly Pool[])[]
  private readonly turns: number[]
  private readonly timeouts: Float64Array
  /** By class, since the log was told. */
  private readonly offered: Int32Array
  /** Nobody stops waiting. */
  private readonly owner = { epoch: new Int32Array(initialRows * Fixed.stride) }
  live = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly clients: Clients,
    private readonly log: RequestLog,
    private readonly script: Script,
    services: readonly Endpoint[],
  ) {
    this.services = services
    this.op = Int32Array.from(script.op)
    this.a = Int32Array.from(script.a)
    this.b = Int32Array.from(script.b)
    this.c = Int32Array.from(script.c)
    this.groups = script.balancers.map((balancer) => new Group(balancer))
    this.pools = services.map(({ pools }) => pools.map((pool) => new Pool(pool.size, pool)))
    this.turns = script.classes.map(() => 0)
    this.timeouts = Float64Array.from(script.classes, ({ timeoutSeconds }) => timeoutSeconds)
    this.offered = new Int32Array(script.classes.length)
    this.delays = new Delays(kernel.queue, this.owner, (row) => this.ready.push(row))
  }

  /** Runs everything that happens until `untilSeconds` (inclusive), or until nothing is in flight. False: not on this way. */
  run(untilSeconds: number, untilIdle = false): boolean {
    const { kernel, script, clients, log, groups, services, pools, free, ready, delays } = this
    const { queue, meters, bursts } = kernel
    const counts = kernel.edges.count
    const { offered, timeouts } = this
    const measured = queue.now >= log.warmupSeconds
    const { processors } = kernel.processors
    const { works, stores, classes, patience } = script
    const { op, a, b, c } = this
    // No source is added while this runs: these stay what they are.
    const { times, heap, places, kinds, sources } = queue
    const { turns } = this
    const { due } = clients
    const size = sources.length - 1
    let { ints, times: at } = this
    let now = queue.now
    for (;;) {
      let row: number = Fixed.none
      if (ready.size > 0) row = ready.pop()
      else {
        if (untilIdle && this.live === 0) {
          this.tellOffered(measured)
          return true
        }
        const source = heap[0] as number
        now = times[0] as number
        if (now > untilSeconds) break
        queue.now = now
        let next = never
        const kind = kinds[source] as number
        if (kind === Fixed.fromLoop) {
          const loop = sources[source] as LoopProcessor
          const { demandSeconds, head } = loop
          const mask = demandSeconds.length - 1
          const slot = head & mask
          const left = loop.size - 1
          const following = (head + 1) & Fixed.largest
          row = loop.task[slot] as number
          loop.doneSeconds += demandSeconds[slot] as number
          loop.head = following
          loop.size = left
          if (left > 0) {
            loop.startedAt = now
            next = now + (demandSeconds[following & mask] as number)
          } else loop.serving = false
        } else if (kind === Fixed.fromArrivals) {
          const cls = clients.choose()
          clients.plan()
          next = due[0] as number
          const { start, entries, edge } = classes[cls] as ExpressClass
          const turn = turns[cls] as number
          const entry = entries[turn] as Endpoint
          turns[cls] = turn + 1 < entries.length ? turn + 1 : 0
          if (free.size === 0) {
            this.make()
            ints = this.ints
            at = this.times
          }
          row = free.pop()
          this.live += 1
          ints[row + Fixed.clsAt] = cls
          ints[row + Fixed.pcAt] = start
          ints[row + Fixed.serviceAt] = turn
          ints[row + Fixed.balancerAt] = Fixed.none
          at[row + Fixed.beganAt] = now
          offered[cls] = (offered[cls] as number) + 1
          counts[edge] = (counts[edge] as number) + 1
          entry.visits += 1
          entry.calls += 1
          entry.total.area -= now
          entry.total.value += 1
          if (entry.total.value > entry.total.max) entry.total.max = entry.total.value
        } else if (kind === Fixed.fromCores) {
          const cores = sources[source] as Cores
          const first = cores.heap[0] as number
          const processor = processors[bursts.processor[first] as number] as SharedProcessor
          row = first << 2
          if (processor.loops > 0) {
            cores.finish(cores.take())
            next = Fixed.none
          } else {
            // As `Cores.fire`, without the calls.
            const seconds = now - cores.updatedAt
            const { runnable, cores: capacity } = cores
            if (seconds > 0) {
              cores.updatedAt = now
              cores.busyCoreSeconds += seconds * Math.min(runnable, capacity)
            }
            const left = runnable - 1
            cores.runnable = left
            processor.doneSeconds += bursts.demandSeconds[first] as number
            processor.busy -= 1
            if (left === 0) cores.virtual = 0
            else {
              const virtual = bursts.endsAt[first] as number
              cores.virtual = virtual
              cores.sink(cores.heap[left] as number, 0)
              const rest = (bursts.endsAt[cores.heap[0] as number] as number) - virtual
              next = now + (left <= capacity ? rest : (rest * left) / capacity)
            }
          }
        } else {
          sources[source]?.fire()
          continue
        }
        if (next !== Fixed.none) {
          // The source stands at the top still: nothing comes before what is due now.
          let place = 0
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
        }
      }
      let pc = ints[row + Fixed.pcAt] as number
      steps: for (;;) {
        const code = op[pc] as number
        switch (code) {
          case Fixed.opCpu:
          case Fixed.opStepCpu: {
            const place = c[pc] as number
            const endpoint = (
              place === 1
                ? services[ints[row + Fixed.serviceAt] as number]
                : place === 0
                  ? (classes[ints[row + Fixed.clsAt] as number] as ExpressClass).entries[0]
                  : stores[place - Fixed.firstStore]
            ) as Endpoint
            const work = works[a[pc] as number] as Work
            const meter = b[pc] as number
            const { processor } = endpoint
            if (processor === undefined || !processor.runRow(row, work)) {
              // No CPU is modelled there: the step takes no time.
              if (code === Fixed.opCpu && meter !== Fixed.none) {
                meters.atOnce(meter)
                pc += 2
              } else pc += 1
              continue
            }
            if (meter !== Fixed.none) {
              meters.addCpu(meter, work.part, 0)
              if (code === Fixed.opCpu) at[row + Fixed.leafAt] = now
            }
            ints[row + Fixed.pcAt] = pc + 1
            break steps
          }
          case Fixed.opLeafEnd: {
            meters.ok(a[pc] as number, at, row + Fixed.leafAt)
            pc += 1
            continue
          }
          case Fixed.opBegin: {
            at[row + Fixed.stepAt] = now
            pc += 1
            continue
          }
          case Fixed.opPick: {
            const group = groups[a[pc] as number] as Group
            const peer = group.pick()
            const edge = b[pc] as number
            const endpoint = services[peer] as Endpoint
            ints[row + Fixed.serviceAt] = peer
            ints[row + Fixed.balancerAt] = a[pc] as number
            counts[edge] = (counts[edge] as number) + 1
            endpoint.visits += 1
            endpoint.calls += 1
            endpoint.total.area -= now
            endpoint.total.value += 1
            if (endpoint.total.value > endpoint.total.max) endpoint.total.max = endpoint.total.value
            pc += 1
            continue
          }
          case Fixed.opAcquire: {
            const pool = (pools[ints[row + Fixed.serviceAt] as number] as readonly Pool[])[a[pc] as number] as Pool
            pc += 1
            if (pool.inUse < pool.size) {
              pool.inUse += 1
              pool.gauges.inUseGauge.add()
              continue
            }
            pool.gauges.waitingGauge.add()
            pool.line.push(row, a[pc - 1] as number)
            at[row + Fixed.waitsAt] = now
            ints[row + Fixed.pcAt] = pc
            break steps
          }
          case Fixed.opCall: {
            const store = stores[a[pc] as number] as Endpoint
            const edge = b[pc] as number
            counts[edge] = (counts[edge] as number) + 1
            store.visits += 1
            store.calls += 1
            store.total.area -= now
            store.total.value += 1
            if (store.total.value > store.total.max) store.total.max = store.total.value
            pc += 1
            continue
          }
          case Fixed.opRelease: {
            const pool = (pools[ints[row + Fixed.serviceAt] as number] as readonly Pool[])[a[pc] as number] as Pool
            // The store is left before the connection is given back.
            const store = stores[a[pc + 1] as number] as Endpoint
            store.calls -= 1
            store.total.area += now
            store.total.value -= 1
            if (pool.line.size > 0) {
              const waiter = pool.line.shift()
              pool.gauges.waitingGauge.subtract()
              if (now - (at[waiter + Fixed.waitsAt] as number) >= (patience[a[pc] as number] as number)) return false
              ready.push(waiter)
            } else {
              pool.inUse -= 1
              pool.gauges.inUseGauge.subtract()
            }
            meters.ok(b[pc + 1] as number, at, row + Fixed.stepAt)
            pc += 2
            continue
          }
          case Fixed.opAnswer: {
            const store = stores[a[pc] as number] as Endpoint
            store.calls -= 1
            store.total.area += now
            store.total.value -= 1
            meters.ok(b[pc] as number, at, row + Fixed.stepAt)
            pc += 1
            continue
          }
          case Fixed.opPause: {
            const meter = b[pc] as number
            if (meter !== Fixed.none) at[row + Fixed.leafAt] = now
            ints[row + Fixed.pcAt] = pc + 1
            ;(works[a[pc] as number] as Work).into(delays.seconds, 0)
            delays.add(row)
            break steps
          }
          default: {
            const cls = ints[row + Fixed.clsAt] as number
            const service = services[ints[row + Fixed.serviceAt] as number] as Endpoint
            service.calls -= 1
            service.total.area += now
            service.total.value -= 1
            const balancer = ints[row + Fixed.balancerAt] as number
            if (balancer !== Fixed.none) {
              const group = groups[balancer] as Group
              const peer = ints[row + Fixed.serviceAt] as number
              group.connections[peer] = (group.connections[peer] as number) - 1
              const { endpoint } = group.balancer
              endpoint.calls -= 1
              endpoint.total.area += now
              endpoint.total.value -= 1
            }
            const began = at[row + Fixed.beganAt] as number
            if (now - began >= (timeouts[cls] as number)) return false
            log.plainSuccess(cls, at, row + Fixed.beganAt)
            this.live -= 1
            at[row + Fixed.beganAt] = never
            free.push(row)
            break steps
          }
        }
      }
    }
    this.tellOffered(measured)
    return !this.isLate()
  }

  /** What was offered in one call of `run` was all measured, or none of it: the warm-up ends between two calls. */
  private tellOffered(measured: boolean): void {
    for (const [cls, count] of this.offered.entries()) this.log.offeredMany(cls, count, measured)
    this.offered.fill(0)
  }

  /** A request that is under way has been for longer than its client, or the pool that it waits for, would have let it. */
  private isLate(): boolean {
    const { now } = this.kernel.queue
    for (let row = 0; row < this.rows; row++) {
      const began = this.times[row * Fixed.stride + Fixed.beganAt] as number
      const { timeoutSeconds } = this.script.classes[
        this.ints[row * Fixed.stride + Fixed.clsAt] as number
      ] as ExpressClass
      if (now - began >= timeoutSeconds) return true
    }
    for (const pools of this.pools)
      for (const [index, { line }] of pools.entries())
        if (line.size > 0) {
          const waits = this.times[line.first() + Fixed.waitsAt] as number
          if (now - waits >= (this.script.patience[index] as number)) return true
        }
    return false
  }

  private make(): void {
    const { rows } = this
    if (rows * Fixed.stride === this.ints.length) {
      this.ints = grownInts(this.ints, rows * 2 * Fixed.stride)
      this.times = grownFloats(this.times, rows * 2 * Fixed.stride)
      this.owner.epoch = grownInts(this.owner.epoch, rows * 2 * Fixed.stride)
      this.kernel.bursts.reserve(rows * 2)
    }
    this.times[rows * Fixed.stride + Fixed.beganAt] = never
    this.free.push(rows * Fixed.stride)
    this.rows += 1
  }
}
