/** One simulated run, advanced second by second, so that whoever drives it may look up, draw progress, or give up. */
import { demandDependsOnLoad } from '../../catalog/demand.js'
import { topologyPlacement } from '../../catalog/placement.js'
import { requestedPlacement } from '../../catalog/requested-placement.js'
import { type AbortMonitor, abortMonitor } from '../../experiment/abort.js'
import { loadSeconds, peakLevel } from '../../experiment/load.js'
import { seriesSeconds } from '../../experiment/series.js'
import { unsteadyBecause } from '../../experiment/steady.js'
import type { Experiment } from '../../experiment/types.js'
import { judged } from '../../experiment/verdict.js'
import { assembleRunResult } from '../../result/assemble.js'
import type { Placement } from '../../result/placement.js'
import type { RunEvent, SecondEvent } from '../../result/run-event.js'
import type { RunResult } from '../../result/run-result.js'
import { withBatchMeans, withoutHalfWidths } from '../../result/statistics/batch-means.js'
import { calibrationMark } from '../../topology/calibration.js'
import type { Topology } from '../../topology/types.js'
import { Agenda } from './agenda.js'
import { buildGenerator, buildMembers, buildReplication } from './build.js'
import { Clients } from './client.js'
import type { Endpoint } from './endpoint.js'
import { Express } from './express/express.js'
import { expressScript } from './express/script.js'
import { scheduleFaults } from './faults/schedule.js'
import { Intervals } from './intervals.js'
import { invariantJudgements } from './invariants.js'
import { Kernel } from './kernel.js'
import { Lifecycle } from './lifecycle.js'
import { buildMachines } from './machines.js'
import { hasBrokers, leadsToWork } from './messaging/consumed.js'
import { Messaging } from './messaging/messaging.js'
import { Meters } from './meters.js'
import { foreseenRequests, plannedRates, SmoothedRates } from './rates.js'
import { RequestLog } from './request-log.js'
import { scaledServices, withRoomToScale } from './room-to-scale.js'
import { startScaling } from './scaling.js'
import { System } from './system.js'
import { throttle } from './throttle.js'
import { refuseUnsupported } from './unsupported.js'

export interface SimulateInput {
  readonly topology: Topology
  readonly experiment: Experiment
  /** Undefined: the experiment's, else the one that the topology declares. */
  readonly placement?: Placement | undefined
  readonly seed: number
  /** Told as it happens, in order of time. */
  readonly onEvent?: (event: RunEvent) => void
  /** False: on the general way, also where the express way would do. */
  readonly express?: boolean
  /** True: every operation by its closure, which is slower and must come to the same. */
  readonly byClosures?: boolean
  /** True: by segments from the start, which a long simulation makes by and by; they must come to the same, too. */
  readonly segmentsAtOnce?: boolean
}

/** Requests from which on a run is long. */
const requestsOfLong = 200_000

/** How long requests in flight at the end of the load are waited for. */
const drainSeconds = 30

/** The express way has met something that it does not know. */
class OffExpress extends Error {}

class Course {
  readonly durationSeconds: number
  private readonly kernel: Kernel
  private readonly system: System
  private readonly log: RequestLog
  private readonly clients: Clients
  private readonly meters: Meters
  private readonly placement: Placement
  private readonly events: RunEvent[] = []
  private readonly aborts: AbortMonitor
  private readonly smoothed: SmoothedRates | undefined
  /** Instances whose absence has been noticed, and not yet their return. */
  private readonly missing = new Set<string>()
  /** Of the series. */
  private readonly intervalSeconds: number
  private intervalBegan = 0
  private measuring = false
  private intervals: Intervals | undefined
  private abortReason: string | undefined
  private readonly express: Express | undefined

