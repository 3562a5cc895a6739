/**
 * The clients: open arrivals or users who think, each request with its timeout and retries, as the load generator makes them.
 * With the same seed the same requests of the same classes for the same keys come at the same times as on a stack.
 */
import { generatorLateness, turnCpu, visitTurns } from '../../catalog/demand.js'
import {
  type ArrivalTimes,
  arrivalCells,
  classMix,
  loadSeconds,
  recordedChoices,
  type SteadyArrivals,
  userChanges,
} from '../../experiment/load.js'
import type { Load } from '../../experiment/types.js'
import { keyTable } from '../../lib/popularity.js'
import type { RequestClass } from '../../topology/types.js'
import { originChooser, wayFromOrigin } from '../origins.js'
import { places } from '../places.js'
import { ok, refused, timeout } from './codes.js'
import type { Endpoint } from './endpoint.js'
import { never, type Source } from './event-queue.js'
import { flowGoal } from './flow/compile.js'
import { emitRetry } from './flow/modifiers.js'
import { Program } from './flow/program.js'
import { emitAftermath, emitBurst, emitPause, emitUnawaited } from './flow/work-steps.js'
import { type FrameCode, propagate } from './frames.js'
import { blocked } from './kernel.js'
import type { Lane } from './lane.js'
import { LightWay } from './light-way.js'
import { opCodes, sourceKinds } from './loop.js'
import type { RequestLog } from './request-log.js'
import { Spikes } from './spikes.js'
import type { System } from './system.js'
import { answerDegradedBit, degradedBit, none } from './tasks.js'
import { Users } from './users.js'
import { Work } from './work.js'

// Columns of requests, as own constants, which V8 folds; a test compares them with their originals.
// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  clsAt = 0,
  clientAt = 1,
  rootAt = 3,
  idempotentAt = 4,
  intendedAt = 0,
  sentAt = 1,
}

/** What this file repeats of others. */
export const repeated = {
  cls: Fixed.clsAt,
  client: Fixed.clientAt,
  root: Fixed.rootAt,
  idempotent: Fixed.idempotentAt,
  intendedAt: Fixed.intendedAt,
  sentAt: Fixed.sentAt,
}

/** The request may have taken effect although no answer came. */
const unknownTexts: ReadonlySet<string> = new Set(['timeout', 'reset', '502', '504'])

/** Methods that may be sent twice (RFC 9110, 9.2.2); nginx sends no other to a second upstream. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])

/**
 * A class whose client only sends and waits, without retries and without CPU of its own: its call needs no task of the client's
 * around it.
 */
interface Plain {
  readonly entries: readonly Endpoint[]
  readonly goal: number
  readonly edge: number
  /** Its timeout. */
  readonly limit: Lane | undefined
  turn: number
}

/** Of classes, until one is not kept back. */
const mostDraws = 1000

/** Asks again and again whether the work is done that a request led to. */
interface Poll {
  /** The class of its requests. */
  readonly cls: number
  /** From an answer to the next. */
  readonly lane: Lane
}

interface Class {
  /** Of a class whose work goes on behind its answer. */
  readonly poll: Poll | undefined
  readonly derived: boolean
  /** Where the client's program for it begins. */
  readonly program: number
  readonly plain: Plain | undefined
  /** How its requests go without tasks. */
  readonly light: LightWay | undefined
  /** 1: it may be sent twice. */
  readonly idempotent: 0 | 1
  /** Keys that the route names: by data set, how to draw one. */
  readonly keys: readonly { readonly data: number; readonly draw: () => number }[]
}

const noArrivals: ArrivalTimes = {
  next: (due) => {
    due[0] = never
  },
}

export class Clients implements Source {
  /** When the next arrival is due: a cell, so that no number is boxed on its way. */
  readonly due = new Float64Array(1)
  private readonly source: number
  private readonly classes: readonly Class[]
  private readonly arrivalTimes: ArrivalTimes
  private readonly chooseClass: () => number
  private readonly endsAt: number
  private readonly users: Users | undefined
  private readonly ender: number
  private readonly plainEnder: number
  private readonly deaf: number
  /** By code: 1 where the request may have taken effect. */
  private readonly unknownCodes: Uint8Array
  /** By poll under way: the request that it asks about. */
  private readonly asksAbout = new Map<number, number>()
  private count = 0
  /** Without those that spikes add. */
  private arrivals = 0
  private readonly spikes: Spikes
  private readonly ids: readonly string[]
  private nextUsers: Users | undefined = undefined
  /** Undefined: each request is of a client of its own. */
  private readonly drawClient: (() => number) | undefined
  /** Whose the requests are that spikes add to a closed load. */
  private readonly further = new Map<number, Users>()
  private ended = false

