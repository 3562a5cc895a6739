/** One run of the event engine: pure, and the same bytes for the same input. */

import { demandDependsOnLoad } from '../../catalog/demand.js'
import { topologyPlacement } from '../../catalog/placement.js'
import { requestedPlacement } from '../../catalog/requested-placement.js'
import { abortMonitor } from '../../experiment/abort.js'
import { loadSeconds } from '../../experiment/load.js'
import type { Experiment } from '../../experiment/types.js'
import { judged } from '../../experiment/verdict.js'
import { assembleRunResult } from '../../result/assemble.js'
import type { Placement } from '../../result/placement.js'
import { requestRecorder } from '../../result/recorder.js'
import type { RunEvent, SecondEvent } from '../../result/run-event.js'
import type { RunResult } from '../../result/run-result.js'
import type { Topology } from '../../topology/types.js'
import { buildGenerator, buildMembers } from './build.js'
import { Clients } from './client.js'
import type { Endpoint } from './endpoint.js'
import { scheduleFaults } from './faults.js'
import { Kernel } from './kernel.js'
import { Lifecycle } from './lifecycle.js'
import { buildMachines } from './machines.js'
import { Meters } from './meters.js'
import { plannedRates, SmoothedRates } from './rates.js'
import { System } from './system.js'
import { refuseUnsupported } from './unsupported.js'

export interface SimulateInput {
  readonly topology: Topology
  readonly experiment: Experiment
  /** Undefined: the experiment's, else the one that the topology declares. */
  readonly placement?: Placement | undefined
  readonly seed: number
  /** Told as it happens, in order of time. */
  readonly onEvent?: (event: RunEvent) => void
}

/** How long requests in flight at the end of the load are waited for. */
const drainSeconds = 30

/** Throws a PlimsollError for what cannot be simulated yet, before anything happens. */
export const simulate = (input: SimulateInput): RunResult => {
  const { topology, experiment, seed } = input
  refuseUnsupported(topology, experiment)
  const placement = input.placement ?? requestedPlacement(topology, experiment.placement) ?? topologyPlacement(topology)
  const durationSeconds = loadSeconds(experiment.load)
  const { warmupSeconds } = experiment
  const events: RunEvent[] = []
  const emit = (event: RunEvent): void => {
    events.push(event)
    input.onEvent?.(event)
  }
  const requests = Object.values(topology.requests).filter((request) => request.derivedFrom === undefined)
  const recorder = requestRecorder({
    classes: requests.map(({ id }) => ({ id, derived: false })),
    warmupSeconds,
    durationSeconds,
  })

  const noticed = (endpoint: Endpoint, by: string): void => {
    if (by === 'generator' || endpoint.noticedBy !== undefined) return
    endpoint.noticedBy = by
    emit({ type: 'detected', at: kernel.now, instance: endpoint.instance, by })
  }
  const recovered = (endpoint: Endpoint): void => {
    emit({ type: 'recovered', at: kernel.now, instance: endpoint.instance, by: endpoint.noticedBy ?? '' })
    endpoint.noticedBy = undefined
  }
  const kernel: Kernel = new Kernel(Object.keys(topology.data).length, {
    ended: (task, code) => clients.over(task, code),
    noticed,
    recovered,
  })
  const rates = plannedRates(topology, experiment.load)
  const system = new System(topology, placement, seed, kernel, rates)
  const machines = buildMachines(kernel.queue, placement)
  buildMembers(system, machines)
  const generator = buildGenerator(system, machines)
  const lifecycle = new Lifecycle(system, emit)
  const clients = new Clients(system, generator, recorder, experiment.load, requests)
  const meters = new Meters(system, machines, generator, lifecycle)

  emit({
    type: 'started',
    at: 0,
    engine: 'sim',
    topology: topology.name,
    experiment: experiment.name,
    seed,
    durationSeconds,
    placement,
  })
  emit({ type: 'phase', at: 0, phase: warmupSeconds > 0 ? 'warm-up' : 'measure' })
  scheduleFaults(experiment.faults, system, lifecycle, recorder, emit)

  const aborts = abortMonitor(experiment.abort, topology)
  const smoothed = demandDependsOnLoad(topology) ? new SmoothedRates(rates) : undefined
  let aborted: string | undefined
  const endSecond = (): void => {
    const { components, hosts, generatorCpu, rates: observed } = meters.second()
    const second: SecondEvent = {
      type: 'second',
      at: kernel.now,
      requests: recorder.second(),
      components,
      hosts,
      generator: { lagMaxSeconds: 0, unsent: 0, cpu: generatorCpu },
    }
    emit(second)
    if (smoothed !== undefined) system.refreshDemand(smoothed.add(observed, second.requests.all?.offered ?? 0))
    const reason = aborts(second)
    if (reason !== undefined) aborted ??= reason
  }
  let second = 0
  let measuring = warmupSeconds <= 0
  const until = (at: number): void => {
    while (aborted === undefined && second + 1 <= at) {
      runTo(kernel, second + 1)
      second += 1
      endSecond()
    }
    if (aborted === undefined && kernel.now < at) runTo(kernel, at)
  }
  if (!measuring) {
    until(Math.min(warmupSeconds, durationSeconds))
    if (aborted === undefined) {
      meters.mark()
      measuring = true
      emit({ type: 'phase', at: kernel.now, phase: 'measure' })
    }
  }
  until(durationSeconds)
  if (aborted === undefined && kernel.now > second) endSecond()

  const endedAt = kernel.now
  const measured = meters.result()
  if (aborted !== undefined) emit({ type: 'aborted', at: endedAt, reason: aborted })
  clients.stop()
  emit({ type: 'phase', at: endedAt, phase: 'drain' })
  kernel.run(endedAt + drainSeconds, () => recorder.inFlight === 0)
  const status = aborted === undefined ? 'completed' : 'aborted'
  emit({ type: 'ended', at: kernel.now, status })

  const result = assembleRunResult({
    engine: 'sim',
    status,
    seed,
    topology: { name: topology.name, digest: topology.digest },
    calibration: topology.calibration === undefined ? null : { digest: topology.calibration.digest },
    placement,
    experiment: { name: experiment.name, digest: experiment.digest },
    startedAt: null,
    warmupSeconds,
    versions: {},
    requests: recorder.result(endedAt),
    ...measured,
    events,
    track: recorder.faults(endedAt),
    endedAt,
    invariants: [],
    steadyState: [],
    slo: [],
  })
  return judged(result, experiment, topology)
}

/** Everything that happens until `at`, and the clock there. */
const runTo = (kernel: Kernel, at: number): void => {
  kernel.run(at, () => false)
  if (kernel.queue.now < at) kernel.queue.now = at
}