  /** Throws a PlimsollError for what cannot be simulated yet, before anything happens. */
  constructor(
    private readonly input: SimulateInput,
    /** May it take the express way? */
    express: boolean,
  ) {
    const { topology, experiment, seed } = input
    const { load, warmupSeconds } = experiment
    refuseUnsupported(topology, experiment)
    this.placement =
      input.placement ?? requestedPlacement(topology, experiment.placement) ?? topologyPlacement(topology)
    this.durationSeconds = loadSeconds(load)
    this.intervalSeconds = seriesSeconds(experiment)
    const requests = Object.values(topology.requests)
    this.kernel = new Kernel(
      Object.keys(topology.data).length,
      {
        noticed: (endpoint, by) => this.noticed(endpoint, by),
        recovered: (endpoint) => this.recovered(endpoint),
      },
      {
        byClosures: input.byClosures,
        segmentsAtOnce: input.segmentsAtOnce,
        inFlight: load.mode === 'closed' ? Math.ceil(peakLevel(load)) : 0,
        long: foreseenRequests(topology, load) > requestsOfLong,
      },
    )
    const { kernel } = this
    this.log = new RequestLog(kernel.requests, kernel.codes, kernel.queue, {
      classes: requests.map(({ id, derivedFrom, flow }) => ({
        id,
        derived: derivedFrom !== undefined,
        publishes: leadsToWork(topology, flow),
      })),
      warmupSeconds,
      durationSeconds: this.durationSeconds,
      faults: experiment.faults.length > 0,
    })
    const emit = (event: RunEvent): void => this.emit(event)
    const rates = plannedRates(topology, load)
    const placement = withRoomToScale(topology, this.placement)
    this.system = new System(
      topology,
      placement,
      seed,
      kernel,
      rates,
      new Set(experiment.faults.map(({ kind }) => kind)),
    )
    const machines = buildMachines(kernel, placement, {
      changing: experiment.faults.some(({ kind }) => kind === 'cpu'),
      scaled: scaledServices(topology),
      slices: placement.origin === 'runtime',
      background: topology.calibration?.background ?? 0,
    })
    buildMembers(this.system, machines)
    buildReplication(this.system, new Agenda(kernel.queue), emit)
    const generator = buildGenerator(this.system, machines)
    const lifecycle = new Lifecycle(this.system, emit)
    startScaling(this.system, machines, lifecycle, emit)
    if (hasBrokers(topology)) {
      this.system.messaging = new Messaging(this.system, this.log)
      this.system.messaging.start()
    }
    this.clients = new Clients(this.system, generator, this.log, load, requests)
    const declaredHosts = new Set(Object.keys(this.placement.hosts))
    this.meters = new Meters(this.system, machines, generator, lifecycle, declaredHosts)
    this.aborts = abortMonitor(experiment.abort, topology)
    this.smoothed = demandDependsOnLoad(topology) ? new SmoothedRates(rates) : undefined
    this.begin()
    throttle([...machines.quotas.values()], kernel, new Agenda(kernel.queue))
    scheduleFaults(
      experiment.faults,
      { system: this.system, lifecycle, machines, clients: this.clients },
      this.log,
      emit,
    )
    // On the express way nothing happens but what follows from arrivals.
    const script = express && kernel.queue.scheduled <= 1 ? expressScript(this.system, experiment, requests) : undefined
    this.express = script && new Express(kernel, this.clients, this.log, script)
  }

  get way(): 'express' | 'general' {
    return this.express === undefined ? 'general' : 'express'
  }

  /** Simulated seconds so far. */
  get now(): number {
    return this.kernel.now
  }

  /** To the next full second, or the end of the load. False: the load has ended. */
  advance(): boolean {
    const { kernel, durationSeconds } = this
    if (this.ended) return false
    const { warmupSeconds } = this.input.experiment
    const next = Math.min(Math.floor(kernel.now + 1), durationSeconds)
    if (!this.measuring && warmupSeconds < next) {
      this.runTo(warmupSeconds)
      this.measure()
    }
    const began = kernel.now
    this.runTo(next)
    if (this.smoothed !== undefined) this.followLoad(this.smoothed, next - began)
    if (next >= this.intervalBegan + this.intervalSeconds || next >= durationSeconds) this.endInterval()
    return !this.ended
  }

  /** Waits for what is in flight, and tells what was seen. Call it once, when `advance` has returned false. */
  finish(): RunResult {
    const { kernel, log, input } = this
    const { topology, experiment, seed } = input
    const endedAt = kernel.now
    if (!this.measuring) this.measure()
    const measured = this.meters.result()
    this.intervals?.lookAtComponents()
    const status = this.abortReason === undefined ? 'completed' : 'aborted'
    if (this.abortReason !== undefined) this.emit({ type: 'aborted', at: endedAt, reason: this.abortReason })
    this.clients.stop()
    this.emit({ type: 'phase', at: endedAt, phase: 'drain' })
    const account = this.system.messaging?.account
    if (this.express === undefined)
      kernel.runUntil(endedAt + drainSeconds, () => log.inFlight === 0 && (account?.underWay ?? 0) === 0)
    else if (!this.express.run(endedAt + drainSeconds)) throw new OffExpress()
    this.express?.end()
    this.emit({ type: 'ended', at: kernel.now, status })
    const result = assembleRunResult({
      engine: 'sim',
      status,
      seed,
      topology: { name: topology.name, digest: topology.digest },
      calibration: calibrationMark(topology.calibration),
      placement: this.placement,
      experiment: { name: experiment.name, digest: experiment.digest },
      startedAt: null,
      warmupSeconds: experiment.warmupSeconds,
      versions: {},
      requests: log.result(endedAt),
      ...measured,
      ...(this.intervalSeconds === 1 ? {} : { seriesSeconds: this.intervalSeconds }),
      events: this.events,
      track: log.faults(endedAt),
      endedAt,
      invariants: invariantJudgements(this.system.state),
      steadyState: [],
      slo: [],
    })
    return judged(this.withStatistics(result), experiment, topology)
  }

  private withStatistics(result: RunResult): RunResult {
    const why = this.abortReason === undefined ? unsteadyBecause(this.input.experiment) : 'the run was aborted'
    return why === undefined && this.intervals !== undefined
      ? withBatchMeans(result, this.intervals.series())
      : withoutHalfWidths(result, `no steady state: ${why}`)
  }

