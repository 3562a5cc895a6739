/** Faults in virtual time: each kind is one entry that says how it strikes and how it is taken back. */
import { faultSpecs } from '../../../experiment/fault-kinds.js'
import { faultText, targetText } from '../../../experiment/fault-text.js'
import type { Fault, FaultKind } from '../../../experiment/types.js'
import type { Problem } from '../../../lib/errors.js'
import type { RunEvent } from '../../../result/run-event.js'
import type { Topology } from '../../../topology/types.js'
import type { RequestLog } from '../request-log.js'
import { cacheFaults } from './caches.js'
import type { FaultContext, SimulatedFault } from './kind.js'
import { loadFaults } from './loads.js'
import { machineFaults } from './machines.js'
import { messageFaults } from './messages.js'
import { processFaults } from './processes.js'
import { wayFaults } from './ways.js'

/** A kind that is missing is refused by name before a simulation begins. */
const kinds: { readonly [Kind in FaultKind]?: SimulatedFault } = {
  ...processFaults,
  ...cacheFaults,
  ...wayFaults,
  ...machineFaults,
  ...loadFaults,
  ...messageFaults,
}

/** What keeps the simulator from injecting this fault; undefined: nothing. */
export const objectionTo = (fault: Fault, topology: Topology): Problem | undefined => {
  const { position } = fault
  const kind = kinds[fault.kind]
  if (kind === undefined) return { message: `fault ${fault.kind} in the simulator: not supported yet`, position }
  const strikes = faultSpecs[fault.kind].targets.includes(fault.target.kind)
  const why = strikes ? kind.objection?.(fault, topology) : `it does not strike ${targetText(fault.target)}`
  return why === undefined ? undefined : { message: `fault ${faultText(fault)} cannot be simulated: ${why}`, position }
}

export const scheduleFaults = (
  faults: readonly Fault[],
  context: FaultContext,
  log: RequestLog,
  emit: (event: RunEvent) => void,
): void => {
  for (const [index, fault] of faults.entries())
    context.lifecycle.after(fault.atSeconds, () => strike(index, fault, context, log, emit))
}

const strike = (
  index: number,
  fault: Fault,
  context: FaultContext,
  log: RequestLog,
  emit: (event: RunEvent) => void,
): void => {
  const { kernel } = context.system
  const told = { type: 'fault', fault: index, kind: fault.kind, target: targetText(fault.target) } as const
  const inFlight = log.mark(index)
  emit({ ...told, at: kernel.now, phase: 'injected', inFlight })
  const struck = kinds[fault.kind]?.strike(fault, context)
  const undone = (): void => emit({ ...told, at: kernel.now, phase: 'undone', inFlight: log.inFlight })
  if (fault.forSeconds !== undefined) context.lifecycle.after(fault.forSeconds, () => struck?.undo(undone))
  else struck?.untilOver?.(undone)
}
