// The kill experiment: failed requests and time to recover, predicted beside the median of ten runs on a real stack.
//   node bench/kill.js [--runs 10] [--minutes 60] [--folder .plimsoll/kill] [--report] [--json] [--write]
// nginx, which all requests pass, is killed under 150 requests/s and restarted after 2 s; one of two app servers is killed under
// the same load. Measures until --minutes are over and goes on from there when it is called again; --report only evaluates.
// Exit 1: a bound does not hold (failed requests 25 %, time to recover 20 %); 2: usage; 6: not yet whole.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { library, root } from './fidelity/library.js'
import { readState, writeState } from './fidelity/measure.js'
import { record } from './fidelity/record.js'
import { middle } from './fidelity/statistics.js'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    minutes: { type: 'string', default: '60' },
    folder: { type: 'string', default: '.plimsoll/kill' },
    report: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const wanted = Number(values.runs)
if (!Number.isInteger(wanted) || wanted < 1) {
  process.stderr.write('bench/kill.js: --runs takes a whole number from 1\n')
  process.exit(2)
}
const folder = resolve(values.folder)
const tools = await library(folder)
const bounds = { failedRequests: 0.25, recoverySeconds: 0.2 }
/** Recovery is told in whole seconds: less than one apart is no difference. */
const resolutions = { failedRequests: 0, recoverySeconds: 1 }
const runSeconds = 14

const kills = {
  edge: '{ at: 4s, kill: edge, restart: { after: 2s } }',
  'app/0': '{ at: 4s, kill: app/0, restart: { after: 3s } }',
}

const textOf = (target, seed) => `apiVersion: plimsoll/v1
kind: Experiment
name: kill-${target.replace('/', '-')}
topology: ${JSON.stringify(tools.topologyFile)}
seed: ${seed}
load: { mode: open, arrivals: poisson, stages: [{ hold: 150/s, for: ${runSeconds}s }] }
warmup: 2s
faults: [${kills[target]}]
`

const state = readState(folder, { runs: {} })
if (!values.report) {
  const began = performance.now()
  const left = () => Number(values.minutes) * 60 - (performance.now() - began) / 1000
  const session = await tools.openSession(await tools.makeContext(textOf('edge', 1), join(folder, 'runs')))
  try {
    for (let n = 0; n < wanted; n++)
      for (const target of Object.keys(kills)) {
        state.runs[target] ??= []
        if (state.runs[target].length > n || left() < runSeconds + 6) continue
        const run = await session.measure(textOf(target, 100 + n))
        state.runs[target].push(run.folder)
        writeState(folder, state)
        const [fault] = run.result.faults
        process.stderr.write(
          `  ${target} ${n + 1}: ${fault.failedRequests} failed, recovered after ${fault.recoverySeconds} s\n`,
        )
      }
  } finally {
    await session.close()
  }
}

const resultOf = (at) => JSON.parse(readFileSync(join(at, 'result.json'), 'utf8'))
const base = await tools.loadTopology(tools.topologyFile, { calibration: false })
const predict = (target, placement, seed) => {
  const experiment = tools.parseExperiment(textOf(target, seed), { file: 'kill', topology: base })
  const simulation = new tools.Simulation({ topology: base, experiment, placement, seed })
  while (simulation.advance());
  return simulation.finish().faults[0]
}

const rows = Object.entries(state.runs).flatMap(([target, folders]) => {
  const results = folders
    .slice(0, wanted)
    .filter((at) => existsSync(join(at, 'result.json')))
    .map(resultOf)
  const predicted = results.map(({ placement, seed }) => predict(target, placement, seed))
  return Object.entries(bounds).map(([quantity, bound]) => {
    const of = (fault) => fault[quantity] ?? Number.POSITIVE_INFINITY
    const measured = results.map(({ faults }) => of(faults[0]))
    const [p, m] = [middle(predicted.map(of)), middle(measured)]
    const error = p === m || Math.abs(p - m) < resolutions[quantity] ? 0 : p / m - 1
    return {
      target,
      quantity,
      predicted: p,
      measured: m,
      range: [Math.min(...measured), Math.max(...measured)],
      runs: results.length,
      error,
      bound,
      holds: Math.abs(error) <= bound,
    }
  })
})
const short = (value) => String(Number(value.toFixed(2)))
const lines = [
  '| killed | quantity | predicted | measured, median | least and most | runs | error | bound | |',
  '|---|---|---|---|---|---|---|---|---|',
  ...rows.map(
    (row) =>
      `| ${row.target} | ${row.quantity} | ${short(row.predicted)} | ${short(row.measured)} | ${row.range.map(short).join(', ')} | ${row.runs} | ${row.error > 0 ? '+' : ''}${(row.error * 100).toFixed(1)} % | ±${row.bound * 100} % | ${row.holds ? 'holds' : '**misses**'} |`,
  ),
]
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : `${lines.join('\n')}\n`)
if (rows.length === 0 || rows.some(({ runs }) => runs < wanted)) {
  process.stderr.write('not all runs are there yet: call it again to go on\n')
  process.exit(6)
}
if (values.write)
  record({
    root,
    section: 'kill',
    headline: `Medians of ${wanted} runs; 150 requests/s. Recovery has a resolution of a second: less than that apart counts as no difference`,
    lines,
    first: resultOf(Object.values(state.runs)[0][0]),
  })
process.exitCode = rows.every(({ holds }) => holds) ? 0 : 1
