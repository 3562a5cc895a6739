/** Measured runs → what the model needs to know and the topology's author could not. Pure; the command reads and writes. */
import { invalidInput, type Problem } from '../lib/errors.js'
import type { RunResult } from '../result/run-result.js'
import { disturbances } from '../result/validity.js'
import type { Calibrated } from '../topology/calibration.js'
import { type StepFact, stepFacts } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import { type RunDemands, runDemands, waitingKinds, waitsHidden } from './demands.js'
import { kindFactors, mixFactor } from './kinds.js'
import { latenessPoints } from './lateness.js'
import { byLoad, estimate, pooled, sameLoad } from './law.js'
import { type Estimates, fitMoments, type Moments } from './moments.js'

export interface MeasuredRun {
  /** As the user named it, for messages and the origin. */
  readonly name: string
  readonly result: RunResult
}

export interface CalibrateOptions {
  /** By each simulation of the model; more make it more exact, and slower. */
  readonly simulatedRequests?: number
}

export interface CalibrationOutcome {
  readonly estimates: Estimates
  /** What makes the estimates less certain, one sentence each. */
  readonly warnings: readonly string[]
}

const short = (digest: string): string => digest.slice(0, 12)

/** Why a run cannot teach the model; undefined: it can. */
const objection = ({ name, result }: MeasuredRun, topology: Topology): Problem | undefined => {
  if (result.engine === 'sim')
    return {
      message: `${name}: it is a simulation`,
      why: 'the model would be calibrated on itself and agree with itself for ever',
      hint: 'run the experiment with --on stack (or both) and calibrate on that run',
    }
  if (result.topology.digest !== topology.digest)
    return {
      message: `${name}: it measured another topology: ${result.topology.name} (${short(result.topology.digest)}), not ${topology.name} (${short(topology.digest)})`,
      why: 'demands belong to the steps and components of one topology',
      hint: 'run the experiment again with the topology as it is now, or name the other with --topology',
    }
  if (result.status !== 'completed')
    return { message: `${name}: the run was ${result.status}`, hint: 'calibrate on a run that reached its end' }
  if ((result.requests.all?.completed ?? 0) === 0)
    return {
      message: `${name}: no request was answered in the measured part of the run`,
      why: `it measured ${Math.max(0, result.durationSeconds - result.warmupSeconds)} s, after ${result.warmupSeconds} s of warm-up`,
      hint: 'calibrate on a run with some hundred requests of every class',
    }
  const disturbance = disturbances(result).find(({ by, affects }) => by === 'generator' && affects.includes('rate'))
  if (disturbance !== undefined)
    return {
      message: `${name}: the run is invalid: ${disturbance.why}`,
      hint: 'lower the rate of the experiment, or give the load generator cores of its own',
    }
  return undefined
}

const warningsOf = ({ name, result }: MeasuredRun): string[] => [
  ...disturbances(result).map(({ why }) => `${name}: ${why}`),
  ...(result.faults.length === 0
    ? []
    : [`${name}: it had faults; the CPU of an instance that starts again counts as demand of its visits`]),
]

/** Waits that no run can tell stay as declared, and the user learns why. */
const waitWarnings = (runs: readonly MeasuredRun[], facts: readonly StepFact[]): string[] => {
  const hidden = runs.map(({ name, result }) => ({ name, why: waitsHidden(result) }))
  if (!facts.some(({ kind }) => waitingKinds.has(kind)) || hidden.some(({ why }) => why === undefined)) return []
  const reasons = hidden.map(({ name, why }) => `${name}: ${why}`).join('; ')
  return [`the waits of steps stay as declared, because no run tells them (${reasons})`]
}

const keysOf = (records: readonly Readonly<Record<string, unknown>>[]): string[] => [
  ...new Set(records.flatMap((record) => Object.keys(record))),
]

/** Queueing only adds to what a step waits, so the run with the least load that tells tells the wait itself. */
const stepMoments = (runs: readonly MeasuredRun[], demands: readonly RunDemands[]): Moments['steps'] => {
  const telling = runs.flatMap(({ result }, i) => {
    const times = demands[i]?.stepTime ?? {}
    return Object.keys(times).length === 0 ? [] : [{ result, times }]
  })
  const lowest = Math.min(...telling.map(({ result }) => rateOf(result)))
  const quiet = telling.filter(({ result }) => rateOf(result) <= lowest * sameLoad)
  const [first] = quiet
  if (first === undefined) return undefined
  const times = keysOf(quiet.map((one) => one.times)).map((id) => [
    id,
    pooled(quiet.flatMap((one) => one.times[id] ?? [])),
  ])
  return { result: first.result, times: Object.fromEntries(times) }
}

const rateOf = (result: RunResult): number => result.requests.all?.ratePerSecond ?? 0

