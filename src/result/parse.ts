/** Reads a result document that may come from anywhere: what passes here makes no reader crash. */
import { z } from 'zod'
import { invalidInput, type Problem } from '../lib/errors.js'
import { LatencyHistogram } from './histogram.js'
import type { RunEvent } from './run-event.js'
import type { RunResult } from './run-result.js'

const number = z.number()
const count = z.number().min(0)
const maybe = number.nullable()
const counts = z.record(z.string(), count)
const halfWidth = counts.optional()

const histogram = z.string().refine(
  (text) => {
    try {
      LatencyHistogram.decode(text)
      return true
    } catch {
      return false
    }
  },
  { message: 'not an HdrHistogram V2 in base64 with 3 significant digits' },
)

const latency = z
  .looseObject({ mean: number, p50: number, p90: number, p95: number, p99: number, p999: number, max: number })
  .nullable()

const outcome = z.looseObject({ count, latency })

const classResult = z.looseObject({
  offered: count,
  completed: count,
  ok: count,
  degraded: count,
  unknown: count,
  attempts: count,
  errors: counts,
  outcomes: z.looseObject({ hit: outcome, miss: outcome }),
  ratePerSecond: count,
  latency,
  serviceLatency: latency,
  histogram,
  completion: latency.optional(),
  queueDelay: latency.optional(),
  completionHistogram: histogram.optional(),
  queueDelayHistogram: histogram.optional(),
  halfWidth,
})

const pool = z.looseObject({ inUse: number, waiting: number, timeouts: number.optional() })

const queue = z.looseObject({
  length: z.looseObject({ mean: number, max: number }),
  published: count,
  rejected: count,
  blocked: count,
  delivered: count,
  redelivered: count,
  acked: count,
  expired: count,
  dropped: count,
  nacked: count,
  exhausted: count,
  wiped: count,
  received: count,
  deadLettered: count,
  lost: count,
})

const lock = z.looseObject({
  acquired: count,
  waited: count,
  wait: z.looseObject({ mean: number, max: number }),
  held: z.looseObject({ mean: number }),
  gaveUp: count,
  expired: count,
  overlaps: count,
  fencedOff: count,
})

const counter = z.looseObject({
  reserved: count,
  released: count,
  soldOut: count,
  conflicts: count,
  oversold: count,
  waited: count,
  wait: z.looseObject({ mean: number, max: number }),
})

const componentResult = z.looseObject({
  replicas: count,
  utilization: z.looseObject({ cpu: number, memory: maybe }),
  cpuSeconds: count,
  memoryBytes: maybe,
  queue: z.looseObject({ mean: number, max: number }),
  pools: z.record(z.string(), pool.extend({ timeouts: number })),
  queues: z.record(z.string(), queue).optional(),
  locks: z.record(z.string(), lock).optional(),
  counters: z.record(z.string(), counter).optional(),
  hitRatio: maybe,
  throughputPerSecond: number,
  instances: z.array(z.looseObject({ id: z.string(), cpuSeconds: number, visits: number, restarts: number })),
  halfWidth,
})

const second = z.looseObject({
  type: z.literal('second'),
  at: number,
  seconds: z.number().gt(0).optional(),
  requests: z.record(
    z.string(),
    z.looseObject({
      offered: count,
      completed: count,
      ok: count,
      degraded: count,
      errors: counts,
      inFlight: number,
      histogram,
    }),
  ),
  components: z.record(
    z.string(),
    z.looseObject({
      cpu: number,
      memoryBytes: number.optional(),
      queue: number,
      ready: number,
      pools: z.record(z.string(), pool).optional(),
      queues: z
        .record(
          z.string(),
          z.looseObject({ length: number, published: count, rejected: count, acked: count, lost: count }),
        )
        .optional(),
      hitRatio: number.optional(),
    }),
  ),
  hosts: z.record(z.string(), z.looseObject({ cpu: number })),
  generator: z.looseObject({ lagMaxSeconds: number, unsent: number, cpu: number }),
})

const placement = z.looseObject({
  hosts: z.record(z.string(), z.looseObject({ cpu: number, memoryBytes: number.optional() })),
  instances: z.record(
    z.string(),
    z.looseObject({
      host: z.string(),
      pin: z.array(number).optional(),
      quota: number.optional(),
      eventLoops: number.optional(),
    }),
  ),
  origin: z.enum(['topology', 'experiment', 'runtime']),
})

const text = z.string()
const atInstance = { at: number, instance: text }
const knownEvents = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('started'),
    at: number,
    engine: text,
    topology: text,
    experiment: text,
    seed: number,
    durationSeconds: count,
    placement,
  }),
  z.looseObject({ type: z.literal('phase'), at: number, phase: text }),
  z.looseObject({ type: z.literal('fault'), at: number, fault: count, phase: text, kind: text, target: text }),
  z.looseObject({ type: z.literal('detected'), ...atInstance, by: text }),
  z.looseObject({ type: z.literal('recovered'), ...atInstance, by: text }),
  z.looseObject({ type: z.literal('instance'), ...atInstance, state: text }),
  z.looseObject({ type: z.literal('scaled'), at: number, component: text, from: number, to: number, reason: text }),
  z.looseObject({ type: z.literal('aborted'), at: number, reason: text }),
  z.looseObject({ type: z.literal('note'), at: number, message: text }),
  z.looseObject({ type: z.literal('ended'), at: number, status: text }),
])
const known: ReadonlySet<string> = new Set(knownEvents.options.map((option) => option.shape.type.value))
/** Types of events that a later version added are passed on. */
const event = z.union([knownEvents, z.looseObject({ type: text.refine((type) => !known.has(type)), at: number })])

