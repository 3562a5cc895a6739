/** What a kind of fault is in virtual time. */
import type { Fault } from '../../../experiment/types.js'
import type { Topology } from '../../../topology/types.js'
import type { Clients } from '../client.js'
import type { Lifecycle } from '../lifecycle.js'
import type { Machines } from '../machines.js'
import type { System } from '../system.js'

export interface FaultContext {
  readonly system: System
  readonly lifecycle: Lifecycle
  readonly machines: Machines
  readonly clients: Clients
}

/** Calls `done` when things are as before. */
export type Undo = (done: () => void) => void

export interface Struck {
  /** After `for`. */
  readonly undo: Undo
  /** Without `for`: how it ends by itself; undefined: it lasts. */
  readonly untilOver?: Undo
}

export interface SimulatedFault {
  /** Why it means nothing for its target in this topology, in a sentence; undefined: it does. */
  readonly objection?: (fault: Fault, topology: Topology) => string | undefined
  readonly strike: (fault: Fault, context: FaultContext) => Struck
}

/** Of a number that the language requires. */
export const parameter = (fault: Fault, name: string): number => Number(fault.parameters[name] ?? 0)

/** What can be taken back at once. */
export const undoneBy = (undo: () => void): Struck => ({
  undo: (done) => {
    undo()
    done()
  },
})
