/**
 * What work costs, from the best source that there is: calibration, else the topology's own word, else the catalogue's
 * default. The analytic solver and the event engine both ask here, so that they compute with the same numbers.
 */
import { type Distribution, meanSeconds, scaled, type Work } from '../lib/distribution.js'
import { type Calibrated, demandAt } from '../topology/calibration.js'
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

/** The declared shape with the calibrated mean; exponential where nothing was declared. */
const calibrate = (calibrated: Calibrated, declared: Distribution | undefined, ratePerSecond: number): Distribution => {
  const seconds = Math.max(0, demandAt(calibrated.demand, Math.max(ratePerSecond, 1e-9)))
  const declaredSeconds = declared === undefined ? 0 : meanSeconds(declared)
  return declared !== undefined && declaredSeconds > 0
    ? scaled(declared, seconds / declaredSeconds)
    : exponential(seconds)
}

/**
 * CPU and wait per visit of a component beyond those of the steps that it executes. `ratePerSecond`: visits of the whole
 * component (all instances), on which a calibrated demand may depend. `generator` is the load generator.
 */
export const visitCpu = (topology: Topology, component: ComponentId | 'generator', ratePerSecond: number): Demand => {
  const declared = topology.components[component]?.demand
  const calibrated = topology.calibration?.components[component]
  if (calibrated !== undefined)
    return demand(calibrate(calibrated, declared?.cpu, ratePerSecond), 'calibrated', declared?.wait)
  if (declared?.cpu !== undefined) return demand(declared.cpu, 'declared', declared.wait)
  const engine = topology.components[component]?.engine
  const seconds = engine === undefined ? 0 : modelOf(engine).visitCpuSeconds
  return demand(exponential(seconds), 'catalogue', declared?.wait)
}

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
