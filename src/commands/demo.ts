/** The whole loop on this machine in one command: it shows what was predicted, what was measured, and leaves nothing behind. */
import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RunningSystem } from '../contract/running-system.js'
import { loadSeconds } from '../experiment/load.js'
import { PlimsollError, targetFailed } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { compareResults } from '../report/compare.js'
import { formatComparison } from '../report/comparison.js'
import { wrap } from '../report/document.js'
import { failoverLines } from '../report/failover.js'
import { paintFor } from '../report/paint.js'
import { formatProblem } from '../report/problems.js'
import { formatResult } from '../report/result.js'
import { launchFor } from '../run/attach.js'
import type { Run } from '../run/context.js'
import { runInSimulator } from '../run/in-simulator.js'
import { runOn } from '../run/on-stack.js'
import { makeDemoFolder } from '../system/demo-folder.js'
import { nginxAccepts } from '../system/nginx-test.js'
import { run as calibrate } from './calibrate.js'
import type { CommandHandler, Invocation } from './command.js'
import { run as doctor } from './doctor.js'
import { run as generate } from './generate.js'
import type { Host } from './host.js'
import { run as init } from './init.js'
import { run as plan } from './plan.js'
import { prepareRun } from './run-context.js'

const topologyFile = 'topology.yaml'
const experiment = (name: string): string => `experiments/${name}.yaml`

interface Demo {
  /** Works in the demo's folder; what commands tell on stderr goes to stdout too, in order. */
  readonly host: Host
  /** Of the user: the ledger lies here, so that `plimsoll down` finds what a killed demo left. */
  readonly home: string
  readonly install: boolean
  system?: RunningSystem
  measured?: Run
}

interface Stage {
  readonly title: string
  /** Throws when the demo cannot go on. */
  readonly run: (demo: Demo) => Promise<void>
}

const call = async (
  demo: Demo,
  handler: CommandHandler,
  args: readonly string[],
  options: Invocation['options'] = {},
) => {
  const code = await handler({ host: demo.host, args, options })
  if (code !== exitCodes.ok) throw new PlimsollError(code, [{ message: `this step ended with exit code ${code}` }])
}

const prepare = (demo: Demo, name: string) =>
  prepareRun(demo.host, { experiment: experiment(name), purpose: 'demo', plainEverySeconds: 2 }).then((prepared) => ({
    ...prepared,
    context: { ...prepared.context, cwd: demo.home, runsFolder: join(demo.host.cwd, '.plimsoll', 'runs') },
  }))

const systemOf = ({ system }: Demo): RunningSystem => {
  if (system === undefined) throw new TypeError('no stage has launched the stack')
  return system
}

/** On the stack; a run that did not reach its end has nothing to show. Objectives that are missed are only told. */
const measure = async (demo: Demo, name: string): Promise<Run> => {
  const { context, progress } = await prepare(demo, name)
  demo.host.stdout.write(`${name}, ${loadSeconds(context.experiment.load)} s\n`)
  const measured = await runOn(systemOf(demo), context, true).finally(progress.end)
  const { status, faults } = measured.result
  if (status === 'failed' || status === 'aborted') throw targetFailed(`the experiment ${name} was ${status}`)
  if (faults.some(({ injectedAt }) => injectedAt === null))
    throw targetFailed(`${name}: the fault could not be injected`)
  return measured
}

const learn = async (demo: Demo): Promise<void> => {
  await measure(demo, 'warm-up')
  const steady = await measure(demo, 'steady')
  if (demo.host.signal.aborted) return
  try {
    await call(demo, calibrate, [steady.folder], { topology: topologyFile })
  } catch (error) {
    if (!(error instanceof PlimsollError)) throw error
    // A machine that is too slow or too busy to learn from: the model stays as it was declared.
    demo.host.stdout.write(`not calibrated: ${error.message}\n`)
  }
}

const loseAServer = async (demo: Demo): Promise<void> => {
  demo.measured = await measure(demo, 'lose-an-app-server')
  if (!demo.host.signal.aborted) demo.host.stdout.write(`\n${formatResult(demo.measured.result, demo.host.stdout)}`)
}