  private get ended(): boolean {
    return this.abortReason !== undefined || this.kernel.now >= this.durationSeconds
  }

  private begin(): void {
    const { topology, experiment, seed } = this.input
    this.emit({
      type: 'started',
      at: 0,
      engine: 'sim',
      topology: topology.name,
      experiment: experiment.name,
      seed,
      durationSeconds: this.durationSeconds,
      placement: this.placement,
    })
    if (experiment.warmupSeconds > 0) this.emit({ type: 'phase', at: 0, phase: 'warm-up' })
    else this.measure()
  }

  private measure(): void {
    this.measuring = true
    this.meters.mark()
    const { log, meters, kernel, durationSeconds } = this
    if (kernel.now < durationSeconds && unsteadyBecause(this.input.experiment) === undefined)
      this.intervals = new Intervals(log, meters, kernel.meters, kernel.now, durationSeconds)
    this.emit({ type: 'phase', at: this.kernel.now, phase: 'measure' })
  }

  /** Everything that happens until `at`, and the clock there. */
  private runTo(at: number): void {
    const { intervals } = this
    while (intervals !== undefined && intervals.nextAt < at) {
      this.playTo(intervals.nextAt)
      intervals.look()
    }
    this.playTo(at)
  }

  private playTo(at: number): void {
    if (this.express === undefined) this.kernel.run(at)
    else if (!this.express.run(at)) throw new OffExpress()
    if (this.kernel.queue.now < at) this.kernel.queue.moveTo(at)
  }

  /** Demand that depends on load, whatever the intervals of the series are. */
  private followLoad(smoothed: SmoothedRates, elapsed: number): void {
    const visits = new Map(this.meters.visits()).set('generator', this.clients.issued)
    this.system.refreshDemand(smoothed.add(visits, elapsed))
  }

  private endInterval(): void {
    const { components, hosts, generatorCpu } = this.meters.interval()
    const { now } = this.kernel
    const second: SecondEvent = {
      type: 'second',
      at: now,
      ...(this.intervalSeconds === 1 ? {} : { seconds: now - this.intervalBegan }),
      requests: this.log.second(),
      components,
      hosts,
      generator: { lagMaxSeconds: 0, unsent: 0, cpu: generatorCpu },
    }
    this.intervalBegan = now
    this.emit(second)
    this.abortReason ??= this.aborts(second)
  }

  /** Processes of one instance go together: it is noticed once. */
  private noticed(endpoint: Endpoint, by: string): void {
    if (by === 'generator' || endpoint.noticedBy !== undefined) return
    endpoint.noticedBy = by
    const { instance } = endpoint
    if (this.missing.has(instance)) return
    this.missing.add(instance)
    this.emit({ type: 'detected', at: this.now, instance, by })
  }

  private recovered(endpoint: Endpoint): void {
    const { instance, noticedBy = '' } = endpoint
    endpoint.noticedBy = undefined
    if (this.missing.delete(instance)) this.emit({ type: 'recovered', at: this.now, instance, by: noticedBy })
  }

  private emit(event: RunEvent): void {
    this.events.push(event)
    this.input.onEvent?.(event)
  }
}

/**
 * A simulation from outside. It begins on the express way where it can; if that meets what it does not know, it begins anew on
 * the general way, which gives the same results up to there: whoever listens hears nothing twice.
 */
export class Simulation {
  private course: Course
  private advances = 0
  private told = 0

  /** Throws a PlimsollError for what cannot be simulated yet, before anything happens. */
  constructor(private readonly input: SimulateInput) {
    this.course = this.begin(input.express !== false, 0)
  }

  get durationSeconds(): number {
    return this.course.durationSeconds
  }

  /** Which way the simulation takes. */
  get way(): 'express' | 'general' {
    return this.course.way
  }

  /** Simulated seconds so far. */
  get now(): number {
    return this.course.now
  }

  /** To the next full second, or the end of the load. False: the load has ended. */
  advance(): boolean {
    const more = this.play((course) => course.advance())
    this.advances += 1
    return more
  }

  /** Waits for what is in flight, and tells what was seen. Call it once, when `advance` has returned false. */
  finish(): RunResult {
    return this.play((course) => course.finish())
  }

  private play<T>(action: (course: Course) => T): T {
    try {
      return action(this.course)
    } catch (error) {
      if (!(error instanceof OffExpress)) throw error
      this.course = this.begin(false, this.told)
      for (let i = 0; i < this.advances; i++) this.course.advance()
      return action(this.course)
    }
  }

  /** `known`: how many events have been told already. */
  private begin(express: boolean, known: number): Course {
    let skip = known
    const onEvent = (event: RunEvent): void => {
      skip -= 1
      if (skip >= 0) return
      this.told += 1
      this.input.onEvent?.(event)
    }
    return new Course({ ...this.input, onEvent }, express)
  }
}
