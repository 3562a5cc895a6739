// What the benches of fidelity use of plimsoll, built from what the sources say now.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The scenario with quotas, in a file of its own. */
const withQuotas = (file, folder, quotas) => {
  const document = parseDocument(readFileSync(file, 'utf8'))
  for (const [id, cpu] of Object.entries(quotas)) document.setIn(['components', id, 'resources'], { cpu })
  mkdirSync(folder, { recursive: true })
  const copy = join(folder, 'topology.yaml')
  writeFileSync(copy, document.toString())
  return copy
}

/** `folder`: where its runs go. */
export const library = async (folder, runtime = 'process', quotas = undefined) => {
  execFileSync('bash', [join(root, 'scripts/build-if-stale.sh')], { stdio: ['ignore', 2, 2] })
  const scenario = join(root, 'scenarios/optimization-api/topology.yaml')
  const topologyFile = quotas === undefined ? scenario : withQuotas(scenario, folder, quotas)
  const { engines } = await import('../../dist/catalog/index.js')
  const { calibrate } = await import('../../dist/calibrate/calibrate.js')
  const { steadyText } = await import('../../dist/experiment/steady-text.js')
  const { parseExperiment } = await import('../../dist/experiment/parse.js')
  const loads = await import('../../dist/run/measured-loads.js')
  const { openSession } = await import('../../dist/run/session.js')
  const { Simulation } = await import('../../dist/sim/des/simulation.js')
  const { loadTopology } = await import('../../dist/system/files.js')

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
      runtime,
      engines,
      purpose: 'run',
      signal: ending.signal,
      onEvent: () => {},
      onLaunch: () => {},
      onNote: (text) => process.stderr.write(`${text}\n`),
    }
  }
  return {
    topologyFile,
    calibrate,
    steadyText,
    parseExperiment,
    ...loads,
    openSession,
    Simulation,
    loadTopology,
    makeContext,
  }
}
