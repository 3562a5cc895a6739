/** kill -9 of plimsoll at any moment: a later `plimsoll down` leaves nothing behind. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { LedgerEntry } from '../../src/contract/ledger.js'
import { randomStream } from '../../src/lib/random.js'
import { until } from './servers.js'
import { workplace } from './support/cli.js'
import { leftBehind, nothing, snapshot } from './support/leftovers.js'

const place = workplace()
const before = snapshot(place.base)
const ledger = join(place.folder, '.plimsoll', 'ledger')

const full = 'api/topology.yaml'
/** Without PostgreSQL, a stack is up in a third of the time. */
const small = 'api/small.yaml'
writeFileSync(
  join(place.folder, small),
  `apiVersion: plimsoll/v1
kind: Topology
name: small
data: { item: { keys: 10, bytes: 100B } }
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service }
  cache: { engine: redis }
requests:
  view: { share: 100%, enter: edge, serve: app, route: 'GET /{item}', flow: [{ lookup: cache, key: item, miss: [] }] }
`,
)

const entries = (): readonly LedgerEntry[] =>
  existsSync(ledger)
    ? readdirSync(ledger)
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(readFileSync(join(ledger, name), 'utf8')) as LedgerEntry)
    : []

const expectNothing = async (): Promise<void> => {
  const down = await place.run('down')
  expect(down).toMatchObject({ code: 0 })
  expect(await leftBehind(before, place.base)).toEqual(nothing)
  expect(readdirSync(place.folder).filter((name) => name !== 'runs')).toEqual(['api'])
}

afterEach(async () => {
  await place.run('down')
})
afterAll(() => place.remove())

const sleep = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, seconds * 1000))

/** Seeded, so that a failure comes again; spread over the whole of what is interrupted. */
const moments = (name: string, longest: number, count = 10): readonly number[] => {
  const stream = randomStream(2, name)
  return Array.from({ length: count }, (_, i) => Number((((i + stream.uniform()) * longest) / count).toFixed(3)))
}

test.each(moments('up', 2.6))('up killed after %d s', async (seconds) => {
  const up = place.start('up', full)
  await sleep(seconds)
  up.child.kill('SIGKILL')
  await up.ended
  await expectNothing()
})

test.each(moments('supervisor', 2.4, 4))('the supervisor killed after %d s, its servers orphaned', async (seconds) => {
  const up = place.start('up', full)
  await sleep(seconds)
  const pids = entries().flatMap(({ owner }) => (owner === null ? [] : [owner.pid]))
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await up.ended
  await expectNothing()
})

test.each(moments('replicated', 12, 3))('replicas and Prometheus, killed after %d s', async (seconds) => {
  const up = place.start('up', 'api/replicated/topology.yaml')
  await sleep(seconds)
  for (const { owner } of entries()) if (owner !== null) process.kill(owner.pid, 'SIGKILL')
  up.child.kill('SIGKILL')
  await up.ended
  await expectNothing()
})

const experiment = (text: string): void => {
  const head = 'apiVersion: plimsoll/v1\nkind: Experiment\nname: short\ntopology: topology.yaml\n'
  writeFileSync(join(place.folder, 'api', 'short.yaml'), `${head}${text}`)
}

test.each(moments('run', 6))('run killed after %d s', async (seconds) => {
  experiment(
    'load: { mode: open, arrivals: poisson, stages: [{ hold: 40/s, for: 2s }] }\nfaults: [{ at: 1s, kill: app/0 }]\n',
  )
  const run = place.start('run', 'api/short.yaml', '--on', 'stack', '--out', 'runs')
  await sleep(seconds)
  run.child.kill('SIGKILL')
  await run.ended
  await expectNothing()
})

test('down ends a living run, which undoes its own system', async () => {
  experiment('load: { mode: open, arrivals: poisson, stages: [{ hold: 40/s, for: 60s }] }\n')
  const runs = (): number =>
    existsSync(join(place.folder, 'runs')) ? readdirSync(join(place.folder, 'runs')).length : 0
  const earlier = runs()
  const run = place.start('run', 'api/short.yaml', '--on', 'stack', '--out', 'runs')
  await until('the run has begun', () => runs() > earlier, 30)
  await expectNothing()
  expect((await run.ended).code).toBe(143)
})

