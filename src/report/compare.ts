/** Predicted beside measured: the table that this program exists for. */

import type { Comparison, ComparisonRow } from '../contract/comparison.js'
import { failuresOf } from '../result/counts.js'
import type { ClassResult, ComponentResult, FaultResult, HalfWidths, Latency, RunResult } from '../result/run-result.js'
import { type Aspect, type Disturbance, disturbances, limits } from '../result/validity.js'
import { formatQuantity, formatRatio } from './quantity.js'
import { toleranceOf, within } from './tolerances.js'

type Values = readonly (readonly [quantity: string, value: number | null])[]

const ratioOf = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null)

const classValues = (requests: ClassResult | undefined): Values => {
  if (requests === undefined) return []
  const errors = failuresOf(requests.errors)
  const latency = (key: keyof Latency): number | null => requests.latency?.[key] ?? null
  return [
    ['ratePerSecond', requests.ratePerSecond],
    ['latency.mean', latency('mean')],
    ['latency.p50', latency('p50')],
    ['latency.p95', latency('p95')],
    ['latency.p99', latency('p99')],
    ['errors', ratioOf(errors, requests.completed)],
    ['degraded', ratioOf(requests.degraded, requests.completed)],
  ]
}

const componentValues = (component: ComponentResult | undefined): Values =>
  component === undefined
    ? []
    : [
        ['utilization.cpu', component.utilization.cpu],
        ['throughputPerSecond', component.throughputPerSecond],
        ['hitRatio', component.hitRatio],
        ...Object.entries(component.pools).map(([pool, { inUse }]) => [`pools.${pool}.inUse`, inUse] as const),
      ]

const faultValues = (fault: FaultResult | undefined): Values =>
  fault === undefined
    ? []
    : [
        ['failedRequests', fault.failedRequests],
        ['detectionSeconds', fault.detectionSeconds],
        ['recoverySeconds', fault.recoverySeconds],
        ['outageSeconds', fault.outageSeconds],
      ]

const aspects = [
  [/^latency|^pools\./, 'latency'],
  [/^utilization/, 'utilization'],
  [/^(ratePerSecond|throughputPerSecond)$/, 'rate'],
] as const satisfies readonly (readonly [RegExp, Aspect])[]

const aspectOf = (quantity: string): Aspect | undefined => aspects.find(([pattern]) => pattern.test(quantity))?.[1]

/** Successes that a percentile must rest on: five beyond it are the least that say anything. */
const neededFor = { 'latency.p50': 10, 'latency.p95': 100, 'latency.p99': 500 } as const

const isPercentile = (quantity: string): quantity is keyof typeof neededFor => quantity in neededFor

interface Context {
  readonly sim: RunResult
  readonly stack: RunResult
  readonly disturbances: readonly Disturbance[]
  /** Components whose predicted utilization is out of tolerance, with how far. */
  readonly wrongDemand: readonly string[]
}

type Doubt = Pick<ComparisonRow, 'verdict'> & Partial<Pick<ComparisonRow, 'suspect' | 'why'>>

/** The same computation took another time when the model was calibrated; undefined: hardly, or nobody knows. */
const slowerThanCalibrated = ({ calibration }: RunResult, { probe }: RunResult): string | undefined => {
  if (calibration?.probeSeconds === undefined || probe === undefined) return undefined
  const moved = probe.beforeSeconds / calibration.probeSeconds - 1
  if (Math.abs(moved) <= limits.probe) return undefined
  const [size, how] = [formatRatio(Math.abs(moved)), moved > 0 ? 'slower' : 'faster']
  return `the machine is ${size} ${how} than when the model was calibrated; calibrate again, in the session of the measurement`
}

