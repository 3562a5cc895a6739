// How near the simulator comes to a real stack: optimization-api is calibrated at 10 % and 45 % of its measured knee and
// predicted at loads, on a mix and past a saturation that the calibration has not seen.
//   node bench/fidelity.js [--placement pinned|unpinned] [--sessions 3] [--seconds 20] [--minutes 60]
//                          [--folder .plimsoll/fidelity] [--report] [--json] [--write]
// It measures until --minutes are over and goes on from there when it is called again; --report only evaluates what was
// measured; --write records it in docs/measurements/fidelity.md. Exit 1: some bound does not hold; 2: usage; 6: not yet whole.
import { execFileSync } from 'node:child_process'
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
note(JSON.stringify(readState(folder).kneePerSecond))
