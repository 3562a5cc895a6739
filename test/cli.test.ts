/** The process boundary: what a shell, a pipe and a script see of the built program. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commands } from '../src/commands/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const plimsoll = (...args: string[]) =>
  spawnSync(process.execPath, [`${root}bin/plimsoll.js`, ...args], { encoding: 'utf8', cwd: root })

test('--help names every command on stdout, and nothing on stderr', () => {
  const { status, stdout, stderr } = plimsoll('--help')
  expect(status).toBe(0)
  expect(stderr).toBe('')
  for (const { name, summary } of commands) {
    expect(stdout).toContain(`${name} `)
    expect(stdout.replace(/\s+/g, ' ')).toContain(summary)
  }
})

test.each(commands.map(({ name }) => name))('%s --help exits 0 and shows its usage', (name) => {
  const { status, stdout } = plimsoll(name, '--help')
  expect(status).toBe(0)
  expect(stdout).toContain(`Usage: plimsoll ${name}`)
})

test('a mistyped command is a usage error with a suggestion', () => {
  const { status, stdout, stderr } = plimsoll('plna')
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('Did you mean plan?')
})

test('a mistyped option and a missing argument are usage errors', () => {
  expect(plimsoll('plan', '--jsno', 'x').status).toBe(2)
  expect(plimsoll('plan').status).toBe(2)
})

test('a file that does not exist is invalid input, told without a stack trace', () => {
  const { status, stdout, stderr } = plimsoll('plan', 'no/such/topology.yaml')
  expect(status).toBe(3)
  expect(stdout).toBe('')
  expect(stderr).toContain('no/such/topology.yaml')
  expect(stderr).not.toMatch(/\n\s+at /)
})

test('--version is the version of the package', () => {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  expect(plimsoll('--version').stdout.trim()).toBe(version)
})

test('a reader that closes the pipe early is not an error', () => {
  const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', `node bin/plimsoll.js --help | head -1`], {
    encoding: 'utf8',
    cwd: root,
  })
  expect(status).toBe(0)
  expect(stderr).toBe('')
})

test('an experiment where a topology is expected is one error, at its kind, and the other way round', () => {
  const scenario = 'scenarios/optimization-api'
  const plan = plimsoll('plan', `${scenario}/experiments/steady.yaml`)
  expect(plan.status).toBe(3)
  expect(plan.stderr.match(/error:/g)).toHaveLength(1)
  expect(plan.stderr).toContain('steady.yaml:4:1: error: expected a topology, got an experiment')
  const run = plimsoll('run', `${scenario}/topology.yaml`, '--on', 'sim')
  expect(run.status).toBe(3)
  expect(run.stderr.match(/error:/g)).toHaveLength(1)
  expect(run.stderr).toContain('topology.yaml:5:1: error: expected an experiment, got a topology')
})

test('data that cannot be written is an error, not a success', () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(
    process.execPath,
    [`${root}bin/plimsoll.js`, 'check', 'scenarios/optimization-api/topology.yaml'],
    { encoding: 'utf8', cwd: root, stdio: ['ignore', full, 'pipe'] },
  )
  closeSync(full)
  expect(status).toBe(1)
  expect(stderr).toMatch(/stdout cannot be written: .*no space left/i)
})

test('more requests than can be run are refused at the rate that asks for them, and not begun', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'plimsoll-cli-')), 'topology.yaml')
  const text = readFileSync(`${root}scenarios/optimization-api/topology.yaml`, 'utf8')
  writeFileSync(file, text.replace('traffic: { rate: 300/s }', 'traffic: { rate: 9000000/s }'))
  const { status, stdout, stderr } = plimsoll('simulate', file, '--duration', '1h')
  rmSync(dirname(file), { recursive: true })
  expect(status).toBe(3)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/topology\.yaml:\d+:18: error: .* at most 1 000 000 000 are run/)
})

test('a command that has nothing to undo ends at the first signal, whatever it waits for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-cli-'))
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const { status, signal } = spawnSync(
    'timeout',
    ['--kill-after=5', '1', process.execPath, `${root}bin/plimsoll.js`, 'check', join(folder, 'fifo')],
    { encoding: 'utf8' },
  )
  rmSync(folder, { recursive: true })
  // 124: it ended on timeout's SIGTERM; 137 would mean that it had to be killed.
  expect({ status, signal }).toEqual({ status: 124, signal: null })
})

test('Ctrl-C ends simulations in all threads, prints nothing, and exits 130', () => {
  const { status, stdout, stderr } = spawnSync(
    'timeout',
    [
      ...['--signal=INT', '--preserve-status', '--kill-after=10', '2', process.execPath, `${root}bin/plimsoll.js`],
      ...['simulate', 'scenarios/optimization-api/topology.yaml', '--duration', '24h'],
      ...['--replications', '4', '--threads', '2', '--set', 'components.app.replicas=3', '--set', 'traffic.rate=500/s'],
    ],
    { encoding: 'utf8', cwd: root },
  )
  expect({ status, stdout, stderr }).toEqual({ status: 130, stdout: '', stderr: '' })
})

test('Ctrl-C ends a run in the simulator, too, and keeps the events that it had seen', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-cli-'))
  const file = join(folder, 'day.yaml')
  writeFileSync(
    file,
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: day\ntopology: ${root}scenarios/optimization-api/topology.yaml\nload: { stages: [{ hold: 500/s, for: 24h }] }\n`,
  )
  const { status, stdout } = spawnSync(
    'timeout',
    [
      ...['--signal=INT', '--preserve-status', '--kill-after=10', '3', process.execPath, `${root}bin/plimsoll.js`],
      ...['run', file, '--on', 'sim', '--out', folder],
    ],
    { encoding: 'utf8', cwd: folder },
  )
  const [run = ''] = readdirSync(folder).filter((name) => name.endsWith('-sim'))
  const events = readFileSync(join(folder, run, 'events.jsonl'), 'utf8')
  rmSync(folder, { recursive: true })
  expect({ status, stdout }).toEqual({ status: 130, stdout: '' })
  expect(events).toContain('"type":"second"')
})

test('what is wrong with a setting is shown where it was given', () => {
  const { status, stdout, stderr } = plimsoll(
    ...['simulate', 'scenarios/optimization-api/topology.yaml', '--set', 'components.app.replicas=many'],
    ...['--set', 'components.ap.replicas=3'],
  )
  expect(status).toBe(3)
  expect(stdout).toBe('')
  expect(stderr).toContain(
    '--set: error: replicas: expected a whole number, got "many"\n   | components.app.replicas=many\n',
  )
  expect(stderr).toContain('did you mean "app"?')
})