  constructor(
    private readonly system: System,
    private readonly endpoint: Endpoint,
    private readonly log: RequestLog,
    private readonly load: Load,
    /** In the log's order. */
    requestClasses: readonly RequestClass[],
  ) {
    const { kernel } = system
    this.unknownCodes = new Uint8Array(256)
    for (const text of unknownTexts) this.unknownCodes[kernel.codes.of(text)] = 1
    const mix = classMix(system.topology, load)
    const indices = mix.ids.map((id) => requestClasses.findIndex((request) => request.id === id))
    const ofClass = system.stream('load/class')
    const recorded = recordedChoices(load, mix)
    this.chooseClass =
      recorded !== undefined
        ? () => indices[recorded[this.arrivals] ?? 0] ?? 0
        : indices.length === 1
          ? () => indices[0] ?? 0
          : () => indices[mix.choose(ofClass.uniform())] ?? 0
    system.state.classes(requestClasses)
    const { clients } = system.topology
    if (clients !== undefined) {
      const table = keyTable(clients.popularity, clients.count)
      const stream = system.stream('load/client')
      this.drawClient = () => table.draw(stream.uniform())
    }
    this.ender = kernel.addEnder((task, code) => this.over(task, code))
    this.plainEnder = kernel.addEnder((task, code) => this.plainOver(task, code))
    this.deaf = kernel.addEnder(() => undefined)
    this.classes = requestClasses.map((request) => this.compileClass(request, requestClasses))
    this.endsAt = loadSeconds(load)
    this.source = kernel.queue.add(this, sourceKinds.arrivals)
    this.arrivalTimes = load.mode === 'open' ? arrivalCells(load, system.stream('load/arrivals')) : noArrivals
    const think = load.mode === 'open' ? undefined : this.thinkTime()
    if (load.mode === 'open') this.scheduleNext()
    else this.users = this.startUsers(think)
    this.spikes = new Spikes({
      queue: kernel.queue,
      load,
      random: system.stream('load/spikes'),
      think,
      hasEnded: () => this.ended,
      send: (cls, users) => this.sendMore(cls, users),
      shareOf: (cls) => mix.shares[indices.indexOf(cls)] ?? 0,
      users: this.users,
    })
    this.ids = requestClasses.map(({ id }) => id)
  }

  /** The rate of a class (or of all) is multiplied from now on; returns what ends that. */
  spike(request: string | undefined, factor: number): () => void {
    return this.spikes.begin(request === undefined ? -1 : this.ids.indexOf(request), factor)
  }

  /** Requests so far. */
  get issued(): number {
    return this.count
  }

  /** No more requests from now on. */
  stop(): void {
    this.ended = true
    this.system.kernel.queue.schedule(this.source, never)
  }

  /** When the next request arrives: for who plans arrivals in the place of this. */
  get nextAt(): number {
    return this.system.kernel.queue.scheduledAt(this.source)
  }

  set nextAt(seconds: number) {
    this.system.kernel.queue.schedule(this.source, seconds)
  }

  /** An arrival is due. The loop does this by itself. */
  fire(): void {
    this.send()
    this.scheduleNext()
  }

  /** `due[0]` is then when the next arrival is due. */
  plan(): void {
    const { due } = this
    this.arrivalTimes.next(due)
    if (this.ended || !((due[0] as number) < this.endsAt)) due[0] = never
  }

  /** A light request has succeeded. */
  private lightOver(request: number, outcome: number): void {
    this.log.success(request, outcome, false)
    const { poll, derived } = this.classes[this.system.kernel.requests.cls[request] as number] as Class
    if (derived) this.asked(request, ok)
    else {
      this.answered(request, poll)
      this.finished(request)
    }
  }

