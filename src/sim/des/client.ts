/**
 * The clients: open arrivals or users who think, each request with its timeout and retries, as the load generator makes them.
 * With the same seed the same requests of the same classes for the same keys come at the same times as on a stack.
 */
import { visitCpu } from '../../catalog/demand.js'
import { arrivalTimes, classMix, loadSeconds, recordedChoices, userChanges } from '../../experiment/load.js'
import type { Load } from '../../experiment/types.js'
import { keyTable } from '../../lib/popularity.js'
import type { RequestClass } from '../../topology/types.js'
import { ok, refused, timeout } from './codes.js'
import type { Endpoint } from './endpoint.js'
import { never, type Source } from './event-queue.js'
import { flowGoal } from './flow/compile.js'
import { emitRetry } from './flow/modifiers.js'
import { Program } from './flow/program.js'
import { emitBurst } from './flow/work-steps.js'
import { propagate } from './frames.js'
import type { Lane } from './lane.js'
import { sourceKinds } from './loop.js'
import type { RequestLog } from './request-log.js'
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

interface Class {
  /** Where the client's program for it begins. */
  readonly program: number
  readonly plain: Plain | undefined
  readonly idempotent: boolean
  /** Keys that the route names: by data set, how to draw one. */
  readonly keys: readonly { readonly data: number; readonly draw: () => number }[]
}

export class Clients implements Source {
  private readonly source: number
  private readonly classes: readonly Class[]
  private readonly nextArrival: () => number
  private readonly chooseClass: () => number
  private readonly endsAt: number
  private readonly users: Users | undefined
  private readonly ender: number
  private readonly plainEnder: number
  private readonly deaf: number
  /** By code: 1 where the request may have taken effect. */
  private readonly unknownCodes: Uint8Array
  private count = 0
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
        ? () => indices[recorded[this.count] ?? 0] ?? 0
        : indices.length === 1
          ? () => indices[0] ?? 0
          : () => indices[mix.choose(ofClass.uniform())] ?? 0
    system.state.classes(requestClasses)
    this.ender = kernel.addEnder((task, code) => this.over(task, code))
    this.plainEnder = kernel.addEnder((task, code) => this.plainOver(task, code))
    this.deaf = kernel.addEnder(() => undefined)
    this.classes = requestClasses.map((request) => this.compileClass(request))
    this.endsAt = loadSeconds(load)
    this.source = kernel.queue.add(this, sourceKinds.arrivals)
    this.nextArrival = load.mode === 'open' ? arrivalTimes(load, system.stream('load/arrivals')) : () => never
    if (load.mode === 'open') this.scheduleNext()
    else this.users = this.startUsers()
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

  /** An arrival is due. The loop does this by itself. */
  fire(): void {
    this.send()
    this.scheduleNext()
  }

  /** When the next arrival is due. */
  nextAt(): number {
    const at = this.ended ? never : this.nextArrival()
    return at < this.endsAt ? at : never
  }

  /** A request is over. */
  private over(task: number, code: number): void {
    const { tasks, requests } = this.system.kernel
    const request = tasks.request[task] as number
    if (code === ok)
      this.log.success(request, tasks.outcome[task] as number, ((tasks.flags[task] as number) & degradedBit) !== 0)
    else this.log.failure(request, code, requests.unknown[request] === 1 || this.unknownCodes[code] === 1)
    this.users?.finished()
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
    this.users?.finished()
  }

  private scheduleNext(): void {
    this.system.kernel.queue.schedule(this.source, this.nextAt())
  }

  private send(): void {
    const task = this.issue()
    if (task !== none) this.system.kernel.goOnSoon(task)
  }

