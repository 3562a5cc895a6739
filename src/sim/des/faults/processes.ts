/** Faults that end, stop or freeze processes. */
import type { Fault } from '../../../experiment/types.js'
import type { Topology } from '../../../topology/types.js'
import type { FaultContext, SimulatedFault, Struck } from './kind.js'
import { instancesOf } from './targets.js'

type Act = (context: FaultContext, instance: string, restartAfterSeconds: number | undefined) => void

/** Externals and monitors are not processes of ours. */
const hasProcesses = (fault: Fault, topology: Topology): string | undefined => {
  const { target } = fault
  if (target.kind !== 'component' && target.kind !== 'instance') return undefined
  const { role } = topology.components[target.component] ?? {}
  return role === 'external' || role === 'monitor' ? `${target.component} (${role}) has no processes` : undefined
}

const all = (instances: readonly string[], each: (instance: string, done: () => void) => void) => {
  return (done: () => void): void => {
    let left = instances.length
    for (const instance of instances)
      each(instance, () => {
        left -= 1
        if (left === 0) done()
      })
  }
}

/** Ends processes; they are started again after `for`, `restart`, or as the component declares. */
const ending = (act: Act, ownRestart: (fault: Fault, context: FaultContext, instance: string) => number | undefined) =>
  ({
    objection: hasProcesses,
    strike: (fault: Fault, context: FaultContext): Struck => {
      const { lifecycle } = context
      const instances = instancesOf(fault.target, context)
      for (const instance of instances)
        act(context, instance, fault.restartAfterSeconds ?? ownRestart(fault, context, instance))
      return {
        undo: all(instances, (instance, done) => lifecycle.start(instance, done)),
        untilOver: all(instances, (instance, done) => lifecycle.whenReady(instance, done)),
      }
    },
  }) satisfies SimulatedFault

const declared = (_: Fault, { system }: FaultContext, instance: string): number | undefined =>
  system.topology.components[instance.slice(0, instance.lastIndexOf('/'))]?.restartAfterSeconds

/** What would restart an instance has died with its machine. */
const nobody = (): undefined => undefined

const loseMachines = ending(({ lifecycle }, instance, restart) => lifecycle.kill(instance, restart, 'machine'), nobody)

export const processFaults = {
  kill: ending(({ lifecycle }, instance, restart) => lifecycle.kill(instance, restart), declared),
  stop: ending(({ lifecycle }, instance, restart) => lifecycle.stop(instance, restart), declared),
  restart: ending(
    ({ lifecycle }, instance) => lifecycle.stop(instance, 0),
    () => 0,
  ),
  pause: {
    objection: hasProcesses,
    strike: (fault: Fault, context: FaultContext): Struck => {
      const { lifecycle } = context
      const instances = instancesOf(fault.target, context)
      for (const instance of instances) lifecycle.pause(instance)
      return {
        undo: (done) => {
          for (const instance of instances) lifecycle.resume(instance)
          done()
        },
      }
    },
  },
  'lose-host': loseMachines,
  'lose-zone': loseMachines,
} satisfies Record<string, SimulatedFault>
