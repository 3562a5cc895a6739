// How long the program takes to start, as a multiple of starting Node itself: medians of interleaved runs, so that a machine
// that is slow for a moment is slow for all three. Exit 1 when `--help` takes more than 2.5× or `plan` more than 6×: what must not be lost. Wanted is
// a `plan` within 150 ms beyond Node's own start, which is about 3×, and not reached (docs/adr/0130).
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const program = `${root}bin/plimsoll.js`
if (!existsSync(`${root}dist/cli.js`)) {
  process.stderr.write('bench/startup: dist is missing; npm run build first\n')
  process.exit(2)
}

const json = process.argv.includes('--json')
const rounds = Number(process.env.PLIMSOLL_BENCH_ROUNDS ?? 15)
const commands = {
  node: ['-e', '0'],
  help: [program, '--help'],
  plan: [program, 'plan', `${root}scenarios/optimization-api/topology.yaml`],
}
const bounds = { help: 2.5, plan: 6 }

const milliseconds = (args) => {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (status !== 0) {
    process.stderr.write(`bench/startup: node ${args.join(' ')} ended with ${status}\n${stderr}`)
    process.exit(2)
  }
  return performance.now() - start
}

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

// The first of each reads the files from disk.
for (const args of Object.values(commands)) milliseconds(args)
const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
for (let round = 0; round < rounds; round++)
  for (const [name, args] of Object.entries(commands)) times[name].push(milliseconds(args))

const medians = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
const ratios = Object.fromEntries(Object.keys(bounds).map((name) => [name, medians[name] / medians.node]))
const holds = Object.entries(bounds).every(([name, bound]) => ratios[name] <= bound)

if (json) {
  const seconds = Object.fromEntries(Object.entries(medians).map(([name, value]) => [name, value / 1000]))
  process.stdout.write(
    `${JSON.stringify({ apiVersion: 'plimsoll/v1', kind: 'StartupBenchmark', rounds, seconds, ratios, bounds, holds }, null, 2)}\n`,
  )
} else {
  const row = (name, what, ratio) => {
    const verdict =
      ratio === undefined
        ? ''
        : `${ratio.toFixed(2)}×  (at most ${bounds[name]}×)${ratio <= bounds[name] ? '' : '  TOO SLOW'}`
    process.stdout.write(`${what.padEnd(48)}${medians[name].toFixed(0).padStart(5)} ms  ${verdict}`.trimEnd())
    process.stdout.write('\n')
  }
  row('node', 'node -e 0')
  row('help', 'plimsoll --help', ratios.help)
  row('plan', 'plimsoll plan scenarios/optimization-api', ratios.plan)
}
process.exitCode = holds ? 0 : 1