  /** A request begins. Returns its task, if that is to go on at once. */
  issue(): number {
    if (this.ended) return none
    const { kernel } = this.system
    const { requests, queue } = kernel
    const cls = this.chooseClass()
    const { program, plain, idempotent, keys } = this.classes[cls] as Class
    const request = requests.take()
    requests.cls[request] = cls
    requests.intendedAt[request] = queue.now
    requests.sentAt[request] = queue.now
    requests.idempotent[request] = idempotent ? 1 : 0
    requests.client[request] = this.count
    this.count = (this.count + 1) | 0
    for (let i = 0; i < keys.length; i++) {
      const { data, draw } = keys[i] as Class['keys'][number]
      requests.keys[request * requests.dataSets + data] = draw()
    }
    this.log.offered(request)
    if (plain !== undefined) {
      const entry = plain.entries[plain.turn]
      if (entry !== undefined && entry.state === 'up' && entry.calls < entry.maxInFlight) {
        plain.turn = plain.turn + 1 < plain.entries.length ? plain.turn + 1 : 0
        this.log.attempt(request)
        const task = kernel.arrive(entry, plain.goal, request, this.plainEnder, plain.edge)
        requests.root[request] = task
        plain.limit?.add(request)
        if (kernel.pausedEndpoints === 0) return task
        kernel.goOnSoon(task)
        return none
      }
    }
    kernel.start(this.endpoint, program, request, this.ender)
    return none
  }

  private startUsers(): Users {
    const { load, system } = this
    const { traffic } = system.topology
    const think = load.thinkTime ?? (traffic?.mode === 'closed' ? traffic.thinkTime : undefined)
    return new Users(
      system.kernel.queue,
      userChanges(load),
      think === undefined ? undefined : new Work(system.stream('load/think'), think),
      () => this.send(),
      () => this.ended,
    )
  }

  private compileClass(request: RequestClass): Class {
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
    return { ...this.compileClient(request), idempotent: idempotentMethods.has(request.route.method), keys }
  }

  /** What one request means for its client: retry ⊃ timeout ⊃ the call. */
  private compileClient(request: RequestClass): Pick<Class, 'program' | 'plain'> {
    const { system, log, unknownCodes } = this
    const { kernel } = system
    const { tasks, requests, queue } = kernel
    const outermost = request.enter[0] ?? request.serve
    const entries = system.member(outermost).active
    const serve = flowGoal(system, request.flow)
    const cost = system.work('generator/visit', 'generator', (rate) => visitCpu(system.topology, 'generator', rate).cpu)
    const program = new Program(system, 'generator')
    const edge = kernel.edges.between('generator', outermost)
    const { timeoutSeconds, retry } = request.client
    const lane = timeoutSeconds === undefined ? undefined : kernel.timers.limit(timeoutSeconds)
    /** Without a frame there is nobody to see the error of an attempt but the end of the request. */
    const framed = lane !== undefined || retry !== undefined
    let turn = 0
    const attempt = (): void => {
      if (cost !== undefined) emitBurst(program, cost, undefined)
      if (framed)
        program.enter(
          {
            failed: (task) => {
              if (unknownCodes[tasks.code[task] as number] === 1) requests.unknown[tasks.request[task] as number] = 1
              return propagate
            },
            dropped: () => undefined,
          },
          lane === undefined ? undefined : (_, frame) => lane.add(frame),
        )
      const judge = program.here + 1
      const next = program.here + 2
      program.emit((task) => {
        // There may be fewer by now.
        const entry = entries[turn < entries.length ? turn : 0]
        turn = turn + 1 < entries.length ? turn + 1 : 0
        if (entry === undefined) return kernel.fail(task, refused)
        const attempted = tasks.request[task] as number
        requests.sentAt[attempted] = queue.now
        log.attempt(attempted)
        tasks.pc[task] = judge
        return kernel.call(task, entry, serve, edge)
      })
      program.emit((task) => {
        const answer = tasks.answer[task] as number
        if (answer !== ok) return kernel.fail(task, answer)
        if (((tasks.flags[task] as number) & answerDegradedBit) !== 0)
          tasks.flags[task] = (tasks.flags[task] as number) | degradedBit
        tasks.outcome[task] = tasks.answerOutcome[task] as number
        return framed ? next : kernel.end(task, ok)
      })
      if (framed) program.leave()
    }
    if (retry === undefined) attempt()
    else emitRetry(program, 'load/retry', retry, attempt)
    program.end()
    const limit =
      timeoutSeconds === undefined
        ? undefined
        : kernel.timers.lane(timeoutSeconds, requests, (late) => this.plainTimeout(late))
    const isPlain = retry === undefined && cost === undefined
    return {
      program: program.start,
      plain: isPlain ? { entries, goal: serve, edge, limit, turn: 0 } : undefined,
    }
  }
}
