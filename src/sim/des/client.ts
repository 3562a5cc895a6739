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
import { meanSeconds } from '../../lib/distribution.js'
import { keyTable } from '../../lib/popularity.js'
import type { RequestClass } from '../../topology/types.js'
import { originChooser, wayFromOrigin } from '../origins.js'
import { places } from '../places.js'
import { type ClientOperations, makeClientOperations } from './client-operations.js'
import { ok, refused, timeout } from './codes.js'
import { anew } from './core.js'
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
export interface Poll {
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

/** What the operations of clients work on. */
export interface ClientState {
  readonly classes: readonly Class[]
  /** The class of a request that begins. */
  readonly chooseClass: () => number
  /** Undefined: each request is of a client of its own. */
  readonly drawClient: (() => number) | undefined
  readonly spikes: Spikes
  /** Of a closed load. */
  readonly users: Users | undefined
  /** Whose the requests are that spikes add to a closed load. */
  readonly further: Map<number, Users>
  /** By poll under way: the request that it asks about. */
  readonly asksAbout: Map<number, number>
  readonly endpoint: Endpoint
  readonly ender: number
  readonly plainEnder: number
  /** Requests so far. */
  count: number
  /** Without those that spikes add. */
  arrivals: number
  /** Whose the next request is. */
  nextUsers: Users | undefined
  ended: boolean
}

export class Clients implements Source {
  /** When the next arrival is due: a cell, so that no number is boxed on its way. */
  readonly due = new Float64Array(1)
  private readonly source: number
  private readonly state: ClientState
  private operations: ClientOperations
  private readonly arrivalTimes: ArrivalTimes
  private readonly endsAt: number
  private readonly deaf: number
  /** By code: 1 where the request may have taken effect. */
  private readonly unknownCodes: Uint8Array
  private readonly ids: readonly string[]

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
    const chooseClass =
      recorded !== undefined
        ? () => indices[recorded[this.state.arrivals] ?? 0] ?? 0
        : indices.length === 1
          ? () => indices[0] ?? 0
          : () => indices[mix.choose(ofClass.uniform())] ?? 0
    system.state.classes(requestClasses)
    const ender = kernel.addEnder((task, code) => this.over(task, code))
    const plainEnder = kernel.addEnder((task, code) => this.plainOver(task, code))
    this.deaf = kernel.addEnder(() => undefined)
    const classes = requestClasses.map((request) => this.compileClass(request, requestClasses, ender))
    this.endsAt = loadSeconds(load)
    this.source = kernel.queue.add(this, sourceKinds.arrivals)
    this.arrivalTimes = load.mode === 'open' ? arrivalCells(load, system.stream('load/arrivals')) : noArrivals
    const think = load.mode === 'open' ? undefined : this.thinkTime()
    const users = load.mode === 'open' ? undefined : this.startUsers(think)
    const spikes = new Spikes({
      queue: kernel.queue,
      load,
      random: system.stream('load/spikes'),
      think,
      hasEnded: () => this.state.ended,
      send: (cls, users) => this.sendMore(cls, users),
      shareOf: (cls) => mix.shares[indices.indexOf(cls)] ?? 0,
      users,
    })
    this.state = {
      classes,
      chooseClass,
      drawClient: this.clientDraw(),
      spikes,
      users,
      further: new Map(),
      asksAbout: new Map(),
      endpoint,
      ender,
      plainEnder,
      count: 0,
      arrivals: 0,
      nextUsers: undefined,
      ended: false,
    }
    const operate = (make: typeof makeClientOperations): ClientOperations =>
      make(this, this.state, kernel, log, system.messaging?.account)
    this.operations = operate(makeClientOperations)
    kernel.onOwnCore.push(() => {
      this.operations = operate(anew(makeClientOperations))
    })
    if (load.mode === 'open') this.scheduleNext()
    this.ids = requestClasses.map(({ id }) => id)
  }

  /** The rate of a class (or of all) is multiplied from now on; returns what ends that. */
  spike(request: string | undefined, factor: number): () => void {
    return this.state.spikes.begin(request === undefined ? -1 : this.ids.indexOf(request), factor)
  }

  /** Requests so far. */
  get issued(): number {
    return this.state.count
  }

  /** No more requests from now on. */
  stop(): void {
    this.state.ended = true
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
    if (this.state.ended || !((due[0] as number) < this.endsAt)) due[0] = never
  }

  /** A request is over. */
  private over(task: number, code: number): void {
    const { tasks, requests } = this.system.kernel
    const request = tasks.request[task] as number
    if (code === ok)
      this.log.success(request, tasks.outcome[task] as number, ((tasks.flags[task] as number) & degradedBit) !== 0)
    else this.log.failure(request, code, requests.unknown[request] === 1 || this.unknownCodes[code] === 1)
    const { poll, derived } = this.state.classes[requests.cls[request] as number] as Class
    if (derived) this.asked(request, code)
    else {
      if (code === ok) {
        // The client has its answer; the work behind it may go on.
        this.system.messaging?.account.answered(request)
        if (poll !== undefined) this.willAsk(request, poll)
      }
      this.finished(request)
    }
  }