/** Why a prediction missed, as far as the two results can tell. */
const blame = (subject: string, quantity: string, { sim, stack, wrongDemand }: Context): Omit<Doubt, 'verdict'> => {
  if (quantity === 'errors') {
    const codes = Object.entries(stack.requests[subject]?.errors ?? {}).map(([code, count]) => `${code} × ${count}`)
    if (codes.length > 0 && Object.keys(sim.requests[subject]?.errors ?? {}).length === 0)
      return { suspect: 'stack', why: `the stack failed with ${codes.join(', ')}, which the model does not foresee` }
  }
  if (sim.calibration === null)
    return {
      suspect: 'model',
      why: 'the model is not calibrated: it knows only what the topology declares (plimsoll calibrate RUN)',
    }
  const slower = slowerThanCalibrated(sim, stack)
  if (slower !== undefined && aspectOf(quantity) !== undefined) return { suspect: 'machine', why: slower }
  if (quantity === 'utilization.cpu')
    return {
      suspect: 'model',
      why: `the calibrated demand of ${subject} does not hold at this load; calibrate with runs near it`,
    }
  if (aspectOf(quantity) === 'latency')
    return wrongDemand.length > 0
      ? { suspect: 'model', why: `the demand of ${wrongDemand.join(', ')} is wrong at this load, which shifts latency` }
      : { suspect: 'model', why: 'utilizations agree, so the model lacks a delay that burns no CPU here' }
  return { suspect: 'model', why: 'the model behaves otherwise than the stack here' }
}

interface Judged {
  readonly predicted: number | null
  readonly measured: number | null
  readonly spread: number | undefined
}

const judge = (
  subject: string,
  quantity: string,
  { predicted, measured, spread = 0 }: Judged,
  context: Context,
): Doubt => {
  const tolerance = toleranceOf(quantity)
  const aspect = aspectOf(quantity)
  const disturbance = context.disturbances.find(({ affects }) => aspect !== undefined && affects.includes(aspect))
  if (disturbance !== undefined) return { verdict: 'invalid', suspect: disturbance.by, why: disturbance.why }
  if (isPercentile(quantity)) {
    const successes = context.stack.requests[subject]?.ok ?? 0
    if (successes < neededFor[quantity])
      return {
        verdict: 'invalid',
        why: `only ${successes} successes were measured; ${quantity} needs ${neededFor[quantity]}`,
      }
  }
  if (predicted === null || measured === null) {
    const [who, engine] = predicted === null ? (['model', 'sim'] as const) : (['stack', 'stack'] as const)
    if (quantity === 'recoverySeconds')
      return {
        verdict: 'fail',
        suspect: who,
        why: `it did not happen ${engine === 'sim' ? 'in the simulator' : 'on the stack'}`,
      }
    return { verdict: 'invalid', why: `${engine === 'sim' ? 'the simulator' : 'the stack'} does not tell` }
  }
  if (tolerance === undefined || within(tolerance, predicted, measured)) return { verdict: 'pass' }
  if (Math.abs(predicted - measured) <= spread)
    return {
      verdict: 'fail',
      suspect: 'machine',
      why: `equal runs of the unchanged stack differ by as much as this prediction is off (± ${formatQuantity(spread, tolerance.unit)})`,
    }
  return { verdict: 'fail', ...blame(subject, quantity, context) }
}

interface Sides {
  readonly predicted: Values
  readonly halfWidths: HalfWidths | undefined
  /** Of each of the equal runs. */
  readonly measured: readonly Values[]
}

const find = (values: Values, quantity: string): number | null =>
  values.find(([name]) => name === quantity)?.[1] ?? null

const rowsOf = (subject: string, { predicted, halfWidths, measured }: Sides, context: Context): ComparisonRow[] => {
  const quantities = [...new Set([...measured.flat(), ...predicted].map(([quantity]) => quantity))]
  return quantities.flatMap((quantity) => {
    const p = find(predicted, quantity)
    const seen = measured.flatMap((values) => find(values, quantity) ?? [])
    const m = seen.length === 0 ? null : medianOf(seen)
    if (p === null && m === null) return []
    const spread = seen.length < 2 ? undefined : (Math.max(...seen) - Math.min(...seen)) / 2
    const halfWidth = halfWidths?.[quantity]
    return [
      {
        subject,
        quantity,
        unit: toleranceOf(quantity)?.unit ?? 'count',
        predicted: p,
        measured: m,
        ...(halfWidth === undefined ? {} : { halfWidth }),
        ...(spread === undefined ? {} : { spread }),
        errorRatio: p === null || m === null || m === 0 ? null : (p - m) / m,
        ...judge(subject, quantity, { predicted: p, measured: m, spread }, context),
      },
    ]
  })
}

/** Keys of both, in the order of the measured one; `all` leads. */
const keysOf = (measured: object, predicted: object): readonly string[] => {
  const keys = [...new Set([...Object.keys(measured), ...Object.keys(predicted)])]
  return [...keys.filter((key) => key === 'all'), ...keys.filter((key) => key !== 'all')]
}

