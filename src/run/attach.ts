/** The system that an experiment runs on: one of the same topology that is up, else one of its own. */
import { join } from 'node:path'
import type { RunningSystem } from '../contract/running-system.js'
import { launch } from '../deploy/runtime/launch.js'
import { runtimeOf } from '../deploy/runtime/runtimes.js'
import { connectWhenReady, knownSystems } from '../deploy/runtime/systems.js'
import { machine } from '../system/machine.js'
import type { RunContext } from './context.js'

export interface Attached {
  readonly system: RunningSystem
  /** Launched for this run: it goes down with it. */
  readonly owned: boolean
}

export const ledgerFolder = (cwd: string): string => join(cwd, '.plimsoll', 'ledger')

const running = async (context: RunContext): Promise<RunningSystem | undefined> => {
  const ledger = machine.ledger(ledgerFolder(context.cwd))
  const known = await knownSystems(ledger, machine)
  const match = known.find(
    ({ entry, owned }) =>
      owned &&
      entry.purpose === 'up' &&
      entry.topology.digest === context.topology.digest &&
      (context.runtime === undefined || context.runtime === entry.runtime),
  )
  return match === undefined ? undefined : connectWhenReady(match.entry, ledger, machine, context.signal)
}

/** A system of its own. Rejects with what the runtime refuses (3), misses (5) or fails at (6); nothing is left of it then. */
export const launchFor = async (context: RunContext): Promise<RunningSystem> => {
  let launched = false
  const runtime = runtimeOf(context.runtime ?? 'process')
  for (const note of runtime.leftOut?.(context) ?? []) context.onNote(note)
  const system = await launch({
    runtime,
    machine,
    engines: context.engines,
    topology: context.topology,
    topologyFile: context.topologyFile,
    purpose: context.purpose,
    ledgerFolder: ledgerFolder(context.cwd),
    packageFolder: context.packageFolder,
    signal: context.signal,
    seed: context.seed,
    pin: context.experiment.placement?.pin,
    // Later changes of state are events of the run.
    onProgress: (progress) => {
      if (!launched) context.onLaunch(progress)
    },
  })
  launched = true
  return system
}

export const attachOrLaunch = async (context: RunContext): Promise<Attached> => {
  const up = await running(context)
  if (up === undefined) return { system: await launchFor(context), owned: true }
  context.onNote(`running on ${up.id}, which is up`)
  if (Object.keys(context.experiment.placement?.pin ?? {}).length > 0)
    context.onNote(`the experiment's pins are not applied: ${up.id} was started without them`)
  return { system: up, owned: false }
}
