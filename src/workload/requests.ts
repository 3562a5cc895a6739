/** Requests without HTTP: admit, run the flow, count, and say what to answer. */
import { headers } from '../contract/workload.js'
import type { Step } from '../topology/flow.js'
import type { Cancellation } from './cancellation.js'
import { StepFailure } from './failure.js'
import { type Environment, outermost, type RequestState, type Runner } from './frame.js'
import { compileFlow } from './interpreter.js'
import { type KeyChooser, RequestKeys } from './keys.js'
import type { Log } from './log.js'
import type { ClassMeter } from './meter.js'
import { pause, timerMilliseconds } from './wait.js'

/** What a class of requests, or an operation, means to this process. */
export interface Served {
  readonly id: string
  readonly run: Runner
  readonly meter: ClassMeter
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface RequestOptions {
  readonly env: Environment
  readonly instance: string
  readonly component: string
  /** Requests in hand beyond which this process answers 503. */
  readonly maxInFlight: number | undefined
  readonly choose: KeyChooser
  readonly log: Log
}

export class Requests {
  readonly #options: RequestOptions
  readonly #visit: Runner | undefined
  #sequence = 0
  readonly #idPrefix: string

  constructor(options: RequestOptions) {
    this.#options = options
    this.#visit = visitDemand(options.env, options.component)
    this.#idPrefix = `${options.instance.replace('/', '-')}-${Math.floor(Date.now()).toString(36)}-${process.pid.toString(36)}-`
  }

  /** Compiles a flow; `bytes` is the size of its answer. */
  serve(id: string, flow: readonly Step[], bytes: number): Served {
    const { env } = this.#options
    return { id, run: compileFlow(flow, outermost, env), meter: env.meters.class(id), body: paddedBody(id, bytes) }
  }

  newId(): string {
    return this.#idPrefix + (this.#sequence++).toString(36)
  }

  newKeys(): RequestKeys {
    return new RequestKeys(this.#options.choose)
  }

  /** Undefined: admitted. Otherwise the refusal to send. */
  refusal(served: Served, id: string): Answer | undefined {
    const { env, maxInFlight, log } = this.#options
    const { meters } = env
    if (maxInFlight === undefined || meters.inFlight < maxInFlight) return undefined
    meters.shed++
    meters.answered(served.meter, 0, 503, undefined)
    const why = `${meters.inFlight} requests are in flight and maxInFlight is ${maxInFlight}`
    log.request('warn', { message: why, request: id, class: served.id, status: 503, code: 'overload' })
    const answer = this.#failure(id, 503, 'overload', undefined, why)
    return { ...answer, headers: { ...answer.headers, 'retry-after': '1' } }
  }

  /** Runs an admitted request. Never rejects. */
  async execute(served: Served, id: string, keys: RequestKeys, cancel: Cancellation): Promise<Answer> {
    const { env, log } = this.#options
    const { meters, clock } = env
    const request: RequestState = { id, keys, outcome: undefined, degraded: undefined }
    const frame = { request, cancel, held: undefined }
    const began = clock.now()
    meters.inFlight++
    let answer: Answer
    let error: unknown
    try {
      if (this.#visit !== undefined) await this.#visit(frame)
      await served.run(frame)
      answer = this.#success(served, request)
    } catch (thrown) {
      error = thrown
      answer = this.#failed(id, thrown)
    }
    meters.inFlight--
    meters.visits++
    const seconds = clock.now() - began
    meters.answered(served.meter, seconds, answer.status, answer.status < 400 ? request.degraded : undefined)
    const { outcome, degraded } = request
    const fields = { request: id, class: served.id, status: answer.status, seconds: round(seconds), outcome, degraded }
    if (error === undefined) log.request('info', fields)
    else if (error instanceof StepFailure) {
      const { code, step, message } = error
      log.request(code === 'cancelled' ? 'info' : 'error', { ...fields, code, step, message })
    } else log.event('error', 'bug', { ...fields, stack: error instanceof Error ? error.stack : String(error) })
    return answer
  }

  #success(served: Served, request: RequestState): Answer {
    const made: Record<string, string> = {
      [headers.requestId]: request.id,
      [headers.instance]: this.#options.instance,
      'content-type': 'application/json',
    }
    if (request.outcome !== undefined) made[headers.outcome] = request.outcome
    if (request.degraded !== undefined) made[headers.degraded] = request.degraded
    return { status: 200, headers: made, body: served.body }
  }

  #failed(id: string, error: unknown): Answer {
    if (error instanceof StepFailure) return this.#failure(id, error.status, error.code, error.step, error.message)
    return this.#failure(id, 500, 'bug', undefined, 'the workload service failed; its log tells how')
  }

  /** An answer that tells what went wrong, and in which step. */
  #failure(id: string, status: number, code: string, step: string | undefined, message: string): Answer {
    const body = Buffer.from(JSON.stringify({ error: { code, step: step ?? null, message, request: id } }))
    return {
      status,
      headers: {
        [headers.requestId]: id,
        [headers.instance]: this.#options.instance,
        'content-type': 'application/json',
      },
      body,
    }
  }

  notFound(id: string, message: string): Answer {
    this.#options.log.request('info', { request: id, status: 404, code: 'not-found', message })
    return this.#failure(id, 404, 'not-found', undefined, message)
  }
}

const round = (seconds: number): number => Math.round(seconds * 1e6) / 1e6

/** A JSON document of exactly `bytes` bytes, or the shortest that says what it must. */
export const paddedBody = (id: string, bytes: number): Buffer => {
  const shortest = Buffer.byteLength(JSON.stringify({ class: id, payload: '' }))
  return Buffer.from(JSON.stringify({ class: id, payload: 'x'.repeat(Math.max(0, bytes - shortest)) }))
}

/** The component's own `demand`, spent on every visit; undefined when none is declared. */
const visitDemand = (env: Environment, component: string): Runner | undefined => {
  const demand = env.topology.components[component]?.demand
  if (demand === undefined) return undefined
  const { cpu, wait } = demand
  const stream = env.stream('visit')
  return async (frame) => {
    if (cpu !== undefined) env.burner.burn(stream.sample(cpu))
    const milliseconds = wait === undefined ? 0 : timerMilliseconds(stream.sample(wait), stream.uniform())
    if (milliseconds > 0) await pause(env.clock, milliseconds, frame.cancel)
  }
}
