/** Starts the instances of an assembly, each component as soon as those that it depends on are ready. */
import { watchedBy } from '../../catalog/metrics.js'
import type { LedgerEntry } from '../../contract/ledger.js'
import type { Ledger } from '../../contract/machine.js'
import { targetFailed } from '../../lib/errors.js'
import type { InstanceState } from '../../result/run-event.js'
import type { Component, ComponentId, Topology } from '../../topology/types.js'
import { Instance } from './instance.js'
import type { LaunchOptions } from './launch.js'
import { watchBalancers } from './notice.js'
import { Replication } from './replication.js'
import type { Assembly, Member } from './runtime.js'
import type { Sampled } from './sampler.js'
import { closeInstances, EventHub, eventsOf, OwnedSystem } from './system.js'

interface StartOptions {
  readonly entry: LedgerEntry
  readonly ledger: Ledger
  readonly options: LaunchOptions
  readonly assembly: Assembly
  /** Milliseconds, of performance.now(). */
  readonly beganAt: number
  /** Called once nothing of the system is left. */
  readonly onDown: () => void
}

/** On failure everything that was started has been ended when this rejects. */
export const startInstances = async (start: StartOptions): Promise<OwnedSystem> => {
  const { entry, ledger, options, assembly, onDown } = start
  const { machine, topology } = options
  const hub = new EventHub()
  const replications = replicationsOf(assembly, hub)
  const sampled = assembly.members.map((member) => sampledOf(member, hub, replications.get(member.component.id), start))
  const instances = sampled.map(({ instance }) => instance)
  // One failure ends the wait of all the others.
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  try {
    await assembly.release()
    const versions = assembly.versions()
    versions.catch(() => undefined)
    await startAll(topology, assembly, instances, signal).catch((error: unknown) => {
      failed.abort()
      throw error
    })
    if (options.signal.aborted) throw targetFailed('interrupted')
    for (const [id, replication] of replications)
      await replication.begin(sampled.filter(({ instance }) => instance.component === id))
    const placement = await assembly.placement()
    const stopWatching = watchBalancers(assembly.members, hub)
    return new OwnedSystem({
      runtime: options.runtime.name,
      machine,
      ledger,
      entry,
      topology,
      placement,
      entries: assembly.entries,
      versions: await versions,
      sampled,
      daemons: assembly.daemons,
      replications: [...replications.values()],
      hub,
      onDown: () => {
        stopWatching()
        assembly.close()
        onDown()
      },
    })
  } catch (error) {
    failed.abort()
    for (const replication of replications.values()) replication.end()
    await closeInstances(instances, (id) => topology.components[id]?.role === 'store')
    assembly.close()
    throw error
  }
}

/** Of the stores that have copies. */
const replicationsOf = ({ members, roles }: Assembly, hub: EventHub): ReadonlyMap<ComponentId, Replication> => {
  const found = new Map<ComponentId, Replication>()
  for (const { component, facet } of members)
    if (roles !== undefined && component.role === 'store' && facet.replication?.hasCopies(component) === true)
      if (!found.has(component.id)) found.set(component.id, new Replication(component, facet.replication, hub, roles))
  return found
}

const sampledOf = (
  member: Member,
  hub: EventHub,
  replication: Replication | undefined,
  { options, beganAt }: StartOptions,
): Sampled => {
  const { id, component, index, body, logFile, context, facet, peerAddresses } = member
  let before: InstanceState | undefined
  const instance = new Instance({
    id,
    component: component.id,
    index,
    body,
    logFile,
    addresses: context.listens.map(({ host, port }) => `${host}:${port}`),
    peerAddresses,
    restartAfterSeconds: component.restartAfterSeconds,
    ...(replication === undefined ? {} : { beforeStart: () => replication.settled() }),
    onState: (one, state) => {
      for (const event of eventsOf(one.id, before, state)) hub.emit(event)
      before = state
      replication?.changed(one.index, state)
      options.onProgress?.({ instance: one.id, state, atSeconds: (performance.now() - beganAt) / 1000 })
    },
    onCrash: () => hub.emit({ type: 'detected', instance: id, by: 'supervisor' }),
    onNote: (message) => hub.emit({ type: 'note', message }),
  })
  return { instance, facet, context }
}

/**
 * Who must be ready first: a balancer waits for its upstreams, a service for the stores of its steps and pools, a monitor for
 * what it watches.
 */
const dependencies = (component: Component, topology: Topology): readonly ComponentId[] => {
  if (component.role === 'balancer') return component.upstreams.map((upstream) => upstream.component)
  // Monitors may watch each other.
  if (component.role === 'monitor')
    return watchedBy(topology, component).flatMap(({ id, role }) => (role === 'monitor' ? [] : [id]))
  if (component.role !== 'service') return []
  return Object.values(topology.components)
    .filter((other) => other.role === 'store' || other.role === 'external')
    .map((other) => other.id)
}

/** Each component as soon as those that it depends on are ready. Rejects with the first failure. */
const startAll = async (
  topology: Topology,
  { members, prepared }: Assembly,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<void> => {
  const ready = new Map<ComponentId, Promise<void>>()
  const startComponent = async (component: Component): Promise<void> => {
    await Promise.all(dependencies(component, topology).map(becomesReady))
    if (signal.aborted) return
    const own = instances.filter((instance) => instance.component === component.id)
    const first = members.find((member) => member.component.id === component.id)
    // Copies are made of the first, with all that it holds.
    const copies = first?.facet.replication?.hasCopies(component) === true ? own.slice(1) : []
    await Promise.all(own.filter((one) => !copies.includes(one)).map((instance) => instance.start(signal)))
    if (first?.facet.prepare !== undefined) prepared.set(component.id, await first.facet.prepare(first.context))
    await Promise.all(copies.map((instance) => instance.start(signal)))
  }
  const becomesReady = (id: ComponentId): Promise<void> => {
    const known = ready.get(id)
    if (known !== undefined) return known
    const component = topology.components[id]
    const promise = component === undefined ? Promise.resolve() : startComponent(component)
    ready.set(id, promise)
    return promise
  }
  await Promise.all([...new Set(members.map(({ component }) => component.id))].map(becomesReady))
}
