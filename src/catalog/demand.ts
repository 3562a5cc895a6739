/**
 * What work costs, from the best source that there is: calibration, else the topology's own word, else the catalogue's
 * default. The analytic solver and the event engine both ask here, so that they compute with the same numbers.
 */
import { type Distribution, meanSeconds, scaled, type Work, z99 } from '../lib/distribution.js'
import { type Calibrated, demandAt, latenessAt, type VisitKind } from '../topology/calibration.js'
import type { StepId } from '../topology/flow.js'
import type { ComponentId, Topology } from '../topology/types.js'
import { modelOf } from './models.js'

export type DemandOrigin = 'calibrated' | 'declared' | 'catalogue'

export interface Demand {
  /** CPU-seconds per visit or execution; undefined: none. */
  readonly cpu: Distribution | undefined
  /** Mean of `cpu`; 0 when there is none. */
  readonly cpuSeconds: number
  /** Where `cpu` comes from. */
  readonly origin: DemandOrigin
  /** Time without CPU. */
  readonly wait: Distribution | undefined
}

const demand = (cpu: Distribution | undefined, origin: DemandOrigin, wait: Distribution | undefined): Demand => {
  const cpuSeconds = cpu === undefined ? 0 : meanSeconds(cpu)
  return { cpu: cpuSeconds > 0 ? cpu : undefined, cpuSeconds, origin, wait }
}

const exponential = (seconds: number): Distribution => ({ shape: 'exponential', meanSeconds: seconds })

/**
 * What nobody declared is work of one kind (parsing, system calls, protocols), which varies far less than an exponential time: a
 * coefficient of variation of a half (docs/adr/0044).
 */
const usual = (seconds: number): Distribution => ({ shape: 'gamma', meanSeconds: seconds, cv: 0.5 })

/** The declared shape with the calibrated mean. */
const calibrate = (calibrated: Calibrated, declared: Distribution | undefined, ratePerSecond: number): Distribution => {
  const seconds = Math.max(0, demandAt(calibrated.demand, Math.max(ratePerSecond, 1e-9)))
  const declaredSeconds = declared === undefined ? 0 : meanSeconds(declared)
  return declared !== undefined && declaredSeconds > 0 ? scaled(declared, seconds / declaredSeconds) : usual(seconds)
}

/**
 * CPU and wait per visit of a component beyond those of the steps that it executes. `ratePerSecond`: visits of the whole
 * component (all instances), on which a calibrated demand may depend. `generator` is the load generator. `kind`: the request class,
 * or the step of a database, that it is for; undefined: any.
 */
export const visitCpu = (
  topology: Topology,
  component: ComponentId | 'generator',
  ratePerSecond: number,
  kind?: string,
): Demand => {
  const declared = topology.components[component]?.demand
  const calibrated = topology.calibration?.components[component]
  if (calibrated !== undefined) {
    const cpu = calibrate(calibrated, declared?.cpu, ratePerSecond)
    const factor = kindOf(calibrated, kind)?.factor ?? 1
    return demand(factor === 1 ? cpu : scaled(cpu, factor), 'calibrated', declared?.wait)
  }
  if (declared?.cpu !== undefined) return demand(declared.cpu, 'declared', declared.wait)
  const engine = topology.components[component]?.engine
  const seconds = engine === undefined ? 0 : modelOf(engine).visitCpuSeconds
  return demand(exponential(seconds), 'catalogue', declared?.wait)
}

const kindOf = ({ kinds }: Calibrated, kind: string | undefined): VisitKind | undefined =>
  kind === undefined || kinds === undefined || !Object.hasOwn(kinds, kind) ? undefined : kinds[kind]

/** Do visits of this component cost differently by request class (or step)? */
export const visitsDiffer = ({ calibration }: Topology, component: ComponentId | 'generator'): boolean =>
  calibration?.components[component]?.kinds !== undefined

