/** Faults that a running system can be given, whatever its runtime, each with what takes it back. */

import type { Fault } from '../../experiment/types.js'
import { suggestion } from '../../lib/did-you-mean.js'
import { invalidInput, notYet } from '../../lib/errors.js'
import type { Topology } from '../../topology/types.js'
import type { Instance } from './instance.js'

interface FaultAction {
  /** Resolves when it is in force. */
  readonly inject: (instance: Instance, restartAfterSeconds: number | undefined) => Promise<void>
  readonly undo: (instance: Instance) => Promise<void>
}

const actions: Readonly<Record<string, FaultAction>> = {
  kill: {
    inject: (instance, restart) => instance.kill(restart),
    undo: (instance) => instance.bringBack(),
  },
  stop: {
    inject: (instance, restart) => instance.stop(restart),
    undo: (instance) => instance.bringBack(),
  },
  // In force when it is down; on its way up again at once. Undone when it is back.
  restart: {
    inject: (instance) => instance.stop(0),
    undo: (instance) => instance.bringBack(),
  },
  pause: {
    inject: (instance) => instance.pause(),
    undo: (instance) => instance.resume(),
  },
}

export const runnableFaults: readonly string[] = Object.keys(actions)

const targets = (fault: Fault, instances: readonly Instance[]): readonly Instance[] => {
  const { target } = fault
  if (target.kind !== 'component' && target.kind !== 'instance')
    throw notYet(`a ${target.kind} as the target of ${fault.kind} on a running stack`, fault.position)
  const found = instances.filter(
    (instance) =>
      instance.component === target.component && (target.kind === 'component' || instance.index === target.index),
  )
  if (found.length > 0) return found
  const name = target.kind === 'component' ? target.component : `${target.component}/${target.index}`
  const known = [...new Set(instances.flatMap(({ component, id }) => [component, id]))]
  const hint = suggestion(name, known)
  throw invalidInput({
    message: `no such component or instance in the running system: ${name}`,
    // A fault of the command line stands in no file.
    ...(fault.position.file === '' ? {} : { position: fault.position }),
    ...(hint === undefined ? {} : { hint }),
  })
}

export const injectFault = async (
  fault: Fault,
  instances: readonly Instance[],
  topology: Topology,
): Promise<{ readonly undo: () => Promise<void> }> => {
  const action = actions[fault.kind]
  if (action === undefined)
    throw notYet(`fault ${fault.kind} on a running stack`, fault.position, `it can do: ${runnableFaults.join(', ')}`)
  const struck = targets(fault, instances)
  await Promise.all(
    struck.map((instance) =>
      action.inject(
        instance,
        fault.restartAfterSeconds ?? topology.components[instance.component]?.restartAfterSeconds,
      ),
    ),
  )
  let undone: Promise<void> | undefined
  return {
    undo: () => {
      undone ??= Promise.all(struck.map((instance) => action.undo(instance))).then(() => undefined)
      return undone
    },
  }
}
