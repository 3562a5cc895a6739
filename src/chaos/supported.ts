import { faultSpecs } from '../experiment/fault-kinds.js'
import { faultText } from '../experiment/fault-text.js'
import { type Fault, type FaultKind, faultKinds } from '../experiment/types.js'
import { invalidInput, type PlimsollError, type Problem } from '../lib/errors.js'

/** What a running stack can inject today; the other kinds parse, and are refused by name before anything starts. */
export const runnableKinds: readonly FaultKind[] = faultKinds.filter((kind) => faultSpecs[kind].onStack)

const objection = (fault: Fault): Problem | undefined => {
  const { kind, target, position } = fault
  if (!runnableKinds.includes(kind))
    return {
      message: `fault ${faultText(fault)}: not supported yet on a running stack`,
      position,
      hint: `plimsoll simulate may inject it; on a stack one of: ${runnableKinds.join(', ')}`,
    }
  if (target.kind !== 'component' && target.kind !== 'instance')
    return {
      message: `fault ${faultText(fault)}: this target is not supported yet on a running stack`,
      position,
      hint: 'a component (app) or an instance (app/0)',
    }
  return undefined
}

/** All faults that cannot be run, as one error (exit code 3); undefined: all can. */
export const refusedFaults = (faults: readonly Fault[]): PlimsollError | undefined => {
  const problems = faults.flatMap((fault) => objection(fault) ?? [])
  return problems.length === 0 ? undefined : invalidInput(...problems)
}
