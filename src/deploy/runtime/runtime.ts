/** What the runtimes differ in: what an instance is made of, and how the others find it. */
import type { LiveContext, LiveFacet, Members } from '../../contract/engine.js'
import type { LedgerEntry } from '../../contract/ledger.js'
import type { ProcessCpu } from '../../contract/running-system.js'
import type { Binding } from '../../contract/workload.js'
import type { Placement } from '../../result/placement.js'
import type { Component, ComponentId } from '../../topology/types.js'
import type { Body } from './body.js'
import type { LaunchOptions } from './launch.js'

export interface Runtime {
  readonly name: 'process' | 'compose'
  /** Checks that fail before anything is touched: what is not supported (exit 3), what is not installed (exit 5). */
  readonly preflight: (options: Pick<LaunchOptions, 'topology' | 'engines' | 'machine'>) => Promise<void>
  /** A sentence for each component that it does not start, though it is declared; absent: it starts all of them. */
  readonly leftOut?: (options: Pick<LaunchOptions, 'topology' | 'engines'>) => readonly string[]
  /** Everything up to the first start, in a folder that exists and that the ledger knows. */
  readonly assemble: (entry: LedgerEntry, options: LaunchOptions) => Promise<Assembly>
}

/** A topology whose instances are ready to be started. */
export interface Assembly {
  readonly members: readonly Member[]
  /** What `prepare` of each component told; filled as the components become ready. */
  readonly prepared: Map<ComponentId, Partial<Binding>>
  /** Who does what in stores with copies, at present; read by the contexts. Absent: nobody supervises them. */
  readonly roles?: Map<ComponentId, Members>
  /** Base URL at which requests enter, by the component that stands outermost. */
  readonly entries: Readonly<Record<ComponentId, string>>
  /** Ports that were held until now are let go: their servers are about to take them. */
  readonly release: () => Promise<void>
  /** Asked once everything runs. */
  readonly placement: () => Promise<Placement>
  readonly versions: () => Promise<Readonly<Record<string, string>>>
  /** As if it had never been started: for another try with other ports. Everything has ended. */
  readonly discard: () => Promise<void>
  /** Daemons that work for the instances without being part of one; absent: there are none. */
  readonly daemons?: () => readonly ProcessCpu[]
  /** The system goes down: nothing here is to be watched any longer. */
  readonly close: () => void
}

/** An instance before its first start. */
export interface Member {
  readonly id: string
  readonly component: Component
  readonly index: number
  readonly facet: LiveFacet
  /** As plimsoll sees it: its addresses are those at which it can be probed and asked for its counters. */
  readonly context: LiveContext
  readonly body: Body
  readonly logFile: string
  /** `host:port` where the other instances reach it, if not at `context.listens`. */
  readonly peerAddresses?: readonly string[]
}

export type Pin = Readonly<Record<string, readonly number[]>>

export const pinOf = (pin: Pin | undefined, component: ComponentId): readonly number[] | undefined =>
  pin?.[component] ?? pin?.stack
