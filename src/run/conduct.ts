/**
 * Conducts one experiment on a running system: load, faults at their times, a sample every second, and what must hold is
 * watched. One clock: seconds since the load began. Every event is handed on as it becomes known.
 */
import type { LoadResult, RunningLoad } from '../contract/load.js'
import type { ProcessCpu, RunningSystem } from '../contract/running-system.js'
import { loadSeconds } from '../experiment/load.js'
import type { Experiment } from '../experiment/types.js'
import type { RunEvent, SecondEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import { stepFacts } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import type { RunClock } from './clock.js'
import { faultControl } from './fault-control.js'
import { Journal } from './journal.js'
import { interval } from './meter.js'
import { sampleTimes, type TimedSample, takeSamples } from './sampler.js'
import { SecondAssembler } from './seconds.js'
import { stackResult } from './stack-result.js'

export interface ConductOptions {
  readonly topology: Topology
  readonly experiment: Experiment
  readonly seed: number
  readonly system: RunningSystem
  readonly load: RunningLoad
  readonly clock: RunClock
  /** Aborted: stop the load, undo the faults, and tell what was seen. */
  readonly signal: AbortSignal
  readonly onEvent: (event: RunEvent) => void
  /** ISO 8601, of the moment at which the load begins. */
  readonly wallClock: () => string
  readonly versions: Readonly<Record<string, string>>
  /** Why the run must end after this second; undefined: it goes on. */
  readonly mustAbort: (second: SecondEvent) => string | undefined
  /** False: the system is about to be taken down anyway, so faults need not be taken back. */
  readonly restore: boolean
  /** What this process has used so far; undefined: it does not run on the hosts of the system. */
  readonly conductor?: () => ProcessCpu
}

/** Seconds that requests in flight are given when a run ends early. */
const grace = { aborted: 2, interrupted: 0.2 } as const

/** Rejects when the load itself fails; the faults are undone then too. */
export const conduct = async (options: ConductOptions): Promise<RunResult> => {
  const { topology, experiment, seed, system, load, clock, signal, onEvent } = options
  const durationSeconds = loadSeconds(experiment.load)
  const { warmupSeconds } = experiment
  const zero = await load.started
  const startedAt = options.wallClock()
  const at = (): number => clock.now() - zero
  const journal = new Journal(onEvent)
  /** Ends sampling and faults: the load is over, whatever the reason. */
  const over = new AbortController()
  let status: RunResult['status'] = 'completed'

  const end = async (reason: 'aborted' | 'interrupted'): Promise<void> => {
    if (status !== 'completed' || over.signal.aborted) return
    status = reason
    over.abort()
    await load.stop(grace[reason])
  }
  const interrupt = (): void => {
    void end('interrupted')
  }

  const assembler = new SecondAssembler(system.placement, stepFacts(topology), (second) => {
    journal.add(second)
    journal.hold('second', second.at + 1)
    journal.release('')
    const reason = options.mustAbort(second)
    if (reason !== undefined && status === 'completed') {
      journal.add({ type: 'aborted', at: second.at, reason })
      void end('aborted')
    }
  })

  journal.add({
    type: 'started',
    at: 0,
    engine: 'stack',
    topology: topology.name,
    experiment: experiment.name,
    seed,
    durationSeconds,
    placement: system.placement,
  })
  if (warmupSeconds > 0) journal.add({ type: 'phase', at: 0, phase: 'warm-up' })
  journal.hold('second', 1)
  if (warmupSeconds < durationSeconds) journal.add({ type: 'phase', at: warmupSeconds, phase: 'measure' })

  const faults = faultControl({ faults: experiment.faults, topology, system, load, journal, clock, zero })
  const unsubscribe = system.onEvent((event) => {
    const stamped = { ...event, at: Math.max(0, at()) }
    if (stamped.type === 'instance') assembler.follow(stamped)
    // Whoever sends to the instance says when traffic noticed; the supervisor's word would only hide that.
    if (stamped.type === 'detected' && faults.watches(stamped.instance)) return
    journal.add(stamped)
    if (stamped.type === 'instance' && stamped.state === 'ready') faults.ready(stamped.instance)
  })
  load.onSecond((second) => assembler.load(second))

  const samples: TimedSample[] = []
  const sampling = takeSamples(
    {
      system,
      clock,
      zero,
      times: sampleTimes(durationSeconds, warmupSeconds),
      conductor: options.conductor,
      onSample: (sample) => {
        const previous = samples.findLast((earlier) => earlier.at <= sample.at - 1)
        samples.push(sample)
        if (previous !== undefined && Number.isInteger(sample.at))
          assembler.interval(sample.at, interval(previous.sample, sample.sample))
      },
      onError: (sampleAt, error) => {
        if (Number.isInteger(sampleAt)) assembler.interval(sampleAt, null)
        journal.add({ type: 'note', at: at(), message: `the system could not be sampled: ${String(error)}` })
      },
    },
    over.signal,
  )
  const injecting = faults.run(over.signal)

  signal.addEventListener('abort', interrupt, { once: true })
  if (signal.aborted) interrupt()
  let result: LoadResult
  try {
    result = await load.done
  } finally {
    over.abort()
    signal.removeEventListener('abort', interrupt)
    await Promise.allSettled([sampling, injecting])
    await faults.end(options.restore)
    unsubscribe()
  }
  const endedAt = status === 'completed' ? durationSeconds : Math.min(durationSeconds, result.durationSeconds)
  journal.close()
  journal.add({ type: 'ended', at: Math.max(endedAt, journal.events.at(-1)?.at ?? 0), status })
  return stackResult({
    topology,
    experiment,
    seed,
    status,
    startedAt,
    endedAt,
    system,
    versions: options.versions,
    load: result,
    samples,
    events: [...journal.events, ...journal.series],
  })
}
