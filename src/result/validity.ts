/**
 * Whether a measurement says something of the stack, or only of the machine and the load generator that it was made with.
 * Read by the comparison (which then calls rows invalid) and by calibration (which then refuses the run).
 */
import type { RunResult } from './run-result.js'

export type Aspect = 'rate' | 'latency' | 'utilization'

export interface Disturbance {
  readonly by: 'generator' | 'machine'
  /** What can no longer be read from the run. */
  readonly affects: readonly Aspect[]
  /** One sentence with the numbers. */
  readonly why: string
}

/** From which on a run is disturbed; docs/comparison.md tells where the numbers come from. */
export const limits = {
  /** Share of the time that the generator's event loop was busy. */
  generatorBusy: 0.8,
  /** Requests that were due and never sent, as a share of those offered. */
  unsentRatio: 0.001,
  /** The generator's p99 lag as a share of the p99 latency, and the lag that never matters. */
  lagShare: 0.5,
  lagSeconds: 0.005,
  /** Mean utilization of a host. */
  hostCpu: 0.95,
  /** CPU used on a host by what is not ours, as a share of the host: 9 % of it doubled the p99 latency. */
  foreignCpu: 0.03,
  /** By how much the speed of the machine may change from before a run until after it. */
  probe: 0.05,
} as const

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`
const milliseconds = (seconds: number): string => `${(seconds * 1e3).toFixed(1)} ms`

/**
 * CPU that was used on each host by neither a component nor the generator nor plimsoll itself, as a share of the host; 0 for
 * simulations.
 */
export const foreignCpu = (result: RunResult): Readonly<Record<string, number>> => {
  const seconds = result.durationSeconds - result.warmupSeconds
  const hostOf = (instance: string): string | undefined => result.placement.instances[instance]?.host
  const shares: Record<string, number> = {}
  for (const [host, { utilization, toolCpu = 0 }] of Object.entries(result.hosts)) {
    const capacity = (result.placement.hosts[host]?.cpu ?? 0) * seconds
    if (result.engine === 'sim' || capacity <= 0) {
      shares[host] = 0
      continue
    }
    const ours = Object.values(result.components)
      .flatMap((component) => component.instances)
      .filter((instance) => hostOf(instance.id) === host)
      .reduce((sum, instance) => sum + instance.cpuSeconds, 0)
    const generator = hostOf('generator') === host ? result.generator.cpuSeconds : 0
    shares[host] = Math.max(0, utilization.cpu - toolCpu - (ours + generator) / capacity)
  }
  return shares
}

const generatorDisturbances = ({ generator, requests }: RunResult): Disturbance[] => {
  const found: Disturbance[] = []
  const everything = ['rate', 'latency', 'utilization'] as const
  if (generator.busy >= limits.generatorBusy)
    found.push({
      by: 'generator',
      affects: everything,
      why: `the load generator was busy ${percent(generator.busy)} of the time, so it was itself the limit (from ${percent(limits.generatorBusy)})`,
    })
  const offered = requests.all?.offered ?? 0
  if (generator.unsent > limits.unsentRatio * offered)
    found.push({
      by: 'generator',
      affects: everything,
      why: `the load generator left ${generator.unsent} of ${offered} due requests unsent`,
    })
  const p99 = requests.all?.latency?.p99 ?? 0
  if (generator.lag.p99 > Math.max(limits.lagSeconds, limits.lagShare * p99))
    found.push({
      by: 'generator',
      affects: ['latency'],
      why: `the load generator sent 1 % of its requests more than ${milliseconds(generator.lag.p99)} late, against a p99 latency of ${milliseconds(p99)}`,
    })
  return found
}

/** By what ratio a fixed computation became slower (or faster) over the run. */
const speedDisturbances = ({ probe }: RunResult): Disturbance[] => {
  if (probe === undefined) return []
  const { beforeSeconds, afterSeconds } = probe
  const moved = afterSeconds / beforeSeconds - 1
  if (Math.abs(moved) <= limits.probe) return []
  return [
    {
      by: 'machine',
      affects: ['rate', 'latency', 'utilization'],
      why: `the machine became ${percent(Math.abs(moved))} ${moved > 0 ? 'slower' : 'faster'} during the run: a fixed computation took ${milliseconds(beforeSeconds)} before it and ${milliseconds(afterSeconds)} after it`,
    },
  ]
}

const machineDisturbances = (result: RunResult): Disturbance[] => {
  const foreign = foreignCpu(result)
  return Object.entries(result.hosts).flatMap(([host, { utilization }]) => {
    const found: Disturbance[] = []
    if (utilization.cpu >= limits.hostCpu)
      found.push({
        by: 'machine',
        affects: ['rate', 'latency'],
        why: `host ${host} was saturated (cpu ${percent(utilization.cpu)}), by the load generator as well where it shares the host`,
      })
    const share = foreign[host] ?? 0
    if (share > limits.foreignCpu)
      found.push({
        by: 'machine',
        affects: ['latency', 'utilization'],
        why: `something else used ${percent(share)} of host ${host} during the run`,
      })
    return found
  })
}

/** What disturbed a run, the worst first; empty: it can be trusted. A simulation is never disturbed. */
export const disturbances = (result: RunResult): readonly Disturbance[] =>
  result.engine === 'sim'
    ? []
    : [...generatorDisturbances(result), ...machineDisturbances(result), ...speedDisturbances(result)]