/** Turns over which the demand of a visit is spread (see `Calibrated`); 1: all of it comes first. */
export const visitTurns = (topology: Topology, component: ComponentId | 'generator', kind?: string): number => {
  const calibrated = topology.calibration?.components[component]
  return calibrated === undefined ? 1 : (kindOf(calibrated, kind)?.turns ?? calibrated.turns ?? 1)
}

/** CPU of one turn of a visit: its part of what comes before the answer. */
export const turnCpu = (
  topology: Topology,
  component: ComponentId | 'generator',
  ratePerSecond: number,
  kind?: string,
): Distribution | undefined => {
  const { cpu } = visitCpu(topology, component, ratePerSecond, kind)
  const before = 1 - aftermathOf(topology, component)
  return cpu === undefined ? undefined : scaled(cpu, before / visitTurns(topology, component, kind))
}

/** CPU of a visit that comes after its answer; undefined: none. */
export const afterCpu = (
  topology: Topology,
  component: ComponentId | 'generator',
  ratePerSecond: number,
  kind?: string,
): Distribution | undefined => {
  const after = aftermathOf(topology, component)
  const { cpu } = visitCpu(topology, component, ratePerSecond, kind)
  return cpu === undefined || after === 0 ? undefined : scaled(cpu, after)
}

/** Only what was measured is known to have an aftermath. */
const aftermathOf = ({ calibration }: Topology, component: ComponentId | 'generator'): number =>
  calibration?.components[component] === undefined ? 0 : (calibration.aftermath ?? 0)

/**
 * How late the load generator sends at this rate: lognormal with the measured median and mean. Undefined: on time, as far as anybody
 * knows.
 */
export const generatorLateness = ({ calibration }: Topology, ratePerSecond: number): Distribution | undefined => {
  const points = calibration?.lateness ?? []
  if (points.length === 0) return undefined
  const { p50Seconds, meanSeconds: mean } = latenessAt(points, ratePerSecond)
  if (!(p50Seconds > 0)) return undefined
  // Mean = p50 · e^(σ²/2), and p99 = p50 · e^(z₀.₉₉·σ).
  const sigma = Math.sqrt(2 * Math.log(Math.max(1, mean / p50Seconds)))
  return { shape: 'lognormal', p50Seconds, p99Seconds: p50Seconds * Math.exp(z99 * sigma) }
}

/**
 * Is the demand of any component spread over turns or over the time after the answer, does it differ by what a visit is for, or is the
 * generator late?
 */
export const demandTakesTurns = ({ calibration }: Topology): boolean =>
  (calibration?.aftermath ?? 0) > 0 ||
  (calibration?.lateness?.length ?? 0) > 0 ||
  Object.values(calibration?.components ?? {}).some(
    ({ turns, kinds }) => (turns !== undefined && turns > 1) || kinds !== undefined,
  )

/**
 * CPU and wait of one execution of a step, where its CPU burns. `ratePerSecond`: visits of the component where it burns.
 */
export const stepCpu = (topology: Topology, step: StepId, declared: Work, ratePerSecond: number): Demand => {
  const calibrated = topology.calibration?.steps[step]
  const wait = calibrated?.wait === undefined ? declared.wait : calibrate(calibrated.wait, declared.wait, ratePerSecond)
  return calibrated?.cpu === undefined
    ? demand(declared.cpu, 'declared', wait)
    : demand(calibrate(calibrated.cpu, declared.cpu, ratePerSecond), 'calibrated', wait)
}

/** Does any demand of the topology change with its load? */
export const demandDependsOnLoad = (topology: Topology): boolean => {
  const { calibration } = topology
  if (calibration === undefined) return false
  const varies = (calibrated: Calibrated | undefined) =>
    calibrated !== undefined && calibrated.demand.law !== 'constant'
  return (
    Object.values(calibration.components).some(varies) ||
    Object.values(calibration.steps).some((step) => varies(step.cpu) || varies(step.wait))
  )
}