/** Reasons for which the two results cannot be set side by side at all. */
const mismatches = (sim: RunResult, stack: RunResult): string[] => [
  ...(sim.topology.digest === stack.topology.digest
    ? []
    : [`they are of different topologies: ${sim.topology.name} and ${stack.topology.name}`]),
  ...(sim.experiment.digest === stack.experiment.digest
    ? []
    : [`they are of different experiments: ${sim.experiment.name} and ${stack.experiment.name}`]),
  ...[sim, stack].flatMap((result) =>
    result.status === 'completed'
      ? []
      : [`the run ${result.engine === 'sim' ? 'in the simulator' : 'on the stack'} was ${result.status}`],
  ),
  ...(JSON.stringify(sim.placement.hosts) === JSON.stringify(stack.placement.hosts)
    ? []
    : ['the simulator was told other hosts than the stack ran on']),
]

/** The middle one; of an even number the mean of the two in the middle. */
const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? upper)) / 2
}

interface Measured {
  /** Of which the values are taken. */
  readonly runs: readonly RunResult[]
  /** Runs that were left out. */
  readonly left: number
  readonly disturbances: readonly Disturbance[]
}

/** Of several equal runs the disturbed ones are left out, if at least half of them remain; else all of them are in doubt. */
const measuredBy = (runs: readonly RunResult[]): Measured => {
  const good = runs.filter((run) => disturbances(run).length === 0)
  if (good.length > 0 && 2 * good.length >= runs.length)
    return { runs: good, left: runs.length - good.length, disturbances: [] }
  return { runs, left: 0, disturbances: runs.flatMap(disturbances) }
}

/**
 * `sim` is the prediction, `stack` the measurement, `more` are further runs of the same experiment on the same stack: then the
 * medians are compared. errorRatio = (predicted − measured) / measured.
 */
export const compareResults = (sim: RunResult, stack: RunResult, more: readonly RunResult[] = []): Comparison => {
  const { runs, left, disturbances: disturbed } = measuredBy([stack, ...more])
  const wrongDemand = Object.entries(stack.components).flatMap(([id, component]) => {
    const rule = toleranceOf('utilization.cpu')
    const predicted = sim.components[id]?.utilization.cpu
    const holds = rule === undefined || predicted === undefined || within(rule, predicted, component.utilization.cpu)
    return holds ? [] : [id]
  })
  const context: Context = { sim, stack: runs[0] ?? stack, disturbances: disturbed, wrongDemand }
  const sides = (of: (result: RunResult) => Values, halfWidths?: HalfWidths): Sides => ({
    predicted: of(sim),
    halfWidths,
    measured: runs.map(of),
  })
  const rows = [
    ...keysOf(stack.requests, sim.requests).flatMap((id) =>
      rowsOf(
        id,
        sides(({ requests }) => classValues(requests[id]), sim.requests[id]?.halfWidth),
        context,
      ),
    ),
    ...keysOf(stack.components, sim.components).flatMap((id) =>
      rowsOf(
        id,
        sides(({ components }) => componentValues(components[id]), sim.components[id]?.halfWidth),
        context,
      ),
    ),
    ...keysOf(stack.hosts, sim.hosts).flatMap((id) => {
      const of = ({ hosts }: RunResult): Values => [['utilization.cpu', hosts[id]?.utilization.cpu ?? null]]
      return rowsOf(`host ${id}`, sides(of, sim.hosts[id]?.halfWidth), context)
    }),
    ...keysOf(stack.faults, sim.faults).flatMap((key) => {
      const index = Number(key)
      const fault = stack.faults[index] ?? sim.faults[index]
      const subject = `fault ${index} (${fault?.kind} ${fault?.target})`
      return rowsOf(
        subject,
        sides(({ faults }) => faultValues(faults[index]), sim.faults[index]?.halfWidth),
        context,
      )
    }),
  ]
  const reasons = [...new Set([...mismatches(sim, stack), ...disturbed.map(({ why }) => why)])]
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'Comparison',
    sim,
    stack,
    rows,
    runs: { counted: runs.length, disturbed: left },
    validity: { verdict: reasons.length === 0 ? 'valid' : 'invalid', reasons },
  }
}
