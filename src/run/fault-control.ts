/** Faults of one experiment on one running system: injected and taken back at their times, each told to the journal. */
import { faultSchedule } from '../chaos/schedule.js'
import type { RunningLoad } from '../contract/load.js'
import type { RunningSystem } from '../contract/running-system.js'
import { faultText, targetText } from '../experiment/fault-text.js'
import type { Fault } from '../experiment/types.js'
import { PlimsollError } from '../lib/errors.js'
import type { RunEvent } from '../result/run-event.js'
import { stepFacts } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import type { RunClock } from './clock.js'
import type { Journal } from './journal.js'
import { watchLogs } from './log-watch.js'
import { watchedLogs } from './watched-logs.js'

export interface FaultControl {
  /** Injects and undoes by schedule; resolves when the last action is done, or early when `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Ends all watches and, with `restore`, takes back what is still in force. Idempotent. */
  end(restore: boolean): Promise<void>
  /** An instance is ready again: a kill, stop or restart of it is over when all that it struck are. */
  ready(instance: string): void
  /** Are the logs of those that send to this instance being watched? Then their word counts, not the supervisor's. */
  watches(instance: string): boolean
}

interface Options {
  readonly faults: readonly Fault[]
  readonly topology: Topology
  readonly system: RunningSystem
  readonly load: RunningLoad
  readonly journal: Journal
  readonly clock: RunClock
  /** `clock.now()` at second 0 of the run. */
  readonly zero: number
}

const messageOf = (error: unknown): string =>
  error instanceof PlimsollError
    ? error.problems.map((problem) => [problem.message, problem.why].filter(Boolean).join(': ')).join('; ')
    : error instanceof Error
      ? error.message
      : String(error)

type FaultEvent = Extract<RunEvent, { type: 'fault' }>

/** Instances (`app/0`) that a fault strikes. */
const struck = (fault: Fault, topology: Topology): readonly string[] => {
  const { target } = fault
  if (target.kind === 'instance') return [`${target.component}/${target.index}`]
  if (target.kind !== 'component') return []
  const replicas = topology.components[target.component]?.replicas ?? 0
  return Array.from({ length: replicas }, (_, index) => `${target.component}/${index}`)
}

export const faultControl = (options: Options): FaultControl => {
  const { faults, topology, system, load, journal, clock, zero } = options
  const injected = new Map<number, Promise<(() => Promise<void>) | undefined>>()
  const watched = new Set<string>()
  const endWatches: (() => void)[] = []
  /** By fault: instances that it took down and that are not back yet. */
  const waitingFor = new Map<number, Set<string>>()
  const at = (): number => clock.now() - zero

  const tell = (fault: Fault, index: number, event: Pick<FaultEvent, 'at' | 'phase' | 'inFlight' | 'message'>): void =>
    journal.add({ type: 'fault', fault: index, kind: fault.kind, target: targetText(fault.target), ...event })

  /** Prepares the watch before the fault strikes; the returned function begins it. */
  const prepareWatch = async (fault: Fault): Promise<() => void> => {
    const instances = struck(fault, topology)
    const component = 'component' in fault.target ? fault.target.component : undefined
    const first = instances[0]
    if (component === undefined || first === undefined) return () => {}
    const status = await system.status()
    const addresses = status
      .filter(({ id }) => instances.includes(id))
      .flatMap(({ addresses, peerAddresses }) => peerAddresses ?? addresses)
    const logs = watchedLogs(topology, component, addresses, status, [...stepFacts(topology).values()])
    if (logs.length === 0) return () => {}
    for (const instance of instances) watched.add(instance)
    const begin = await watchLogs(logs, (by, agoSeconds) =>
      journal.add({ type: 'detected', at: Math.max(0, at() - agoSeconds), instance: first, by }),
    )
    return () => {
      endWatches.push(begin())
    }
  }

  const inject = async (fault: Fault, index: number): Promise<(() => Promise<void>) | undefined> => {
    try {
      const beginWatch = await prepareWatch(fault)
      const { at: began } = await load.mark(index)
      // What follows from the fault (a crash, a balancer that notices) must not be told before it.
      journal.hold(`fault ${index}`, began)
      beginWatch()
      const { undo } = await system.inject(fault)
      const { inFlight } = await load.markInForce(index)
      tell(fault, index, { phase: 'injected', at: began, inFlight })
      if (fault.kind !== 'pause') waitingFor.set(index, new Set(struck(fault, topology)))
      return undo
    } catch (error) {
      tell(fault, index, { phase: 'failed', at: at(), inFlight: 0, message: messageOf(error) })
      return undefined
    } finally {
      journal.release(`fault ${index}`)
    }
  }

  const undo = async (index: number): Promise<void> => {
    const fault = faults[index]
    const undoFault = await injected.get(index)
    injected.delete(index)
    if (undoFault === undefined || fault === undefined) return
    waitingFor.delete(index)
    try {
      await undoFault()
      tell(fault, index, { phase: 'undone', at: at(), inFlight: 0 })
    } catch (error) {
      journal.add({ type: 'note', at: at(), message: `${faultText(fault)} could not be undone: ${messageOf(error)}` })
    }
  }

  return {
    run: async (signal) => {
      const pending: Promise<unknown>[] = []
      for (const action of faultSchedule(faults)) {
        await clock.waitUntil(zero + action.at, signal)
        if (signal.aborted) break
        const fault = faults[action.fault]
        if (fault === undefined) continue
        if (action.action === 'inject') {
          const injection = inject(fault, action.fault)
          injected.set(action.fault, injection)
          pending.push(injection)
        } else pending.push(undo(action.fault))
      }
      await Promise.all(pending)
    },
    end: async (restore) => {
      for (const end of endWatches.splice(0)) end()
      if (!restore) return
      await Promise.all([...injected.keys()].map(undo))
    },
    ready: (instance) => {
      for (const [index, down] of waitingFor) {
        down.delete(instance)
        const fault = faults[index]
        if (down.size > 0 || fault === undefined) continue
        waitingFor.delete(index)
        injected.delete(index)
        tell(fault, index, { phase: 'undone', at: at(), inFlight: 0 })
      }
    },
    watches: (instance) => watched.has(instance),
  }
}