  /** A request is over. */
  private over(task: number, code: number): void {
    const { tasks, requests } = this.system.kernel
    const request = tasks.request[task] as number
    if (code === ok)
      this.log.success(request, tasks.outcome[task] as number, ((tasks.flags[task] as number) & degradedBit) !== 0)
    else this.log.failure(request, code, requests.unknown[request] === 1 || this.unknownCodes[code] === 1)
    const { poll, derived } = this.classes[requests.cls[request] as number] as Class
    if (derived) this.asked(request, code)
    else {
      if (code === ok) this.answered(request, poll)
      this.finished(request)
    }
  }

  /** The client has its answer; the work behind it may go on. */
  private answered(request: number, poll: Poll | undefined): void {
    const { kernel, messaging } = this.system
    messaging?.account.answered(request)
    if (poll === undefined) return
    kernel.requests.retain(request)
    poll.lane.add(request)
  }

  /** A poll is due. */
  private ask(request: number, cls: number): void {
    const { kernel } = this.system
    if (this.ended) {
      kernel.requests.release(request)
      return
    }
    const task = this.begin(cls, request)
    if (task !== none) kernel.goOnSoon(task)
  }

  /** A poll is over. It asks again until it hears that the work is done (or has failed), also where it heard nothing. */
  private asked(poll: number, code: number): void {
    const { kernel, messaging } = this.system
    const request = this.asksAbout.get(poll)
    if (request === undefined) return
    this.asksAbout.delete(poll)
    const again = code !== ok || messaging?.account.isSettled(request) === false
    if (again) this.classes[kernel.requests.cls[request] as number]?.poll?.lane.add(request)
    else kernel.requests.release(request)
  }

  private plainOver(task: number, code: number): void {
    const { kernel } = this.system
    const { tasks, requests, edges } = kernel
    const request = tasks.request[task] as number
    requests.epoch[request] = ((requests.epoch[request] as number) + 1) | 0
    if (code !== ok) {
      const { edge } = (this.classes[requests.cls[request] as number] as Class).plain as Plain
      edges.errors[edge] = (edges.errors[edge] as number) + 1
    }
    this.over(task, code)
  }

  /** The client of a plain request waits no longer. */
  private plainTimeout(request: number): void {
    const { kernel } = this.system
    const { tasks, requests } = kernel
    requests.epoch[request] = ((requests.epoch[request] as number) + 1) | 0
    this.log.failure(request, timeout, true)
    const task = requests.root[request] as number
    tasks.parentEpoch[task] = this.deaf
    kernel.endpointOf(task).station.abandoned(task)
    if (this.classes[requests.cls[request] as number]?.derived === true) this.asked(request, timeout)
    else this.finished(request)
  }

  private scheduleNext(): void {
    this.plan()
    this.system.kernel.queue.schedule(this.source, this.due[0] as number)
  }

  /** The class to ask for while spikes keep some back; −1: none. A user who is kept from one asks for another. */
  private thinned(first: number): number {
    let cls = first
    for (let draws = 0; draws < mostDraws; draws++) {
      if (!this.spikes.keepsBack(cls)) return cls
      if (this.users === undefined) return -1
      cls = this.chooseClass()
    }
    return cls
  }

  /** A request that a spike adds. */
  private sendMore(cls: number, users: Users | undefined): void {
    if (this.ended) return
    const { kernel } = this.system
    if (users === undefined) {
      const task = this.begin(cls < 0 ? this.chooseClass() : cls)
      if (task !== none) kernel.goOnSoon(task)
      return
    }
    // Before it begins, which may be over at once.
    this.nextUsers = users
    const task = this.begin(cls)
    if (task !== none) kernel.goOnSoon(task)
  }

  /** A user hears of the end of his request. */
  private finished(request: number): void {
    const users = this.further.size === 0 ? undefined : this.further.get(request)
    if (users === undefined) this.users?.finished()
    else {
      this.further.delete(request)
      users.finished()
    }
  }

  private send(): void {
    const task = this.issue()
    if (task !== none) this.system.kernel.goOnSoon(task)
  }

  /** The class of the request that begins. */
  choose(): number {
    return this.chooseClass()
  }

  /** So many have begun elsewhere (on the express way). */
  issuedMore(count: number): void {
    this.count = (this.count + count) | 0
  }

  /** Arrivals at one rate, if they are that. */
  get steady(): SteadyArrivals | undefined {
    return this.arrivalTimes.steady
  }