let whole = false
test.each(moments('down', 0.8))('down killed after %d s', async (seconds) => {
  // Every other time with PostgreSQL, which takes longest to end and has shared memory.
  whole = !whole
  expect(await place.run('up', whole ? full : small)).toMatchObject({ code: 0 })
  const down = place.start('down')
  await sleep(seconds)
  down.child.kill('SIGKILL')
  await down.ended
  await expectNothing()
})

test.each(moments('orphans', 1, 4))('down of orphans killed after %d s', async (seconds) => {
  expect(await place.run('up', small)).toMatchObject({ code: 0 })
  for (const { owner } of entries()) process.kill(owner?.pid ?? 0, 'SIGKILL')
  const down = place.start('down')
  await sleep(seconds)
  down.child.kill('SIGKILL')
  await down.ended
  await expectNothing()
})

test('down ends servers that are stopped, and a supervisor that is', async () => {
  const up = await place.run('up', full, '--json')
  const { instances } = JSON.parse(up.stdout) as { instances: readonly { pids: readonly number[] }[] }
  for (const pid of instances.flatMap(({ pids }) => pids)) process.kill(pid, 'SIGSTOP')
  for (const { owner } of entries()) process.kill(owner?.pid ?? 0, 'SIGSTOP')
  const began = performance.now()
  await expectNothing()
  expect(performance.now() - began).toBeLessThan(15_000)
})

test('two downs at once both succeed', async () => {
  await place.run('up', small)
  const [one, other] = await Promise.all([place.run('down'), place.run('down')])
  expect([one.code, other.code]).toEqual([0, 0])
  await expectNothing()
  await place.run('up', small)
  for (const { owner } of entries()) process.kill(owner?.pid ?? 0, 'SIGKILL')
  const [third, fourth] = await Promise.all([place.run('down'), place.run('down')])
  expect([third.code, fourth.code]).toEqual([0, 0])
  await expectNothing()
})

test('a ledger file that cannot be read does not hide what it recorded', async () => {
  await place.run('up', small)
  const [entry] = entries()
  process.kill(entry?.owner?.pid ?? 0, 'SIGKILL')
  writeFileSync(join(ledger, `${entry?.id}.json`), '{"apiVersion":"plimsoll/v1","kind":"Led')
  await expectNothing()
})

test('a ledger that was deleted under a living system does not hide it from down', async () => {
  await place.run('up', small)
  rmSync(join(place.folder, '.plimsoll'), { recursive: true })
  await expectNothing()
})

test('a pid that has passed to another process is not touched', async () => {
  await place.run('up', small)
  const [entry] = entries()
  if (entry === undefined) throw new Error('no entry')
  process.kill(entry.owner?.pid ?? 0, 'SIGKILL')
  // This very test as the owner, but started at another time: the number alone means nothing.
  const owner = { pid: process.pid, startSeconds: 1 }
  writeFileSync(join(ledger, `${entry.id}.json`), JSON.stringify({ ...entry, owner }))
  await expectNothing()
})

test('after a reboot there is nothing to end, and its folder is removed', async () => {
  await place.run('up', small)
  const [entry] = entries()
  if (entry === undefined) throw new Error('no entry')
  await place.run('down')
  mkdirSync(ledger, { recursive: true })
  mkdirSync(join(entry.folder, 'db-0'), { recursive: true })
  writeFileSync(join(ledger, `${entry.id}.json`), JSON.stringify({ ...entry, bootId: 'another', bootSeconds: 1e9 }))
  await expectNothing()
})

test('a folder that is not one of ours is never removed', async () => {
  await place.run('up', small)
  const [entry] = entries()
  if (entry === undefined) throw new Error('no entry')
  const file = join(ledger, `${entry.id}.json`)
  const whole = readFileSync(file, 'utf8')
  process.kill(entry.owner?.pid ?? 0, 'SIGKILL')
  await until('the supervisor is gone', () => !existsSync(`/proc/${entry.owner?.pid}/cwd`))
  writeFileSync(file, JSON.stringify({ ...entry, folder: join(place.folder, 'api') }))
  expect(await place.run('down')).toMatchObject({ code: 6 })
  expect(existsSync(place.topology)).toBe(true)
  writeFileSync(file, whole)
  await expectNothing()
})
