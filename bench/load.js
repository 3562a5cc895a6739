// Our closed loop against autocannon's, on one nginx worker with 64 connections, in one run: repetitions of both by turns,
// and the median of the ratios of each pair. Exit 1 below 0.9 of autocannon's requests per second.
//   node bench/load.js [--json] [--repetitions 5] [--seconds 2]
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'

const connections = 64
const required = 0.9

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    repetitions: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
  },
})
const repetitions = Number(values.repetitions)
const seconds = Number(values.seconds)

const root = fileURLToPath(new URL('..', import.meta.url))
const note = (text) => process.stderr.write(`${text}\n`)
const fail = (code, text) => {
  note(text)
  process.exit(code)
}

if (!Number.isInteger(repetitions) || repetitions < 1 || !(seconds > 0))
  fail(2, 'bench/load.js: --repetitions takes a whole number from 1 and --seconds a number above 0')
// What is measured is what the sources say now; the compiler's words must not mix with the document on stdout.
execFileSync('bash', [join(root, 'scripts/build-if-stale.sh')], { stdio: ['ignore', 2, 2] })
const program = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']
  .map((folder) => join(folder, 'nginx'))
  .find((path) => existsSync(path))
if (program === undefined) fail(5, 'bench/load.js: nginx is not installed; plimsoll doctor --install installs it')

const { startLoad } = await import('../dist/load/start.js')

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-load-'))
const port = await freePort()
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `${name}_temp_path ${folder}/${name};`)
  .join(' ')
writeFileSync(
  join(folder, 'nginx.conf'),
  `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  ${temporary}
  server { listen 127.0.0.1:${port}; location / { return 200 "ok\\n"; } }
}
`,
)
const nginx = spawn(program, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
const ended = new Promise((resolve) => nginx.once('exit', resolve))
const cleanUp = async () => {
  nginx.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void cleanUp().then(() => process.exit(signal === 'SIGINT' ? 130 : 143)))

const ours = async (forSeconds) => {
  const request = {
    id: 'get',
    share: 1,
    derivedFrom: undefined,
    enter: ['edge'],
    serve: 'edge',
    route: { method: 'GET', path: '/', parameters: [] },
    client: { timeoutSeconds: 10, retry: undefined },
    bytes: { in: 0, out: 0 },
  }
  const { requests } = await startLoad({
    topology: { name: 'bench', requests: { get: request }, data: {}, origins: [], traffic: undefined },
    experiment: {
      load: {
        mode: 'closed',
        arrivals: { kind: 'poisson' },
        mix: undefined,
        stages: [{ fromLevel: connections, toLevel: connections, durationSeconds: forSeconds }],
        thinkTime: { shape: 'constant', seconds: 0 },
      },
      warmupSeconds: 0,
      source: { locate: () => ({ file: 'bench/load.js', line: 1, column: 1 }) },
    },
    seed: 1,
    entries: { edge: `http://127.0.0.1:${port}` },
  }).done
  const { completed, ok } = requests.all
  if (ok !== completed) throw new Error(`${completed - ok} of our requests failed`)
  return ok / forSeconds
}

const theirs = async (forSeconds) => {
  const result = await autocannon({ url: `http://127.0.0.1:${port}/`, connections, duration: forSeconds })
  if (result.errors > 0 || result.non2xx > 0) throw new Error("some of autocannon's requests failed")
  return result.requests.total / result.duration
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

try {
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 100) throw new Error(`nginx did not start: see ${folder}/error.log`)
    await sleep(50)
  }
  await ours(0.5)
  await theirs(0.5)
  const pairs = []
  for (let i = 0; i < repetitions; i++) {
    const first = i % 2 === 0 ? await ours(seconds) : undefined
    const autocannonPerSecond = await theirs(seconds)
    const plimsollPerSecond = first ?? (await ours(seconds))
    pairs.push({ plimsollPerSecond, autocannonPerSecond, ratio: plimsollPerSecond / autocannonPerSecond })
    note(
      `repetition ${i + 1}: plimsoll ${plimsollPerSecond.toFixed(0)}/s, autocannon ${autocannonPerSecond.toFixed(0)}/s, ratio ${pairs.at(-1).ratio.toFixed(3)}`,
    )
  }
  const ratio = median(pairs.map((pair) => pair.ratio))
  const holds = ratio >= required
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ apiVersion: 'plimsoll/v1', kind: 'Benchmark', name: 'load', connections, seconds, ratio, required, holds, repetitions: pairs })}\n`,
    )
  else
    process.stdout.write(
      `closed loop, ${connections} connections, one nginx worker: median ratio to autocannon ${ratio.toFixed(3)} (required ${required}): ${holds ? 'holds' : 'does not hold'}\n`,
    )
  process.exitCode = holds ? 0 : 1
} finally {
  await cleanUp()
}