  /** It is going to be asked whether the work is done that the request led to. */
  willAsk(request: number, poll: Poll): void {
    this.system.kernel.requests.retain(request)
    poll.lane.add(request)
  }

  /** A poll is due. */
  private ask(request: number, cls: number): void {
    const { kernel } = this.system
    if (this.state.ended) {
      kernel.requests.release(request)
      return
    }
    const task = this.operations.begin(cls, request)
    if (task !== none) kernel.goOnSoon(task)
  }

  /** A poll is over. It asks again until it hears that the work is done (or has failed), also where it heard nothing. */
  asked(poll: number, code: number): void {
    const { kernel, messaging } = this.system
    const { asksAbout, classes } = this.state
    const request = asksAbout.get(poll)
    if (request === undefined) return
    asksAbout.delete(poll)
    const again = code !== ok || messaging?.account.isSettled(request) === false
    if (again) classes[kernel.requests.cls[request] as number]?.poll?.lane.add(request)
    else kernel.requests.release(request)
  }

  private plainOver(task: number, code: number): void {
    const { kernel } = this.system
    const { tasks, requests, edges } = kernel
    const request = tasks.request[task] as number
    requests.epoch[request] = ((requests.epoch[request] as number) + 1) | 0
    if (code !== ok) {
      const { edge } = (this.state.classes[requests.cls[request] as number] as Class).plain as Plain
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
    if (this.state.classes[requests.cls[request] as number]?.derived === true) this.asked(request, timeout)
    else this.finished(request)
  }

  private scheduleNext(): void {
    this.plan()
    this.system.kernel.queue.schedule(this.source, this.due[0] as number)
  }

  /** The class to ask for while spikes keep some back; −1: none. A user who is kept from one asks for another. */
  thinned(first: number): number {
    const { spikes, users, chooseClass } = this.state
    let cls = first
    for (let draws = 0; draws < mostDraws; draws++) {
      if (!spikes.keepsBack(cls)) return cls
      if (users === undefined) return -1
      cls = chooseClass()
    }
    return cls
  }

  /** A request that a spike adds. */
  private sendMore(cls: number, users: Users | undefined): void {
    const { state, operations } = this
    if (state.ended) return
    const { kernel } = this.system
    if (users === undefined) {
      const task = operations.begin(cls < 0 ? state.chooseClass() : cls, none)
      if (task !== none) kernel.goOnSoon(task)
      return
    }
    // Before it begins, which may be over at once.
    state.nextUsers = users
    const task = operations.begin(cls, none)
    if (task !== none) kernel.goOnSoon(task)
  }

  /** A user hears of the end of his request. */
  finished(request: number): void {
    const { further, users } = this.state
    const added = further.size === 0 ? undefined : further.get(request)
    if (added === undefined) users?.finished()
    else {
      further.delete(request)
      added.finished()
    }
  }

  private send(): void {
    this.operations.send()
  }

  /** The class of the request that begins. */
  choose(): number {
    return this.state.chooseClass()
  }

  /** So many have begun elsewhere (on the express way). */
  issuedMore(count: number): void {
    this.state.count = (this.state.count + count) | 0
  }

  /** Arrivals at one rate, if they are that. */
  get steady(): SteadyArrivals | undefined {
    return this.arrivalTimes.steady
  }

  /** A request begins. Returns its task, if that is to go on at once. */
  issue(): number {
    return this.operations.issue()
  }

  /** Draws who sends a request, where clients are declared. */
  private clientDraw(): (() => number) | undefined {
    const { clients } = this.system.topology
    if (clients === undefined) return undefined
    const table = keyTable(clients.popularity, clients.count)
    const stream = this.system.stream('load/client')
    return () => table.draw(stream.uniform())
  }

  private thinkTime(): Work | undefined {
    const { load, system } = this
    const { traffic } = system.topology
    const think = load.thinkTime ?? (traffic?.mode === 'closed' ? traffic.thinkTime : undefined)
    // Users who do not think ask at once: nothing need be drawn.
    if (think === undefined || meanSeconds(think) === 0) return undefined
    return new Work(system.stream('load/think'), think)
  }

  private startUsers(think: Work | undefined): Users {
    const { load, system } = this
    return new Users(
      system.kernel.queue,
      userChanges(load),
      think,
      () => this.send(),
      () => this.state.ended,
    )
  }

  private compileClass(request: RequestClass, classes: readonly RequestClass[], ender: number): Class {
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
      ...this.compileClient(request, ender),
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
  private compileClient(request: RequestClass, ender: number): Pick<Class, 'program' | 'plain' | 'light'> {
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
            ender,
            over: () => this.operations.lightOver,
          }),
    }
  }
}