const tellFailover = async ({ measured, host }: Demo): Promise<void> => {
  for (const line of failoverLines(measured?.result.faults ?? []))
    host.stdout.write(`${wrap(line, host.stdout.columns).join('\n')}\n`)
}

const predict = async (demo: Demo): Promise<void> => {
  if (demo.measured === undefined) return
  const { context } = await prepare(demo, 'lose-an-app-server')
  const sim = await runInSimulator({ ...context, onEvent: () => {} }, demo.measured.result.placement)
  const comparison = compareResults(sim.result, demo.measured.result)
  for (const line of failoverLines(sim.result.faults))
    demo.host.stdout.write(`${wrap(`in the simulator: ${line}`, demo.host.stdout.columns).join('\n')}\n`)
  demo.host.stdout.write(`\n${formatComparison(comparison, demo.host.stdout)}`)
}

const tearDown = async (demo: Demo): Promise<void> => {
  await demo.system?.down()
  demo.host.stdout.write('all processes have ended, their folder is gone\n')
}

const stages: readonly Stage[] = [
  {
    title: 'what is needed: real servers',
    run: (demo) => call(demo, doctor, [topologyFile], { install: demo.install }),
  },
  { title: 'the plan: what the topology can carry, in milliseconds', run: (demo) => call(demo, plan, [topologyFile]) },
  {
    title: 'the configuration that it means',
    run: async (demo) => {
      await call(demo, generate, [topologyFile], { out: 'generated' })
      const file = join(demo.host.cwd, 'generated', 'nginx.conf')
      if (existsSync(file)) demo.host.stdout.write(`nginx -t: ${await nginxAccepts(file)}\n`)
    },
  },
  {
    title: 'launch: nginx, two app servers, Redis and PostgreSQL as processes',
    run: async (demo) => {
      const { context } = await prepare(demo, 'warm-up')
      demo.system = await launchFor(context)
      for (const url of Object.values(demo.system.entries)) demo.host.stdout.write(`up at ${url}\n`)
    },
  },
  { title: 'load it, and learn from it what its steps really cost', run: learn },
  { title: 'kill one of the two app servers under load', run: loseAServer },
  { title: 'the failover, measured', run: tellFailover },
  { title: 'the same in the simulator, beside what was measured', run: predict },
  { title: 'tear down', run: tearDown },
]

const runStages = async (demo: Demo): Promise<void> => {
  const { host } = demo
  const paint = paintFor(host.stdout.color)
  for (const [index, stage] of stages.entries()) {
    if (host.signal.aborted) return
    host.stdout.write(`\n${paint.strong(`[${index + 1}/${stages.length}] ${stage.title}`)}\n`)
    await stage.run(demo)
  }
}

export const run: CommandHandler = async ({ host, options }): Promise<ExitCode> => {
  const keep = typeof options.keep === 'string' ? resolve(host.cwd, options.keep) : undefined
  const folder = keep ?? makeDemoFolder(host.cwd)
  const began = host.now()
  const quiet: Host['stdout'] = { ...host.stdout, write: () => {} }
  const demo: Demo = {
    host: { ...host, cwd: folder, stderr: host.stdout },
    home: host.cwd,
    install: options.install === true,
  }
  try {
    await init({ host: { ...host, cwd: folder, stdout: quiet, stderr: quiet }, args: ['.'], options: {} })
    await runStages(demo)
  } catch (error) {
    if (host.signal.aborted || !(error instanceof PlimsollError)) throw error
    for (const problem of error.problems) host.stderr.write(`${formatProblem(problem, paintFor(host.stderr.color))}\n`)
    return error.exitCode
  } finally {
    await demo.system?.down()
    if (keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
  if (host.signal.aborted) return host.signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
  const where = keep === undefined ? '' : `; it is all in ${keep}`
  host.stdout.write(
    `\nShown in ${Math.round(host.now() - began)} s: plan, generate, launch, load, kill, failover, compare, tear down${where}.\nGo on with: plimsoll init my-api && cd my-api && plimsoll plan topology.yaml; then docs/topology.md.\n`,
  )
  return exitCodes.ok
}
