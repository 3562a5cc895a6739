// How near the simulator comes to a real stack: optimization-api is calibrated at 10 % and 45 % of its measured knee and
// predicted at loads, on a mix and past a saturation that the calibration has not seen.
//   node bench/fidelity.js [--placement pinned|unpinned] [--sessions 3] [--seconds 20] [--minutes 60]
//                          [--folder .plimsoll/fidelity] [--report] [--json] [--write]
// It measures until --minutes are over and goes on from there when it is called again; --report only evaluates what was
// measured; --write records it in docs/measurements/fidelity.md. Exit 1: some bound does not hold; 2: usage; 6: not yet whole.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    placement: { type: 'string', default: 'pinned' },
    sessions: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '60' },
    folder: { type: 'string', default: '.plimsoll/fidelity' },
    report: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const note = (text) => process.stderr.write(`${text}\n`)
execFileSync('bash', [join(root, 'scripts/build-if-stale.sh')], { stdio: ['ignore', 2, 2] })

const { measure, readState } = await import('./fidelity/measure.js')
const { evaluate } = await import('./fidelity/evaluate.js')
const { record } = await import('./fidelity/record.js')
const { tableOf } = await import('./fidelity/text.js')
const folder = resolve(values.folder, values.placement)
const topologyFile = join(root, 'scenarios/optimization-api/topology.yaml')
const { engines } = await import('../dist/catalog/index.js')
const { parseExperiment } = await import('../dist/experiment/parse.js')
const { loadTopology } = await import('../dist/system/files.js')
const { openSession } = await import('../dist/run/session.js')
const { findKnee } = await import('../dist/run/knee.js')
const { disturbances } = await import('../dist/result/validity.js')
const { steadyText } = await import('../dist/experiment/steady-text.js')

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort(signal))

const makeContext = async (text, runsFolder) => {
  const topology = await loadTopology(topologyFile, { calibration: false })
  const experimentFile = join(folder, 'experiment.yaml')
  return {
    topology,
    topologyFile,
    calibrationText: undefined,
    experiment: parseExperiment(text, { file: experimentFile, topology }),
    experimentFile,
    seed: 1,
    cwd: process.cwd(),
    runsFolder,
    packageFolder: root,
    runtime: values.placement === 'compose' ? 'compose' : 'process',
    engines,
    purpose: 'run',
    signal: ending.signal,
    onEvent: () => {},
    onLaunch: () => {},
    onNote: note,
  }
}

if (!values.report) {
  const tools = { makeContext, openSession, findKnee, disturbances, steadyText, topologyFile }
  await measure({
    folder,
    placement: values.placement,
    sessions: Number(values.sessions),
    seconds: Number(values.seconds),
    minutes: Number(values.minutes),
    tools,
    note,
  })
}
const base = await loadTopology(topologyFile, { calibration: false })
const readRun = ({ folder: at }) => {
  const file = join(at, 'experiment.yaml')
  return { result: JSON.parse(readFileSync(join(at, 'result.json'), 'utf8')), file, text: readFileSync(file, 'utf8') }
}
const { calibrate } = await import('../dist/calibrate/calibrate.js')
const { Simulation } = await import('../dist/sim/des/simulation.js')
const state = readState(folder)
const evaluation = evaluate({
  state,
  placement: values.placement,
  tools: { calibrate, Simulation, parseExperiment, readRun },
  base,
})
const { sessions, kneePerSecond, rows } = evaluation
const headline = `${values.placement}: knee ${kneePerSecond?.toFixed(0) ?? '?'}/s (p99 < 50 ms); ${sessions.valid} of ${sessions.whole} whole sessions are valid`
if (values.json) process.stdout.write(`${JSON.stringify(evaluation, null, 1)}\n`)
else process.stdout.write(`${headline}\n\n${tableOf(evaluation).join('\n')}\n`)
if (sessions.valid < Math.min(2, Number(values.sessions))) {
  note('not enough valid sessions yet: call it again to go on')
  process.exit(6)
}
if (values.write) record({ root, placement: values.placement, headline, lines: tableOf(evaluation), state })
process.exitCode = rows.every(({ holds }) => holds) ? 0 : 1