  /** A request begins. Returns its task, if that is to go on at once. */
  issue(): number {
    if (this.ended) return none
    let cls = this.chooseClass()
    this.arrivals += 1
    if (this.spikes.thins) {
      cls = this.thinned(cls)
      if (cls < 0) return none
    }
    return this.begin(cls)
  }

  /** `about`: it is a poll, and asks about this request. */
  private begin(cls: number, about: number = none): number {
    const { kernel, messaging } = this.system
    const { requests, queue } = kernel
    const { program, plain, light, idempotent, keys } = this.classes[cls] as Class
    const request = requests.take()
    const { memory, seconds } = requests
    memory[request + Fixed.clsAt] = cls
    memory[request + Fixed.clientAt] =
      about !== none
        ? (requests.client[about] as number)
        : this.drawClient === undefined
          ? this.count
          : this.drawClient()
    memory[request + Fixed.idempotentAt] = idempotent
    seconds[request + Fixed.intendedAt] = queue.now
    seconds[request + Fixed.sentAt] = queue.now
    this.count = (this.count + 1) | 0
    messaging?.account.begin(request)
    if (about !== none) this.asksAbout.set(request, about)
    for (let i = 0; i < keys.length; i++) {
      const { data, draw } = keys[i] as Class['keys'][number]
      requests.keys[requests.keyPlace(request, data)] = draw()
    }
    if (this.nextUsers !== undefined) {
      this.further.set(request, this.nextUsers)
      this.nextUsers = undefined
    }
    if (plain !== undefined) {
      const entry = plain.entries[plain.turn]
      const free = entry?.state === 'up' && entry.calls < entry.maxInFlight && kernel.edges.slow[plain.edge] === 0
      if (entry !== undefined && free) {
        plain.turn = plain.turn + 1 < plain.entries.length ? plain.turn + 1 : 0
        this.log.offeredAndSent(cls)
        const task = kernel.arrive(entry, plain.goal, request, this.plainEnder, plain.edge)
        requests.memory[request + Fixed.rootAt] = task
        if (plain.limit !== undefined) plain.limit.add(request)
        if (kernel.pausedEndpoints === 0) return task
        kernel.goOnSoon(task)
        return none
      }
    }
    this.log.offered(cls)
    if (light === undefined || !light.begin(request)) kernel.start(this.endpoint, program, request, this.ender)
    return none
  }

  private thinkTime(): Work | undefined {
    const { load, system } = this
    const { traffic } = system.topology
    const think = load.thinkTime ?? (traffic?.mode === 'closed' ? traffic.thinkTime : undefined)
    return think && new Work(system.stream('load/think'), think)
  }

  private startUsers(think: Work | undefined): Users {
    const { load, system } = this
    return new Users(
      system.kernel.queue,
      userChanges(load),
      think,
      () => this.send(),
      () => this.ended,
    )
  }

  private compileClass(request: RequestClass, classes: readonly RequestClass[]): Class {
    const { system } = this
    const { data } = system.topology
    const keys = request.route.parameters.flatMap((parameter) => {
      const index = system.dataIndex(parameter)
      const set = data[parameter]
      if (index < 0 || set === undefined) return []
      const table = keyTable(set.popularity, set.keys)
      const stream = system.stream(`load/key/${parameter}`)
      return [{ data: index, draw: () => table.draw(stream.uniform()) }]
    })
    return {
      ...this.compileClient(request),
      poll: this.pollOf(request, classes),
      derived: request.derivedFrom !== undefined,
      idempotent: idempotentMethods.has(request.route.method) ? 1 : 0,
      keys,
    }
  }

  private pollOf(request: RequestClass, classes: readonly RequestClass[]): Poll | undefined {
    const cls = classes.findIndex(({ derivedFrom }) => derivedFrom === request.id)
    const everySeconds = classes[cls]?.everySeconds
    if (everySeconds === undefined) return undefined
    const { kernel } = this.system
    return { cls, lane: kernel.timers.lane(everySeconds, kernel.requests, (due) => this.ask(due, cls)) }
  }

