/**
 * The facets of a technology, one folder each in src/catalog/. The descriptor (src/topology/engine.ts) and `config` are
 * pure and load eagerly; `live` is loaded when something is really started, so that `plan` never loads a database driver.
 */
import type { EngineDescriptor } from '../topology/engine.js'
import type { Component, Topology } from '../topology/types.js'
import type { ProcessSpec } from './process-spec.js'
import type { InstanceSample } from './running-system.js'
import type { Binding } from './workload.js'

export interface Address {
  /** `app/0` */
  readonly instance: string
  readonly host: string
  readonly port: number
}

/** Everything that a configuration depends on, besides the topology. */
export interface ConfigContext {
  readonly topology: Topology
  readonly component: Component
  /** Of the instance, from 0. */
  readonly index: number
  readonly listen: { readonly host: string; readonly port: number }
  /** Where the processes of another component listen, in order of instance; without a role, all of them. */
  readonly addresses: (component: string, role?: string) => readonly Address[]
  /** Absolute folder that the server may write to (pid, temporary and data files). */
  readonly folder: string
  /** Of a replicated store, as it is at present; undefined: as declared, the first is primary and all others follow. */
  readonly members?: Members | undefined
}

/** Who of a store's instances does what, by index. */
export interface Members {
  /** Takes the writes (or did so last). */
  readonly primary: number
  /** Up, and following the primary. */
  readonly following: readonly number[]
}

export interface ConfigFacet {
  /** Configuration files by path relative to `folder`; byte-deterministic. */
  readonly files: (context: ConfigContext) => Readonly<Record<string, string>>
}

/** How the numbers of a technology are read in Prometheus' text format. */
export interface MetricsFacet {
  readonly path: string
  /** A side process per instance that asks the server and answers Prometheus; undefined: the server answers itself. */
  readonly exporter?: Exporter
}

export interface Exporter {
  readonly program: ProgramNeed
  /** Of the same program, as a container. */
  readonly image: string
  /** Where it listens in a container. */
  readonly port: number
  /** It asks the server's status page, which may have a listener of its own, rather than the port of the traffic. */
  readonly asksStatusPage: boolean
  /** The variable in which it finds the password of its server; absent: it needs none. */
  readonly passwordVariable?: string
  readonly args: (context: ExporterContext) => readonly string[]
  readonly env: (context: ExporterContext) => Readonly<Record<string, string>>
}

export interface ExporterContext {
  /** The server that it asks. */
  readonly server: { readonly host: string; readonly port: number }
  readonly listen: { readonly host: string; readonly port: number }
  /** Undefined: the server asks for none, or the surroundings set the exporter's own variable. */
  readonly password?: string | undefined
}

/** What Prometheus asks, of one process. */
export interface ScrapeTarget {
  readonly component: string
  readonly engine: string
  /** `app/0` */
  readonly instance: string
  /** Of the instance, from 0. */
  readonly process: number
  readonly host: string
  readonly port: number
  readonly path: string
}

export interface LiveContext extends ConfigContext {
  /** Listening addresses of this instance, one per process. */
  readonly listens: readonly { readonly host: string; readonly port: number }[]
  /** Paths of programs that `doctor` found, by program name. */
  readonly programs: Readonly<Record<string, string>>
  /** Bindings of every store and service of the system, for the workload service. */
  readonly bindings: () => Readonly<Record<string, Binding>>
  /** A second port per process, for metrics or status pages. */
  readonly adminPorts: readonly number[]
  /** The same of another component, in order of its instances' processes; absent: they have none. */
  readonly adminAddresses?: (component: string) => readonly Address[]
  /** Where plimsoll itself reaches the instances of a component, in order; absent: at `addresses`. */
  readonly reachedAt?: (component: string) => readonly Address[]
  readonly seed: number
  /** Root of the package, for entry points below dist/. */
  readonly packageFolder: string
  /** Who may do everything in a store's server, where that is not its own default. */
  readonly superuser?: string
  /** CPU-seconds that the instance has used, where its processes cannot be seen one by one (in a container). */
  readonly cpuSeconds?: () => number
  /** Random per system, hexadecimal: passwords of its servers. Kept in the system's folder only. */
  readonly secret: string
}

export interface ProgramNeed {
  readonly name: string
  /** Debian's package that holds it. */
  readonly debianPackage: string
  /** Absolute paths to try besides PATH, newest version first; `*` matches one path segment. */
  readonly candidates: readonly string[]
  readonly versionArgs: readonly string[]
}

/** Of a technology whose stores have copies. The instances of such a component start one by one: the first, `prepare`, the others. */
export interface ReplicationFacet {
  readonly hasCopies: (component: Component) => boolean
  /** How much of its primaries' log a copy has, in bytes: of several, the one with most has lost least. */
  readonly received: (context: LiveContext) => Promise<number>
  /** Makes the copy the primary of the others; resolves when it takes writes. */
  readonly promote: (context: LiveContext) => Promise<void>
  /** Does the copy receive what the primary does at present? */
  readonly follows: (context: LiveContext) => Promise<boolean>
  /** What a server reads its files again on. */
  readonly reloadSignal: 'SIGHUP'
}

/** What an instance's server counts itself; CPU and memory come from the kernel. Cumulative since its start. */
export type InstanceCounters = Partial<Omit<InstanceSample, 'cpuSeconds' | 'memoryBytes'>>

export interface LiveFacet {
  readonly programs: readonly ProgramNeed[]
  /** Processes per instance that listen on a port of their own. */
  readonly processes: (component: Component, topology: Topology) => number
  /** Event loops per instance, all of its processes together; undefined: its work runs in parallel. */
  readonly eventLoops: (component: Component) => number | undefined
  readonly specs: (context: LiveContext) => readonly ProcessSpec[]
  /** Once all instances of the component answer their probe: create users, tables, data. Returns what others must know of it. */
  readonly prepare?: (context: LiveContext) => Promise<Partial<Binding>>
  readonly replication?: ReplicationFacet
  /** May reject or be slow when the instance is down: whoever calls it keeps the last counters. */
  readonly sample?: (context: LiveContext) => Promise<InstanceCounters>
  /** The upstream server (`host:port`) that a line of its log complains of: how a balancer's noticing is seen. */
  readonly noticed?: (line: string) => string | undefined
}

export interface Engine {
  readonly descriptor: EngineDescriptor
  readonly config?: ConfigFacet
  /** Absent: this technology cannot be launched natively yet, and asking for it says so by name. */
  readonly live?: () => Promise<LiveFacet>
}
