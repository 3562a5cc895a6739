/** Faults in virtual time: each kind is one entry that says how it strikes and how it is taken back. */
import { targetText } from '../../experiment/fault-text.js'
import type { Fault, FaultKind } from '../../experiment/types.js'
import type { RunEvent } from '../../result/run-event.js'
import type { Lifecycle } from './lifecycle.js'
import type { RequestLog } from './request-log.js'
import type { System } from './system.js'

interface FaultAction {
  readonly inject: (lifecycle: Lifecycle, instance: string, restartAfterSeconds: number | undefined) => void
  /** Calls `done` when things are as before. */
  readonly undo: (lifecycle: Lifecycle, instance: string, done: () => void) => void
}

const bringBack: FaultAction['undo'] = (lifecycle, instance, done) => lifecycle.start(instance, done)

const actions: { readonly [Kind in FaultKind]?: FaultAction } = {
  kill: { inject: (lifecycle, instance, restart) => lifecycle.kill(instance, restart), undo: bringBack },
  stop: { inject: (lifecycle, instance, restart) => lifecycle.stop(instance, restart), undo: bringBack },
  restart: { inject: (lifecycle, instance) => lifecycle.stop(instance, 0), undo: bringBack },
  pause: {
    inject: (lifecycle, instance) => lifecycle.pause(instance),
    undo: (lifecycle, instance, done) => {
      lifecycle.resume(instance)
      done()
    },
  },
}

export const supportedFaults: ReadonlySet<string> = new Set(Object.keys(actions))

export const scheduleFaults = (
  faults: readonly Fault[],
  system: System,
  lifecycle: Lifecycle,
  log: RequestLog,
  emit: (event: RunEvent) => void,
): void => {
  for (const [index, fault] of faults.entries())
    lifecycle.after(fault.atSeconds, () => strike(index, fault, system, lifecycle, log, emit))
}

const strike = (
  index: number,
  fault: Fault,
  system: System,
  lifecycle: Lifecycle,
  log: RequestLog,
  emit: (event: RunEvent) => void,
): void => {
  const action = actions[fault.kind]
  const { target } = fault
  if (action === undefined || (target.kind !== 'component' && target.kind !== 'instance')) return
  const { kernel } = system
  const name = targetText(fault.target)
  const told = { type: 'fault', fault: index, kind: fault.kind, target: name } as const
  const inFlight = log.mark(index)
  emit({ ...told, at: kernel.now, phase: 'injected', inFlight })
  const instances = target.kind === 'component' ? lifecycle.of(target.component) : [name]
  const ownRestart = system.topology.components[target.component]?.restartAfterSeconds
  const restart = fault.restartAfterSeconds ?? ownRestart
  for (const instance of instances) action.inject(lifecycle, instance, restart)
  let left = instances.length
  const undone = (): void => {
    left -= 1
    if (left === 0) emit({ ...told, at: kernel.now, phase: 'undone', inFlight: log.inFlight })
  }
  if (fault.forSeconds !== undefined)
    lifecycle.after(fault.forSeconds, () => {
      for (const instance of instances) action.undo(lifecycle, instance, undone)
    })
  else if (fault.kind !== 'pause') for (const instance of instances) lifecycle.whenReady(instance, undone)
}
