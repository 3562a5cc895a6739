/** A system that this process owns: its instances are restarted when they crash, and undone as a whole. */
import type { LedgerEntry } from '../../contract/ledger.js'
import type { Ledger, Machine } from '../../contract/machine.js'
import type {
  InstanceStatus,
  ProcessCpu,
  RunningSystem,
  RuntimeName,
  SystemSample,
} from '../../contract/running-system.js'
import type { Fault } from '../../experiment/types.js'
import type { Placement } from '../../result/placement.js'
import type { InstanceState } from '../../result/run-event.js'
import type { Topology } from '../../topology/types.js'
import { injectFault } from './faults.js'
import type { Instance } from './instance.js'
import { type Sampled, Sampler } from './sampler.js'
import { undoEntry } from './undo.js'

export type SystemEvent = Parameters<Parameters<RunningSystem['onEvent']>[0]>[0]
export type NewEvent = SystemEvent extends infer E ? (E extends SystemEvent ? Omit<E, 'at'> : never) : never

/** Tells listeners; `at` is on the clock of `SystemSample.at`. */
export class EventHub {
  readonly #listeners = new Set<(event: SystemEvent) => void>()

  emit(event: NewEvent): void {
    const whole = { ...event, at: performance.now() / 1000 } as SystemEvent
    for (const listener of this.#listeners) listener(whole)
  }

  listen(listener: (event: SystemEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** What the change of an instance's state means to those who watch. */
export const eventsOf = (
  instance: string,
  before: InstanceState | undefined,
  state: InstanceState,
): readonly NewEvent[] => [
  { type: 'instance', instance, state },
  ...(state === 'ready' && before === 'starting' ? [{ type: 'recovered', instance, by: 'supervisor' } as const] : []),
]

export interface SystemParts {
  readonly runtime: RuntimeName
  readonly machine: Machine
  readonly ledger: Ledger
  readonly entry: LedgerEntry
  readonly topology: Topology
  readonly placement: Placement
  readonly entries: Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, string>>
  readonly sampled: readonly Sampled[]
  readonly daemons: (() => readonly ProcessCpu[]) | undefined
  readonly replications: readonly { end(): void }[]
  readonly hub: EventHub
  /** Called once nothing of it is left. */
  readonly onDown: () => void
}

/** Balancers and services first, then the stores that they still write to. */
export const closeInstances = async (
  instances: readonly Instance[],
  isStore: (component: string) => boolean,
): Promise<void> => {
  const stores = instances.filter(({ component }) => isStore(component))
  await Promise.all(instances.filter((one) => !stores.includes(one)).map((one) => one.close(true)))
  await Promise.all(stores.map((one) => one.close(true)))
}

export class OwnedSystem implements RunningSystem {
  readonly runtime: RuntimeName
  readonly id: string
  readonly topologyDigest: string
  readonly placement: Placement
  readonly entries: Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, string>>
  readonly #instances: readonly Instance[]
  readonly #sampler: Sampler
  #ending: Promise<void> | undefined
  #ended: () => void = () => undefined
  /** Resolves once it is down. */
  readonly ended = new Promise<void>((resolve) => {
    this.#ended = resolve
  })

  constructor(private readonly parts: SystemParts) {
    this.runtime = parts.runtime
    this.id = parts.entry.id
    this.topologyDigest = parts.topology.digest
    this.placement = parts.placement
    this.entries = parts.entries
    this.versions = parts.versions
    this.#instances = parts.sampled.map(({ instance }) => instance)
    const host = Object.keys(parts.placement.hosts)[0] ?? 'local'
    this.#sampler = new Sampler(parts.machine, host, parts.sampled, parts.daemons)
  }

  status(): Promise<readonly InstanceStatus[]> {
    return Promise.resolve(this.#instances.map((instance) => instance.status()))
  }

  sample(): Promise<SystemSample> {
    return this.#sampler.sample()
  }

  inject(fault: Fault): Promise<{ readonly undo: () => Promise<void> }> {
    return injectFault(fault, this.#instances, this.parts.topology)
  }

  onEvent(listener: (event: SystemEvent) => void): () => void {
    return this.parts.hub.listen(listener)
  }

  down(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    const { topology, entry, ledger, machine, replications, onDown } = this.parts
    for (const replication of replications) replication.end()
    await closeInstances(this.#instances, (id) => topology.components[id]?.role === 'store')
    await undoEntry(entry, ledger, machine)
    onDown()
    this.#ended()
  }
}