  /** What one request means for its client: retry ⊃ timeout ⊃ the call. */
  private compileClient(request: RequestClass): Pick<Class, 'program' | 'plain' | 'light'> {
    const { system, log, unknownCodes } = this
    const { kernel } = system
    const { tasks, requests, queue } = kernel
    const outermost = request.enter[0] ?? request.serve
    const entries = system.member(outermost).active
    const serve = flowGoal(system, request.flow, request.bytes, request.id)
    const cost = system.work('generator/visit', 'generator', (rate) =>
      turnCpu(system.topology, 'generator', rate, request.id),
    )
    const reads = cost !== undefined && visitTurns(system.topology, 'generator', request.id) > 1
    const program = new Program(system, 'generator')
    const edge = kernel.edges.between('generator', outermost)
    const { timeoutSeconds, retry } = request.client
    const lane = timeoutSeconds === undefined ? undefined : kernel.timers.limit(timeoutSeconds)
    /** Without a frame there is nobody to see the error of an attempt but the end of the request. */
    const framed = lane !== undefined || retry !== undefined || reads
    const { topology, placement } = system
    const placeOf = places(topology, placement)
    const ways = topology.origins.map(({ region }) => wayFromOrigin(topology, placeOf, undefined, outermost, region))
    const originOf = originChooser(topology)
    let turn = 0
    const lateness =
      this.load.mode === 'open'
        ? system.work('generator/lateness', 'generator', (rate) => generatorLateness(system.topology, rate))
        : undefined
    const attempt = (): void => {
      // What the generator does until it sends is part of its lateness.
      if (lateness !== undefined) emitUnawaited(program, cost)
      else if (cost !== undefined) emitBurst(program, cost, undefined)
      if (framed) {
        const attempted: FrameCode = {
          failed: (task) => {
            if (unknownCodes[tasks.code[task] as number] === 1) requests.unknown[tasks.request[task] as number] = 1
            return propagate
          },
          dropped: () => undefined,
        }
        if (lane === undefined) program.enter(attempted)
        else program.enterFor(attempted, lane)
      }
      if (ways.some((seconds) => seconds > 0)) {
        const near = program.here + 1
        program.emit((task) => {
          const seconds = ways[originOf(requests.client[tasks.request[task] as number] as number)] ?? 0
          if (seconds <= 0) return near
          tasks.pc[task] = near
          kernel.timers.seconds[0] = seconds
          kernel.timers.sleep(task)
          return blocked
        })
      }
      const byRequest = (request: number): Endpoint | undefined => {
        // There may be fewer by now.
        const entry = entries[turn < entries.length ? turn : 0]
        turn = turn + 1 < entries.length ? turn + 1 : 0
        if (entry === undefined) return undefined
        requests.sentAt[request] = queue.now
        log.attempt(request)
        return entry
      }
      const send = (task: number): Endpoint | undefined => byRequest(tasks.request[task] as number)
      program.call(send, serve, edge, refused, { byRequest, some: entries[0] })
      const next = program.here + 1
      program.emit((task) => {
        const answer = tasks.answer[task] as number
        if (answer !== ok) return kernel.fail(task, answer)
        if (((tasks.flags[task] as number) & answerDegradedBit) !== 0)
          tasks.flags[task] = (tasks.flags[task] as number) | degradedBit
        tasks.outcome[task] = tasks.answerOutcome[task] as number
        return next
      }, opCodes.passedOn)
      if (reads) emitBurst(program, cost, undefined)
      if (framed) program.leave()
    }
    if (lateness !== undefined) emitPause(program, lateness, undefined)
    if (retry === undefined) attempt()
    else emitRetry(program, 'load/retry', retry, attempt)
    if (reads) emitAftermath(program, 'generator', request.id)
    program.end()
    const limit =
      timeoutSeconds === undefined
        ? undefined
        : kernel.timers.lane(timeoutSeconds, requests, (late) => this.plainTimeout(late))
    // A partition may cut off the answers to requests under way: then each has a caller who waits.
    const far = ways.some((seconds) => seconds > 0)
    const isPlain =
      retry === undefined && cost === undefined && lateness === undefined && !far && !system.faults.has('partition')
    return {
      program: program.start,
      plain: isPlain ? { entries, goal: serve, edge, limit, turn: 0 } : undefined,
      light: isPlain
        ? undefined
        : new LightWay(kernel, {
            endpoint: this.endpoint,
            program: program.start,
            ender: this.ender,
            over: (request, outcome) => this.lightOver(request, outcome),
          }),
    }
  }
}