const judgement = z.looseObject({
  name: text,
  verdict: z.enum(['pass', 'fail', 'invalid']),
  observed: maybe,
  bound: maybe,
  why: text.optional(),
})

const runResult = z.looseObject({
  engine: z.enum(['sim', 'stack']),
  status: z.enum(['completed', 'aborted', 'interrupted', 'failed']),
  seed: number,
  topology: z.looseObject({ name: text, digest: text }),
  calibration: z.looseObject({ digest: text, probeSeconds: number.optional() }).nullable(),
  placement,
  experiment: z.looseObject({ name: text, digest: text }),
  startedAt: text.nullable(),
  durationSeconds: count,
  warmupSeconds: count,
  versions: z.record(text, text),
  requests: z.looseObject({ all: classResult }).catchall(classResult),
  components: z.record(text, componentResult),
  hosts: z.record(
    text,
    z.looseObject({ utilization: z.looseObject({ cpu: number }), toolCpu: number.optional(), halfWidth }),
  ),
  edges: z.record(text, z.looseObject({ count, errors: count })),
  steps: z.record(
    text,
    z.looseObject({
      count,
      errors: count,
      cpuSeconds: number,
      drawn: z.looseObject({ cpuSeconds: number, waitSeconds: number }).optional(),
      latency,
      histogram,
      halfWidth,
    }),
  ),
  series: z.array(second),
  seriesSeconds: z.number().gt(0).optional(),
  events: z.array(event),
  faults: z.array(
    z.looseObject({
      kind: text,
      target: text,
      injectedAt: maybe,
      undoneAt: maybe,
      inFlightAtInjection: count,
      detectedAt: maybe,
      firstSuccessAt: maybe,
      sloRegainedAt: maybe,
      backlogDrainedAt: maybe,
      failedRequests: count,
      detectionSeconds: maybe,
      recoverySeconds: maybe,
      outageSeconds: maybe,
      halfWidth,
    }),
  ),
  generator: z.looseObject({
    lag: z.looseObject({ mean: number.optional(), p50: number, p99: number, max: number }),
    unsent: count,
    cpu: number,
    cpuSeconds: number,
    busy: number,
  }),
  invariants: z.array(judgement),
  steadyState: z.array(judgement),
  slo: z.array(judgement),
  replications: count.optional(),
  probe: z.looseObject({ beforeSeconds: number, afterSeconds: number }).optional(),
  statistics: z
    .looseObject({
      method: z.enum(['batch-means', 'replications', 'none']),
      count,
      confidence: number,
      warmup: z.looseObject({ method: text, seconds: count, converged: z.boolean() }).nullable(),
      precision: z.looseObject({ wanted: count, reached: maybe }).optional(),
      why: text.optional(),
    })
    .optional(),
})

/** Throws a PlimsollError that names the file and what is wrong with it. */
export const parseRunResult = (json: string, file: string): RunResult => {
  const document = parseJson(json, file)
  const { apiVersion, kind } = (typeof document === 'object' && document !== null ? document : {}) as {
    apiVersion?: unknown
    kind?: unknown
  }
  if (kind !== 'RunResult')
    throw invalidInput({
      message: `${file}: expected kind "RunResult", got ${JSON.stringify(kind) ?? 'none'}`,
      ...(kind === 'Comparison'
        ? { hint: 'a comparison holds two results: give the run folders that it was made of' }
        : { hint: 'a result is the result.json of a run folder, or what `plimsoll simulate --json` prints' }),
    })
  if (apiVersion !== 'plimsoll/v1')
    throw invalidInput({
      message: `${file}: expected apiVersion "plimsoll/v1", got ${JSON.stringify(apiVersion) ?? 'none'}`,
      hint: 'it was written by another version of plimsoll: run the experiment again',
    })
  const parsed = runResult.safeParse(document)
  if (!parsed.success)
    throw invalidInput(
      ...parsed.error.issues.slice(0, 12).map(
        (issue): Problem => ({
          message: `${file}: ${issue.path.map(String).join('.') || 'the document'}: ${issue.message}`,
        }),
      ),
    )
  return document as RunResult
}

const parseJson = (json: string, file: string): unknown => {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw invalidInput({
      message: `${file}: not JSON`,
      ...(error instanceof Error ? { why: error.message } : {}),
      hint: 'a result is the result.json of a run folder, or what `plimsoll simulate --json` prints',
    })
  }
}

/** A line of `events.jsonl`. Throws a PlimsollError that names it. */
export const parseRunEvent = (text: string, file: string, line: number): RunEvent => {
  const fail = (message: string, column: number, why?: string): never => {
    throw invalidInput({
      message,
      position: { file, line, column },
      ...(why === undefined ? {} : { why }),
      hint: 'every line is one JSON document, as a run wrote it; leave the line out, or run the experiment again',
    })
  }
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    // Node tells where: "… in JSON at position 17".
    fail('not JSON', 1 + Number(/at position (\d+)/.exec(why)?.[1] ?? 0), why)
  }
  const isSecond = typeof document === 'object' && document !== null && 'type' in document && document.type === 'second'
  const parsed = (isSecond ? second : event).safeParse(document)
  if (!parsed.success) {
    const issue = deepest(parsed.error.issues)
    fail(`not an event of a run: ${issue.path.map(String).join('.') || 'the line'}: ${issue.message}`, 1)
  }
  return document as RunEvent
}

type Issue = z.core.$ZodIssue

/** Of a union, what is wrong with the alternative that comes nearest. */
const deepest = (issues: readonly Issue[]): Issue => {
  const [first] = issues
  if (first === undefined) throw new TypeError('no issue')
  return first.code === 'invalid_union' && first.errors[0] !== undefined ? deepest(first.errors[0]) : first
}
