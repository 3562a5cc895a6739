/** One experiment on a real stack, from the first process to the last. */
import { refusedFaults } from '../chaos/supported.js'
import type { RunningLoad } from '../contract/load.js'
import type { ProcessCpu, RunningSystem } from '../contract/running-system.js'
import { abortMonitor } from '../experiment/abort.js'
import { judged } from '../experiment/verdict.js'
import { PlimsollError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { startLoad } from '../load/start.js'
import type { Placement } from '../result/placement.js'
import type { RunResult } from '../result/run-result.js'
import { confine } from '../system/affinity.js'
import { probeSeconds } from '../system/probe.js'
import { createRunFolder } from '../system/run-folder.js'
import { attachOrLaunch } from './attach.js'
import { realClock } from './clock.js'
import { conduct } from './conduct.js'
import type { Run, RunContext } from './context.js'
import { machineName } from './machine-name.js'

const interrupted = (signal: AbortSignal): PlimsollError =>
  new PlimsollError(signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated, [
    { message: 'interrupted before the load began; everything has been undone' },
  ])

const ownCpu = (): ProcessCpu => {
  const { user, system } = process.cpuUsage()
  return { pid: process.pid, cpuSeconds: (user + system) / 1e6 }
}

/** Rejects as `started` does, or when `signal` is aborted first; no load runs on then. */
const begun = async (load: RunningLoad, signal: AbortSignal): Promise<void> => {
  const stop = (): void => {
    void load.stop(0)
  }
  signal.addEventListener('abort', stop, { once: true })
  // Both promises reject when the generator fails; one of them is awaited here, the other must not go unheard.
  load.done.catch(() => {})
  try {
    if (signal.aborted) await load.stop(0)
    else await load.started
  } catch (error) {
    throw signal.aborted ? interrupted(signal) : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (signal.aborted) throw interrupted(signal)
}

/**
 * Rejects before anything starts for what cannot be run (3) or is not installed (5). Whatever happens after that, the load
 * has ended and a system of its own is down when this settles.
 */
export const runOnStack = async (context: RunContext): Promise<Run> => {
  const refused = refusedFaults(context.experiment.faults)
  if (refused !== undefined) throw refused
  const { system, owned } = await attachOrLaunch(context)
  try {
    return await runOn(system, context, !owned)
  } finally {
    if (owned) await system.down()
  }
}

/** As `runOnStack`, so many times on one system, each with the next seed; fewer when it is interrupted. */
export const runOnStackRepeatedly = async (context: RunContext, repeats: number): Promise<readonly Run[]> => {
  const refused = refusedFaults(context.experiment.faults)
  if (refused !== undefined) throw refused
  const { system, owned } = await attachOrLaunch(context)
  const runs: Run[] = []
  try {
    for (let n = 0; n < repeats && !context.signal.aborted; n++)
      runs.push(await runOn(system, { ...context, seed: context.seed + n }, true))
    return runs
  } finally {
    if (owned) await system.down()
  }
}

/** On a system that runs; with `restore`, faults that are still in force at the end are taken back. */
export const runOn = async (system: RunningSystem, context: RunContext, restore: boolean): Promise<Run> => {
  const { topology, experiment, signal } = context
  const prediction = await context.predict?.(system.placement)
  const confinement = await confineGenerator(system.placement)
  // Before there is anything else to do: how fast the machine is.
  const beforeSeconds = probeSeconds()
  const load = startLoad({ topology, experiment, seed: context.seed, entries: system.entries })
  try {
    await begun(load, signal)
    await confinement.begun()
    return await recorded(context, prediction, async (onEvent) => {
      const result = await conduct({
        topology,
        experiment,
        seed: context.seed,
        system,
        load,
        clock: realClock,
        signal,
        onEvent,
        wallClock: () => new Date().toISOString(),
        versions: { ...system.versions, machine: machineName() },
        mustAbort: abortMonitor(experiment.abort, topology),
        restore,
        conductor: ownCpu,
      })
      return { ...result, probe: { beforeSeconds, afterSeconds: probeSeconds() } }
    })
  } finally {
    await load.stop(0)
    await confinement.end()
  }
}

/**
 * Keeps the generator on its cores. It is a thread of this process, and inherits. Where all of the stack is pinned, the rest of
 * this process keeps off its cores, too; else processes that a supervisor here starts anew would inherit a pin that is not theirs.
 */
const confineGenerator = async ({
  instances,
}: Placement): Promise<{ begun(): Promise<void>; end(): Promise<void> }> => {
  const nothing = async (): Promise<void> => {}
  const pin = instances.generator?.pin
  if (pin === undefined || pin.length === 0) return { begun: nothing, end: nothing }
  const whole = Object.values(instances).every((placed) => placed.pin !== undefined)
  const release = await confine(pin, whole)
  return whole ? { begun: nothing, end: release } : { begun: release, end: nothing }
}

/** Judges what `conducted` resolves with; the run folder is written as it happens. */
const recorded = async (
  context: RunContext,
  prediction: RunResult | undefined,
  conducted: (onEvent: RunContext['onEvent']) => Promise<RunResult>,
): Promise<Run> => {
  const { topology, experiment } = context
  const folder = createRunFolder({
    cwd: context.cwd,
    runsFolder: context.runsFolder,
    startedAt: new Date(),
    engine: 'stack',
    experimentName: experiment.name,
    topologyText: topology.source.text,
    calibrationText: context.calibrationText,
    experimentText: experiment.source.text,
    origin: { topology: context.topologyFile, experiment: context.experimentFile },
    prediction,
  })
  try {
    const result = await conducted((event) => {
      folder.append(event)
      context.onEvent(event)
    })
    const whole = judged(result, experiment, topology)
    folder.finish(whole)
    return { result: whole, folder: folder.path }
  } finally {
    folder.close()
  }
}
