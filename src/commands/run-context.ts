/** What `run` and `demo` hand to the conductor, and what they make of what it returns. */
import { resolve } from 'node:path'
import { engines } from '../catalog/index.js'
import type { LedgerEntry } from '../contract/ledger.js'
import type { RuntimeName } from '../contract/running-system.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import type { RunResult } from '../result/run-result.js'
import type { RunContext } from '../run/context.js'
import { loadExperiment } from '../system/files.js'
import type { Host } from './host.js'
import { type RunProgress, runProgress } from './progress.js'
import { uncertainNote } from './uncertain-note.js'

export interface ContextOptions {
  /** As the user named it. */
  readonly experiment: string
  readonly topology?: string | undefined
  readonly seed?: number | undefined
  readonly runsFolder?: string | undefined
  readonly purpose: LedgerEntry['purpose']
  /** Undefined: that of the system that is up, else native processes. */
  readonly runtime?: RuntimeName | undefined
  /** Seconds between two lines of progress where there is no terminal. */
  readonly plainEverySeconds?: number
}

export interface PreparedRun {
  readonly context: RunContext
  readonly progress: RunProgress
  /** For who watches: the result that counts, and what it is compared with, as soon as they are there. */
  readonly onResult?: (result: RunResult) => void
  readonly onPrediction?: (result: RunResult) => void
  /** What goes on once the run is over; undefined: nothing. */
  readonly onActivity?: (text: string | undefined) => void
}

/** Throws for files that are wrong. Progress goes to stderr. */
export const prepareRun = async (host: Host, options: ContextOptions): Promise<PreparedRun> => {
  const experimentFile = resolve(host.cwd, options.experiment)
  const { experiment, topology, topologyPath, calibrationText } = await loadExperiment(experimentFile, {
    file: options.experiment,
    topology: options.topology === undefined ? undefined : resolve(host.cwd, options.topology),
  })
  const note = uncertainNote(topology)
  if (note !== undefined) host.stderr.write(note)
  const progress = runProgress(host.stderr, options.plainEverySeconds)
  const context: RunContext = {
    topology,
    topologyFile: topologyPath,
    calibrationText,
    experiment,
    experimentFile,
    seed: options.seed ?? experiment.seed,
    cwd: host.cwd,
    runsFolder: options.runsFolder,
    packageFolder: host.packageFolder,
    runtime: options.runtime,
    engines,
    purpose: options.purpose,
    signal: host.signal,
    onEvent: progress.event,
    onLaunch: ({ instance, state, atSeconds }) => {
      if (state === 'ready') host.stderr.write(`  ${instance.padEnd(16)} ready after ${atSeconds.toFixed(1)} s\n`)
    },
    onNote: (message) => host.stderr.write(`${message}\n`),
  }
  return { context, progress }
}

/** 4: what was expected did not hold, or the run was aborted because of it; an invalid verdict says nothing, so 0. */
export const exitCodeOf = (result: RunResult): ExitCode => {
  if (result.status === 'failed') return exitCodes.targetFailed
  const judgements = [...result.steadyState, ...result.slo, ...result.invariants]
  const failed = result.status === 'aborted' || judgements.some(({ verdict }) => verdict === 'fail')
  return failed ? exitCodes.doesNotHold : exitCodes.ok
}
