// What the dashboard adds to a run: CPU time of a process that draws it ten times a second, less that of one that prints the ordinary
// line of progress, as a share of one core. Exit 1 when that is 10 % or more of a run as it happens, in any terminal size. Of a replay
// at ten times its speed, which has ten new seconds to draw every second, it is told, too.
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
  const cores = (kind) => median(Array.from({ length: rounds }, () => measure(kind, size).cores))
  const [live, replay, line] = ['live', 'replay', 'line'].map(cores)
  return {
    columns: size[0],
    rows: size[1],
    lineCores: line,
    liveCores: live,
    replayCores: replay,
    addedCores: live - line,
  }
})
const holds = results.every(({ addedCores }) => addedCores < bound)

if (json)
  process.stdout.write(
    `${JSON.stringify({ apiVersion: 'plimsoll/v1', kind: 'DashboardBenchmark', rounds, bound, results, holds }, null, 2)}\n`,
  )
else {
  const percent = (cores) => `${(cores * 100).toFixed(1)} %`.padStart(10)
  process.stdout.write('terminal        line      live     added    replay at 10×\n')
  for (const { columns, rows, lineCores, liveCores, addedCores, replayCores } of results)
    process.stdout.write(
      `${`${columns} × ${rows}`.padEnd(10)}${percent(lineCores)}${percent(liveCores)}${percent(addedCores)}${percent(replayCores)}` +
        `${addedCores < bound ? '' : '  TOO MUCH'}\n`,
    )
}
process.exitCode = holds ? 0 : 1
