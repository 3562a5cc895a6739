/**
 * What the load worker is told: plain data, for a topology holds functions and cannot cross to another thread. All checks
 * of the plan happen here, before anything starts.
 */
import type { LoadPlan } from '../contract/load.js'
import { classMix, loadSeconds, peakLevel, recordedChoices } from '../experiment/load.js'
import type { Load } from '../experiment/types.js'
import { type Distribution, meanSeconds } from '../lib/distribution.js'
import { invalidInput, notYet, type PlimsollError, targetFailed } from '../lib/errors.js'
import type { Popularity } from '../lib/popularity.js'
import { formatSeconds } from '../lib/units.js'
import type { RequestClass, Retry } from '../topology/types.js'
import { type Target, targetOf } from './targets.js'

export interface WorkerPlan {
  readonly load: Load
  readonly thinkTime: Distribution
  readonly seed: number
  readonly warmupSeconds: number
  readonly durationSeconds: number
  readonly maxConnections: number
  /** Connections to open beforehand at each entry. */
  readonly warmConnections: number
  readonly targets: readonly Target[]
  readonly classes: readonly ClassPlan[]
  /** Of a trace that tells the class of each arrival: indices into `classes`; else their shares decide. */
  readonly classOf: Uint16Array | undefined
  readonly data: Readonly<Record<string, { readonly keys: number; readonly popularity: Popularity }>>
}

export interface ClassPlan {
  readonly id: string
  /** Of requests started; they sum to 1. */
  readonly share: number
  /** Index into `targets`. */
  readonly target: number
  readonly method: string
  /** Text and data set by turns: `/routes/`, `route`, `` for `/routes/{route}`. */
  readonly path: readonly string[]
  /** Size of the body; 0: none. */
  readonly bodyBytes: number
  readonly timeoutSeconds: number | undefined
  readonly retry: Retry | undefined
}

/** More than one generator can send or hold, and so most likely a slip of the pen. */
export const limits = { ratePerSecond: 100_000, users: 10_000, seconds: 7 * 86_400 } as const

export const defaultMaxConnections = 4096

/** Throws PlimsollError for what cannot be sent, or must not be. */
export const workerPlan = (plan: LoadPlan): WorkerPlan => {
  const { topology, experiment, entries, seed } = plan
  const { load } = experiment
  const maxConnections = plan.maxConnections ?? defaultMaxConnections
  checkLevels(plan)
  const mix = classMix(topology, load)
  const targets: Target[] = []
  const classes = mix.ids.flatMap((id, i): ClassPlan[] => {
    const request = topology.requests[id]
    if (request === undefined) return []
    const entry = request.enter[0] ?? request.serve
    const url = entries[entry]
    if (url === undefined) throw noEntry(request, entry)
    let target = targets.findIndex((known) => known.component === entry)
    if (target === -1) target = targets.push(targetOf(entry, url, plan.allowTargets ?? [])) - 1
    return [
      {
        id: request.id,
        share: mix.shares[i] ?? 0,
        target,
        method: request.route.method,
        path: request.route.path.split(/[{}]/),
        bodyBytes: bodyMethods.has(request.route.method) ? request.bytes.in : 0,
        timeoutSeconds: request.client.timeoutSeconds,
        retry: request.client.retry,
      },
    ]
  })
  if (classes.length === 0) throw invalidInput({ message: `topology "${topology.name}" has no request class to send` })
  const traffic = topology.traffic
  const thinkTime = load.thinkTime ?? (traffic?.mode === 'closed' ? traffic.thinkTime : undefined)
  return {
    load,
    thinkTime: thinkTime ?? { shape: 'constant', seconds: 0 },
    seed,
    warmupSeconds: experiment.warmupSeconds,
    durationSeconds: loadSeconds(load),
    maxConnections,
    warmConnections: Math.min(maxConnections, warmConnections(load, thinkTime)),
    targets,
    classes,
    classOf: recordedChoices(load, mix),
    data: Object.fromEntries(
      Object.values(topology.data).map(({ id, keys, popularity }) => [id, { keys, popularity }] as const),
    ),
  }
}

const bodyMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/**
 * Open: what the highest rate keeps busy at 20 ms an answer (Little's law), within 4…128; more open when they are needed.
 * Closed: one for every user who does not think most of the time.
 */
const warmConnections = (load: Load, thinkTime: Distribution | undefined): number => {
  if (load.mode === 'open') return Math.ceil(Math.min(128, Math.max(4, peakLevel(load) * 0.02)))
  const thinks = thinkTime === undefined ? 0 : meanSeconds(thinkTime)
  return Math.ceil(
    Math.max(1, Math.min(peakLevel(load), 1024, thinks > 0 ? (peakLevel(load) / thinks) * 0.02 + 4 : 1024)),
  )
}

const checkLevels = ({ topology, experiment }: LoadPlan): void => {
  const { load } = experiment
  const position = experiment.source.locate(['load'])
  const highest = peakLevel(load)
  const limit = load.mode === 'open' ? limits.ratePerSecond : limits.users
  const unit = load.mode === 'open' ? ' requests/s' : ' users'
  if (!(highest <= limit))
    throw invalidInput({
      message: `a load of ${highest}${unit}: one generator carries at most ${limit}${unit}`,
      position,
      hint: 'lower the stages; "plimsoll simulate" takes any load',
    })
  const seconds = loadSeconds(load)
  if (seconds > limits.seconds)
    throw invalidInput({
      message: `a load of ${formatSeconds(seconds)}: on a stack at most ${formatSeconds(limits.seconds)} are run`,
      position,
      hint: '"plimsoll simulate" takes longer ones, in less time',
    })
  if (topology.clients !== undefined) throw notYet('traffic.clients on the stack')
  if (topology.origins.length > 0) throw notYet('traffic.origins on the stack')
  const derived = Object.values(topology.requests).find((request) => request.derivedFrom !== undefined)
  if (derived !== undefined) throw notYet(`requests that follow others (${derived.id}) on the stack`)
}

const noEntry = (request: RequestClass, entry: string): PlimsollError =>
  targetFailed(
    `requests "${request.id}" enter at "${entry}", which the running system does not offer`,
    undefined,
    'the system may have been started from another topology: plimsoll down, then try again',
  )
