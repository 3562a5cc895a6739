import { runtimeOf } from '../deploy/runtime/runtimes.js'
import { usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { compareResults } from '../report/compare.js'
import { formatComparison } from '../report/comparison.js'
import { formatResult } from '../report/result.js'
import type { Placement } from '../result/placement.js'
import type { Run, RunContext } from '../run/context.js'
import { type Repetition, runInSimulator } from '../run/in-simulator.js'
import { runOnStack, runOnStackRepeatedly } from '../run/on-stack.js'
import { cores } from '../system/proc.js'
import { writePrediction } from '../system/run-folder.js'
import { progressBar } from './bar.js'
import type { CommandHandler, Invocation } from './command.js'
import { countOf, seedOf } from './flags.js'
import { printJson } from './json.js'
import { exitCodeOf, type PreparedRun, prepareRun } from './run-context.js'
import { maxReplications, maxThreads } from './simulate-flags.js'

/** On a stack, one after the other. */
const maxRepeats = 100

const text = (option: Invocation['options'][string]): string | undefined =>
  typeof option === 'string' ? option : undefined

const print = ({ host, options }: Invocation, { result, folder }: Run): void => {
  if (options.json === true) printJson(host, result)
  else host.stdout.write(formatResult(result, host.stdout))
  host.stderr.write(`run folder: ${folder}\n`)
}

const one = async (invocation: Invocation, { onResult }: PreparedRun, run: () => Promise<Run>): Promise<ExitCode> => {
  const done = await run()
  onResult?.(done.result)
  print(invocation, done)
  return exitCodeOf(done.result)
}

const repetitionOf = ({ host, options }: Invocation): Omit<Repetition, 'onProgress'> => ({
  replications: countOf('--replications', options.replications, maxReplications) ?? 1,
  threads: countOf('--threads', options.threads, maxThreads) ?? cores,
  now: host.now,
})

/** Of a simulation that is a prediction, or too fast for lines of progress, events are only recorded. */
const silent = (context: RunContext): RunContext => ({ ...context, onEvent: () => {} })

/** With a bar on a terminal. */
const inSimulator = async (
  invocation: Invocation,
  context: RunContext,
  placement: Placement | undefined,
): Promise<Run> => {
  const repetition = repetitionOf(invocation)
  const { replications } = repetition
  const bar = progressBar(invocation.host)
  const onProgress = (played: number): void =>
    bar.draw(played / replications, `${Math.floor(played)} of ${replications} simulations`)
  try {
    return await runInSimulator(context, placement, { ...repetition, onProgress })
  } finally {
    bar.end()
  }
}

/** The stack first: the simulator is told the placement that it had. Its verdicts are the ones that count. */
const both = async (invocation: Invocation, prepared: PreparedRun): Promise<ExitCode> => {
  const { host, options } = invocation
  const { context, progress } = prepared
  const repeats = countOf('--repeat', options.repeat, maxRepeats) ?? 1
  const runs = await runOnStackRepeatedly(context, repeats).finally(progress.end)
  const [stack, ...more] = runs
  if (stack === undefined) throw new Error('a stack was launched and nothing was run on it')
  // The last one is what a screen shows.
  prepared.onResult?.((more.at(-1) ?? stack).result)
  if (host.signal.aborted) {
    print(invocation, stack)
    return exitCodeOf(stack.result)
  }
  host.stderr.write('the same in the simulator\n')
  prepared.onActivity?.('simulating the same')
  const sim = await inSimulator(invocation, silent(context), stack.result.placement)
  for (const { folder } of runs) writePrediction(folder, sim.result)
  prepared.onPrediction?.(sim.result)
  const comparison = compareResults(
    sim.result,
    stack.result,
    more.map(({ result }) => result),
  )
  if (options.json === true) printJson(host, comparison)
  else {
    host.stdout.write(`${formatResult(stack.result, host.stdout)}\n`)
    host.stdout.write(formatComparison(comparison, host.stdout))
  }
  host.stderr.write(`run folders: ${[sim, ...runs].map(({ folder }) => folder).join('\n             ')}\n`)
  return Math.max(...runs.map(({ result }) => exitCodeOf(result))) as ExitCode
}

const engines: Readonly<Record<string, (invocation: Invocation, prepared: PreparedRun) => Promise<ExitCode>>> = {
  sim: (invocation, prepared) => {
    const { context, onResult } = prepared
    const watched = onResult === undefined ? silent(context) : context
    return one(invocation, prepared, () => inSimulator(invocation, watched, undefined))
  },
  stack: (invocation, prepared) =>
    one(invocation, prepared, () => runOnStack(prepared.context).finally(prepared.progress.end)),
  both,
}

export const run: CommandHandler = async (invocation) => {
  const { host, args, options } = invocation
  const engine = engines[String(options.on)]
  if (engine === undefined) throw usageError(`--on: expected sim, stack or both, got "${options.on}"`)
  const { replications } = repetitionOf(invocation)
  if (replications > 1 && options.on === 'stack')
    throw usageError('--replications: a stack is run once', '--on sim or --on both')
  if (options.repeat !== undefined && options.on !== 'both')
    throw usageError('--repeat: it tells the spread of what is measured, for a comparison', '--on both')
  const prepared = await prepareRun(host, {
    experiment: args[0] ?? '',
    topology: text(options.topology),
    seed: seedOf(invocation.options.seed),
    runsFolder: text(options.out),
    runtime: options.runtime === undefined ? undefined : runtimeOf(String(options.runtime)).name,
    purpose: 'run',
  })
  const { terminal } = host
  // Without a terminal there are lines of progress, as without --tui.
  const code =
    options.tui === true && terminal !== undefined
      ? await (await import('./run-screen.js')).onScreen(host, terminal, prepared, (screened, watched) =>
          engine({ ...invocation, host: screened }, watched),
        )
      : await engine(invocation, prepared)
  if (!host.signal.aborted) return code
  return host.signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}
