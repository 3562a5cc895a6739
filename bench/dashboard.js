// What the dashboard adds to a run: CPU time of a process that is handed the events of a run ten times a second and draws them, less
// that of one that prints the ordinary line of progress for the same events; as a share of one core. Exit 1 when it is 10 % or more
// in any terminal size.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
if (!existsSync(`${root}dist/cli.js`)) {
  process.stderr.write('bench/dashboard: dist is missing; npm run build first\n')
  process.exit(2)
}

const json = process.argv.includes('--json')
const rounds = Number(process.env.PLIMSOLL_BENCH_ROUNDS ?? 3)
const sizes = [
  [80, 24],
  [160, 50],
  [200, 60],
]
const bound = 0.1

/** Cores. */
const measure = (kind, [columns, rows]) => {
  const run = spawnSync(process.execPath, [`${root}bench/dashboard/draw.js`, kind, String(columns), String(rows)], {
    encoding: 'utf8',
    env: { ...process.env, CI: undefined, FORCE_COLOR: undefined },
  })
  if (run.status !== 0) {
    process.stderr.write(`bench/dashboard: ${kind} ended with ${run.status}\n${run.stderr}`)
    process.exit(2)
  }
  return JSON.parse(run.stdout)
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

const results = sizes.map((size) => {
  const samples = Array.from({ length: rounds }, () => ({
    with: measure('screen', size),
    without: measure('line', size),
  }))
  const drawing = median(samples.map((sample) => sample.with.cores))
  const line = median(samples.map((sample) => sample.without.cores))
  return {
    columns: size[0],
    rows: size[1],
    screenCores: drawing,
    lineCores: line,
    addedCores: drawing - line,
    drawings: median(samples.map((sample) => sample.with.drawings)),
    bytesPerDrawing: median(samples.map((sample) => sample.with.bytes / sample.with.drawings)),
  }
})
const holds = results.every(({ addedCores }) => addedCores < bound)

if (json)
  process.stdout.write(
    `${JSON.stringify({ apiVersion: 'plimsoll/v1', kind: 'DashboardBenchmark', rounds, bound, results, holds }, null, 2)}\n`,
  )
else {
  const percent = (cores) => `${(cores * 100).toFixed(1)} %`.padStart(8)
  process.stdout.write('terminal   dashboard  line of progress     added  drawings  bytes each\n')
  for (const { columns, rows, screenCores, lineCores, addedCores, drawings, bytesPerDrawing } of results)
    process.stdout.write(
      `${`${columns} × ${rows}`.padEnd(9)}${percent(screenCores).padStart(11)}${percent(lineCores).padStart(18)}${percent(addedCores).padStart(10)}` +
        `${String(drawings).padStart(10)}${String(Math.round(bytesPerDrawing)).padStart(12)}${addedCores < bound ? '' : '  TOO MUCH'}\n`,
    )
}
process.exitCode = holds ? 0 : 1