/** Of each load the run with the middle median, of those that nothing disturbed. */
const latencyMoments = (runs: readonly MeasuredRun[]): readonly RunResult[] => {
  const medianOf = (result: RunResult): number => result.requests.all?.latency?.p50 ?? 0
  const telling = runs
    .map(({ result }) => result)
    .filter((result) => medianOf(result) > 0 && waitsHidden(result) === undefined)
  const loads = byLoad(telling, rateOf)
  return loads.flatMap(
    (load) => load.sort((a, b) => medianOf(a) - medianOf(b))[Math.floor((load.length - 1) / 2)] ?? [],
  )
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Turns of each component, the runs weighted alike: a mix decides them, and not how long it was watched. */
const meanTurns = (demands: readonly RunDemands[], id: string): number => {
  const known = demands.flatMap(({ turns }) => turns[id] ?? [])
  return known.length === 0 ? 1 : meanOf(known)
}

/** A component whose runs tell its visits apart is estimated for the mean visit, whatever the mix of a run was. */
const componentOf = (topology: Topology, demands: readonly RunDemands[], id: string): Calibrated | undefined => {
  const known = demands.flatMap(({ components, kinds }) => {
    const point = components[id]
    return point === undefined ? [] : [{ point, visits: kinds[id] }]
  })
  const factors = kindFactors(
    known.flatMap(({ point, visits }) =>
      visits === undefined ? [] : [{ load: point.load ?? point.ratePerSecond, seconds: point.seconds, visits }],
    ),
  )
  const estimated = estimate(
    known.map(({ point, visits }) => ({ ...point, seconds: point.seconds / mixFactor(visits, factors) })),
    true,
  )
  if (estimated === undefined) return undefined
  const turns = meanTurns(demands, id)
  const isService = topology.components[id]?.role === 'service'
  const kinds = mapValues(factors, (factor, kind) => {
    const own = isService ? meanOf(demands.flatMap(({ classTurns }) => classTurns[kind] ?? [])) : turns
    return own >= 1 && own !== turns ? { factor, turns: own } : { factor }
  })
  return { ...estimated, ...(turns > 1 ? { turns } : {}), ...(kinds === undefined ? {} : { kinds }) }
}

const mapValues = <T, U>(
  record: Readonly<Record<string, T>> | undefined,
  to: (value: T, key: string) => U,
): Readonly<Record<string, U>> | undefined =>
  record && Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value, key)]))

const estimates = (
  keys: readonly string[],
  value: (key: string) => Calibrated | undefined,
): Record<string, Calibrated> =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const calibrated = value(key)
      return calibrated === undefined ? [] : [[key, calibrated] as const]
    }),
  )

const hitRatios = (runs: readonly RunDemands[]): Record<string, number> =>
  Object.fromEntries(
    keysOf(runs.map((run) => run.hits)).map((id) => {
      const counts = runs.flatMap((run) => run.hits[id] ?? [])
      const lookups = counts.reduce((sum, count) => sum + count.lookups, 0)
      return [id, counts.reduce((sum, count) => sum + count.hits, 0) / lookups]
    }),
  )

/** Throws (exit code 3) when a run cannot teach the model, naming every such run and its reason. */
export const calibrate = (
  topology: Topology,
  runs: readonly MeasuredRun[],
  options: CalibrateOptions = {},
): CalibrationOutcome => {
  const problems = runs.flatMap((run) => objection(run, topology) ?? [])
  if (problems.length > 0) throw invalidInput(...problems)
  const facts = stepFacts(topology)
  const demands = runs.map(({ result }) => runDemands(result, topology, facts))
  const cpu = estimates(keysOf(demands.map((run) => run.stepCpu)), (id) =>
    estimate(
      demands.flatMap((run) => run.stepCpu[id] ?? []),
      false,
    ),
  )
  const components = estimates(keysOf(demands.map((run) => run.components)), (id) => componentOf(topology, demands, id))
  const newest =
    runs
      .map(({ result }) => result.startedAt ?? '')
      .sort()
      .at(-1) ?? ''
  const machine = runs.at(-1)?.result.versions.machine ?? 'unknown'
  const probes = runs.flatMap(({ result }) => result.probe?.beforeSeconds ?? [])
  const lateness = latenessPoints(demands.flatMap((run) => run.lateness ?? []))
  const known: Estimates = {
    origin: {
      runs: runs.map(({ name }) => name),
      measuredAt: newest,
      topologyDigest: topology.digest,
      machine,
      ...(probes.length === 0 ? {} : { probeSeconds: meanOf(probes) }),
    },
    components,
    steps: Object.fromEntries(Object.entries(cpu).map(([id, demand]) => [id, { cpu: demand }])),
    hitRatios: hitRatios(demands),
    ...(lateness.length === 0 ? {} : { lateness }),
    background: meanOf(demands.map((run) => run.background)),
  }
  const moments: Moments = { steps: stepMoments(runs, demands), latencies: latencyMoments(runs) }
  const { waits, aftermath } = fitMoments(topology, known, facts, moments, options.simulatedRequests)
  const steps = [...facts.keys()].filter((id) => id in cpu || id in waits)
  const waitOf = (id: string): { wait?: Calibrated } => {
    const seconds = waits[id]
    if (seconds === undefined) return {}
    return { wait: { demand: { law: 'constant', seconds }, samples: moments.steps?.times[id]?.samples ?? 0 } }
  }
  return {
    estimates: {
      ...known,
      steps: Object.fromEntries(steps.map((id) => [id, { ...known.steps[id], ...waitOf(id) }])),
      ...(aftermath === undefined ? {} : { aftermath }),
    },
    warnings: [...runs.flatMap(warningsOf), ...waitWarnings(runs, [...facts.values()])],
  }
}
