/**
 * The clients: open arrivals or users who think, each request with its timeout and retries, as the load generator makes them.
 * With the same seed the same requests of the same classes for the same keys come at the same times as on a stack.
 */
import { visitCpu } from '../../catalog/demand.js'
import { arrivalTimes, classMix, loadSeconds, userChanges } from '../../experiment/load.js'
import type { Load } from '../../experiment/types.js'
import { cumulative, search } from '../../lib/popularity.js'
import type { RequestRecorder } from '../../result/recorder.js'
import type { RequestClass } from '../../topology/types.js'
import type { Endpoint } from './endpoint.js'
import { never, type Source } from './event-queue.js'
import { flowGoal } from './flow/compile.js'
import { emitRetry } from './flow/modifiers.js'
import { letThrough, Program } from './flow/program.js'
import { emitBurst } from './flow/work-steps.js'
import type { System } from './system.js'
import type { Goal, Op, Task } from './task.js'
import { Users } from './users.js'

/** The request may have taken effect although no answer came. */
const unknownCodes: ReadonlySet<string> = new Set(['timeout', 'reset', '502', '504'])

/** Methods that may be sent twice (RFC 9110, 9.2.2); nginx sends no other to a second upstream. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])

interface Class {
  readonly goal: Goal
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
  private count = 0
  private ended = false

  constructor(
    private readonly system: System,
    private readonly endpoint: Endpoint,
    private readonly recorder: RequestRecorder,
    private readonly load: Load,
    /** In the recorder's order. */
    requestClasses: readonly RequestClass[],
  ) {
    const mix = classMix(system.topology, load)
    const indices = mix.ids.map((id) => requestClasses.findIndex((request) => request.id === id))
    const ofClass = system.stream('load/class')
    this.chooseClass = indices.length === 1 ? () => indices[0] ?? 0 : () => indices[mix.choose(ofClass.uniform())] ?? 0
    this.classes = requestClasses.map((request) => this.compileClass(request))
    this.endsAt = loadSeconds(load)
    this.source = system.kernel.queue.add(this)
    this.nextArrival = load.mode === 'open' ? arrivalTimes(load, system.stream('load/arrivals')) : () => never
    if (load.mode === 'open') this.scheduleNext()
    else this.users = this.startUsers()
  }

  /** No more requests from now on. */
  stop(): void {
    this.ended = true
    this.system.kernel.queue.schedule(this.source, never)
  }

  /** An arrival is due. */
  fire(): void {
    this.issue()
    this.scheduleNext()
  }

  /** A request is over. */
  over(task: Task, code: string): void {
    const { now } = this.system.kernel
    const { cls, intendedAt, sentAt, unknown } = task.request
    if (code === '') this.recorder.success(cls, intendedAt, sentAt, now, task.outcome, task.degraded)
    else this.recorder.failure(cls, intendedAt, sentAt, now, code, unknown || unknownCodes.has(code))
    this.users?.finished()
  }

  private scheduleNext(): void {
    const at = this.nextArrival()
    this.system.kernel.queue.schedule(this.source, at < this.endsAt ? at : never)
  }

  private issue(): void {
    if (this.ended) return
    const { kernel } = this.system
    const cls = this.chooseClass()
    const { goal, idempotent, keys } = this.classes[cls] as Class
    const request = kernel.requests.take()
    request.cls = cls
    request.intendedAt = kernel.now
    request.sentAt = kernel.now
    request.unknown = false
    request.idempotent = idempotent
    request.client = this.count
    this.count = (this.count + 1) | 0
    for (const { data, draw } of keys) request.keys[data] = draw()
    this.recorder.offered(cls, kernel.now)
    kernel.start(this.endpoint, goal, request)
  }

  private startUsers(): Users {
    const { load, system } = this
    const { traffic } = system.topology
    const think = load.thinkTime ?? (traffic?.mode === 'closed' ? traffic.thinkTime : undefined)
    const stream = system.stream('load/think')
    return new Users(
      system.kernel.queue,
      userChanges(load),
      think === undefined ? () => 0 : () => stream.sample(think),
      () => this.issue(),
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
      const cdf = cumulative(set.popularity, set.keys)
      const stream = system.stream(`load/key/${parameter}`)
      return [{ data: index, draw: () => search(cdf, stream.uniform()) }]
    })
    const ops = compileClient(system, request, this.recorder)
    return { goal: { program: () => ops }, idempotent: idempotentMethods.has(request.route.method), keys }
  }
}

/** What one request means for its client: retry ⊃ timeout ⊃ the call. */
const compileClient = (system: System, request: RequestClass, recorder: RequestRecorder): readonly Op[] => {
  const program = new Program(system, 'generator')
  const { kernel } = program
  const outermost = request.enter[0] ?? request.serve
  const entries = system.member(outermost).endpoints
  const serve = flowGoal(system, request.flow)
  const cost = system.work('generator/visit', 'generator', (rate) => visitCpu(system.topology, 'generator', rate).cpu)
  const { timeoutSeconds, retry } = request.client
  let turn = 0
  const attempt = (): void => {
    if (cost !== undefined) emitBurst(program, cost, undefined)
    program.enter(
      {
        expiresAs: 'timeout',
        failed: (task) => {
          if (unknownCodes.has(task.code)) task.request.unknown = true
          return letThrough(task)
        },
        dropped: () => undefined,
      },
      timeoutSeconds === undefined ? undefined : (task, frame) => kernel.timers.limit(task, frame, timeoutSeconds),
    )
    const judge = program.here + 1
    const next = program.here + 2
    program.emit((task) => {
      const entry = entries[turn]
      turn = turn + 1 < entries.length ? turn + 1 : 0
      if (entry === undefined) return kernel.fail(task, 'refused')
      task.request.sentAt = kernel.now
      recorder.attempt(task.request.cls, task.request.intendedAt)
      task.pc = judge
      return kernel.call(task, entry, serve)
    })
    program.emit((task) => {
      if (task.answer !== '') return kernel.fail(task, task.answer)
      task.degraded = task.answerDegraded
      task.outcome = task.answerOutcome
      return next
    })
    program.leave()
  }
  if (retry === undefined) attempt()
  else emitRetry(program, 'load/retry', retry, attempt)
  program.emit((task) => kernel.end(task, ''))
  return program.ops
}
