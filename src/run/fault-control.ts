/** Faults of one experiment on one running system: injected and taken back at their times, each told to the journal. */
import { faultSchedule } from '../chaos/schedule.js'
import type { RunningLoad } from '../contract/load.js'
import type { RunningSystem } from '../contract/running-system.js'
import { faultText, targetText } from '../experiment/fault-text.js'
import type { Fault } from '../experiment/types.js'
import { PlimsollError } from '../lib/errors.js'
import type { RunEvent } from '../result/run-event.js'
import type { Topology } from '../topology/types.js'
import { type BalancerLog, watchBalancers } from './balancer-watch.js'
import type { RunClock } from './clock.js'
import type { Journal } from './journal.js'

export interface FaultControl {
  /** Injects and undoes by schedule; resolves when the last action is done, or early when `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Ends all watches and, with `restore`, takes back what is still in force. Idempotent. */
  end(restore: boolean): Promise<void>
  /** Is a balancer in front of this instance being watched? Then its word counts for detection, not the supervisor's. */
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

/** Balancers that send to a component. */
const balancersOf = (topology: Topology, component: string): readonly string[] =>
  Object.values(topology.components).flatMap((candidate) =>
    candidate.role === 'balancer' && candidate.upstreams.some((upstream) => upstream.component === component)
      ? [candidate.id]
      : [],
  )

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
  const at = (): number => clock.now() - zero

  const tell = (fault: Fault, index: number, event: Pick<FaultEvent, 'at' | 'phase' | 'inFlight' | 'message'>): void =>
    journal.add({ type: 'fault', fault: index, kind: fault.kind, target: targetText(fault.target), ...event })

  /** Prepares the watch before the fault strikes; the returned function begins it. */
  const prepareWatch = async (fault: Fault): Promise<() => void> => {
    const instances = struck(fault, topology)
    const component = 'component' in fault.target ? fault.target.component : undefined
    const balancers = component === undefined ? [] : balancersOf(topology, component)
    if (balancers.length === 0 || instances.length === 0) return () => {}
    const status = await system.status()
    const addresses = status.filter(({ id }) => instances.includes(id)).flatMap((instance) => instance.addresses)
    const logs: BalancerLog[] = status
      .filter((instance) => balancers.includes(instance.component))
      .map((instance) => ({ balancer: instance.component, logFile: instance.logFile }))
    const first = instances[0]
    if (addresses.length === 0 || logs.length === 0 || first === undefined) return () => {}
    for (const instance of instances) watched.add(instance)
    const begin = await watchBalancers(logs, addresses, (balancer) =>
      journal.add({ type: 'detected', at: at(), instance: first, by: balancer }),
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
      // An instance that has been started again meanwhile has nothing to be taken back.
      const status = await system.status().catch(() => [])
      const back = new Set(status.filter(({ state }) => state === 'ready').map(({ id }) => id))
      const inForce = [...injected.keys()].filter((index) => {
        const fault = faults[index]
        const instances = fault === undefined ? [] : struck(fault, topology)
        return instances.length === 0 || instances.some((instance) => !back.has(instance))
      })
      await Promise.all(inForce.map(undo))
    },
    watches: (instance) => watched.has(instance),
  }
}
