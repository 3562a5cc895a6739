/**
 * Hot: sends requests and follows each to its end, through the retries that its client makes. All times are seconds since
 * the start of the load.
 */
import type { RandomStream } from '../lib/random.js'
import { backoffSeconds, type RetryBudget, retryBudget } from '../policy/retry.js'
import type { Outcome, RequestRecorder } from '../result/recorder.js'
import { Exchange, type FailureCode, type HttpClient } from './http-client.js'
import type { Meter } from './meter.js'
import type { NextRequest } from './request-source.js'
import type { Timetable } from './timetable.js'
import type { ClassPlan } from './worker-plan.js'

/** Told when its request is over, at `at`. */
export interface Issuer {
  finished(at: number): void
}

export interface SenderParts {
  readonly classes: readonly ClassPlan[]
  /** By index of target. */
  readonly clients: readonly HttpClient[]
  readonly source: () => NextRequest
  readonly recorder: RequestRecorder
  readonly meter: Meter
  readonly timetable: Timetable
  readonly now: () => number
  /** Jitter of retries. */
  readonly random: RandomStream
}

/** Answers of a gateway that does not know what became of the request behind it. */
const unknownStatuses: ReadonlySet<number> = new Set([502, 504])

/** Client errors are the request's own fault and stay the same; all else may pass. */
const worthRetrying = (status: number): boolean => status >= 500 || status === 408 || status === 429

const statusCodes: string[] = []
const statusCode = (status: number): string => {
  statusCodes[status] ??= String(status)
  return statusCodes[status]
}

class LoadRequest extends Exchange {
  readonly #sender: Sender
  attempts = 0
  sentAt = 0
  /** Of the latest attempt. */
  code = ''
  unknown = false

  constructor(
    sender: Sender,
    readonly cls: number,
    readonly plan: ClassPlan,
    readonly intendedAt: number,
    readonly wire: string,
    readonly issuer: Issuer,
  ) {
    super()
    this.#sender = sender
  }

  get head(): boolean {
    return this.plan.method === 'HEAD'
  }

  get timeoutSeconds(): number | undefined {
    return this.plan.timeoutSeconds
  }

  sent(): void {
    this.#sender.sent(this)
  }

  responded(status: number, outcome: Outcome, degraded: boolean): void {
    if (status < 400) this.#sender.succeeded(this, outcome, degraded)
    else this.#sender.erred(this, statusCode(status), unknownStatuses.has(status), worthRetrying(status))
  }

  failed(code: FailureCode, unknown: boolean): void {
    this.#sender.erred(this, code, unknown, code !== 'unsent' && code !== 'unanswered')
  }
}

export class Sender {
  readonly #parts: SenderParts
  readonly #budgets: readonly RetryBudget[]
  /** Requests between two attempts. */
  readonly #backingOff = new Set<LoadRequest>()
  #onIdle: (() => void) | undefined
  #closed = false
  /** Requests issued so far. */
  offered = 0
  /** Requests issued and not over. */
  inFlight = 0

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#budgets = parts.classes.map(({ retry }) => retryBudget(retry?.budget))
  }

  /** Sends the next request, which was due at `intendedAt`. */
  issue(intendedAt: number, issuer: Issuer): void {
    const { source, classes, recorder } = this.#parts
    const { cls, wire } = source()
    const request = new LoadRequest(this, cls, classes[cls] as ClassPlan, intendedAt, wire, issuer)
    this.offered++
    this.inFlight++
    recorder.offered(cls, intendedAt)
    this.#budgets[cls]?.first()
    this.#send(request)
  }

  /** Resolves as soon as nothing is in flight. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.inFlight === 0) resolve()
      else this.#onIdle = resolve
    })
  }

  /** Gives up what is in flight, each with its code, and closes all connections. */
  async close(): Promise<void> {
    this.#closed = true
    for (const request of this.#backingOff) this.#over(request, request.code, request.unknown, this.#parts.now())
    this.#backingOff.clear()
    for (const client of this.#parts.clients)
      for (const exchange of client.takeWaiting()) exchange.failed('unsent', false)
    await Promise.all(this.#parts.clients.map((client) => client.close('unanswered')))
  }

  sent(request: LoadRequest): void {
    const at = this.#parts.now()
    if (request.attempts++ === 0) this.#parts.meter.sent(at - request.intendedAt)
    request.sentAt = at
    this.#parts.recorder.attempt(request.cls, request.intendedAt)
  }

  succeeded(request: LoadRequest, outcome: Outcome, degraded: boolean): void {
    const { recorder, now, timetable } = this.#parts
    const at = now()
    recorder.success(request.cls, request.intendedAt, request.sentAt, at, outcome, degraded)
    this.#settle(request, at)
    timetable.run(at)
  }

  erred(request: LoadRequest, code: string, unknown: boolean, mayPass: boolean): void {
    const { now, random, timetable } = this.#parts
    const at = now()
    const { retry } = request.plan
    request.code = code
    // Once it may have taken effect, a later attempt's refusal does not take that back.
    request.unknown ||= unknown
    const again =
      retry !== undefined &&
      mayPass &&
      !this.#closed &&
      request.attempts < retry.attempts &&
      this.#budgets[request.cls]?.take() === true
    if (!again) {
      this.#over(request, code, request.unknown, at)
      return
    }
    this.#backingOff.add(request)
    timetable.schedule(at + backoffSeconds(retry, request.attempts, random.uniform()), () => {
      if (this.#backingOff.delete(request)) this.#send(request)
    })
  }

  #send(request: LoadRequest): void {
    const client = this.#parts.clients[request.plan.target]
    if (client === undefined) throw new Error(`no client for target ${request.plan.target}`)
    client.send(request)
  }

  #over(request: LoadRequest, code: string, unknown: boolean, at: number): void {
    if (code === 'unsent') this.#parts.meter.unsent()
    this.#parts.recorder.failure(request.cls, request.intendedAt, request.sentAt, at, code, unknown)
    this.#settle(request, at)
  }

  #settle(request: LoadRequest, at: number): void {
    this.inFlight--
    request.issuer.finished(at)
    if (this.inFlight === 0) this.#onIdle?.()
  }
}
