// How near the simulator comes to a real stack: optimization-api is calibrated at 10 % and 45 % of its measured knee and
// predicted at loads, on a mix and past a saturation that the calibration has not seen.
//   node bench/fidelity.js [--placement pinned|unpinned|compose] [--sessions 3] [--rounds 3]
//                          [--seconds 8] [--minutes 60]
//                          [--folder .plimsoll/fidelity] [--report] [--json] [--write]
// It measures until --minutes are over and goes on from there when it is called again; --report only evaluates what was
// measured; --write records it in docs/measurements/fidelity.md. Exit 1: some bound does not hold; 2: usage; 6: not yet whole.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { evaluate } from './fidelity/evaluate.js'
import { library, root } from './fidelity/library.js'
import { measure, readState } from './fidelity/measure.js'
import { placements } from './fidelity/plan.js'
import { record } from './fidelity/record.js'
import { causesOf, tableOf } from './fidelity/text.js'

const { values } = parseArgs({
  options: {
    placement: { type: 'string', default: 'pinned' },
    sessions: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    minutes: { type: 'string', default: '60' },
    folder: { type: 'string', default: '.plimsoll/fidelity' },
    report: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const { placement } = values
const [sessions, rounds, seconds, minutes] = [values.sessions, values.rounds, values.seconds, values.minutes].map(
  Number,
)
if (
  !Object.hasOwn(placements, placement) ||
  ![sessions, rounds].every((count) => Number.isInteger(count) && count >= 1) ||
  !(seconds >= 2 && minutes > 0)
) {
  process.stderr.write(
    `bench/fidelity.js: --placement takes ${Object.keys(placements).join(', ')}, --sessions and --rounds whole numbers from 1, --seconds and --minutes a number\n`,
  )
  process.exit(2)
}
const folder = resolve(values.folder, placement)
const tools = await library(folder, placements[placement].runtime, placements[placement].quotas)
if (!values.report) await measure({ folder, placement, sessions, rounds, seconds, minutes, tools })

const readRun = ({ folder: at }) => {
  const file = join(at, 'experiment.yaml')
  return { result: JSON.parse(readFileSync(join(at, 'result.json'), 'utf8')), file, text: readFileSync(file, 'utf8') }
}
const state = readState(folder, { kneePerSecond: null, rounds, sessions: [] })
const base = await tools.loadTopology(tools.topologyFile, { calibration: false })
const evaluation = evaluate({ state, placement, tools: { ...tools, readRun }, base })
const { sessions: count, kneePerSecond, rows } = evaluation
const causes = causesOf(evaluation)
const lines = [...tableOf(evaluation), ...(causes.length === 0 ? [] : ['', 'What misses, and by what:', '', ...causes])]
const headline = `Knee ${kneePerSecond?.toFixed(0) ?? '?'}/s (p99 < 50 ms); ${count.valid} of ${count.whole} whole sessions are valid`
if (values.json) process.stdout.write(`${JSON.stringify(evaluation, null, 1)}\n`)
else process.stdout.write(`${placement}: ${headline}\n\n${lines.join('\n')}\n`)
if (count.valid < Math.min(2, sessions)) {
  process.stderr.write('not enough valid sessions yet: call it again to go on\n')
  process.exit(6)
}
if (values.write) {
  const [[first]] = Object.values(state.sessions[0].runs)
  record({ root, section: placement, headline, lines, first: readRun(first).result })
}
process.exitCode = rows.every(({ holds }) => holds) ? 0 : 1
