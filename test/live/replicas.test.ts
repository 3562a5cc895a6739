/** PostgreSQL with read replicas in the process runtime: real streaming replication, staleness, faults and failover. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engines } from '../../src/catalog/index.js'
import { launch } from '../../src/deploy/runtime/launch.js'
import { processRuntime } from '../../src/deploy/runtime/process/assemble.js'
import type { OwnedSystem, SystemEvent } from '../../src/deploy/runtime/system.js'
import type { Fault, FaultKind } from '../../src/experiment/types.js'
import { machine } from '../../src/system/machine.js'
import { topologyFrom } from '../support/topology.js'
import { until } from './servers.js'
import { leftBehind, nothing, snapshot, temporaryBase } from './support/leftovers.js'

const cwd = mkdtempSync(join(tmpdir(), 'replicas test '))
const base = temporaryBase()
process.env.TMPDIR = base
const before = snapshot(base)
afterAll(() => {
  for (const path of [cwd, base]) rmSync(path, { recursive: true, force: true })
})

const topology = (database: string) =>
  topologyFrom(`
data: { item: { keys: 200, bytes: 100B } }
components:
  app:
    engine: service
    pools:
      primary: { to: db.primary, size: 2, acquireTimeout: 1s }
      replica: { to: db.replica, size: 4, acquireTimeout: 1s }
  db: { engine: postgres, readReplicas: 2, restart: { after: 500ms }, ${database} }
requests:
  read: { share: 50%, serve: app, route: 'GET /{item}', flow: [{ query: app.replica, key: item, time: 0.1ms }] }
  write: { share: 50%, serve: app, route: 'POST /{item}', flow: [{ write: app.primary, table: orders, time: 0.1ms }] }
`)

const start = (database: string): Promise<OwnedSystem> =>
  launch({
    runtime: processRuntime,
    machine,
    engines,
    topology: topology(database),
    topologyFile: join(cwd, 'topology.yaml'),
    purpose: 'run',
    ledgerFolder: join(cwd, '.plimsoll', 'ledger'),
    packageFolder: process.cwd(),
    signal: new AbortController().signal,
    seed: 1,
  })

const fault = (kind: FaultKind, index: number, restartAfterSeconds?: number): Fault => ({
  kind,
  atSeconds: 0,
  target: { kind: 'instance', component: 'db', index },
  forSeconds: undefined,
  restartAfterSeconds,
  parameters: {},
  position: { file: 'x.yaml', line: 1, column: 1 },
})

/** Status of an answer; 0: none. */
const ask = (system: OwnedSystem, method: 'GET' | 'POST'): Promise<number> =>
  new Promise((resolve) => {
    const sent = request(`${system.entries.app}/7`, { method, agent: false, timeout: 3000 }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.on('error', () => resolve(0))
    sent.on('timeout', () => sent.destroy())
    sent.end()
  })

const stateOf = async (system: OwnedSystem, index: number) =>
  (await system.status()).find(({ id }) => id === `db/${index}`)?.state

const query = async <T extends pg.QueryResultRow>(system: OwnedSystem, index: number, text: string): Promise<T[]> => {
  const port = Number((await system.status()).find(({ id }) => id === `db/${index}`)?.addresses[0]?.split(':')[1])
  const password = readFileSync(join(base, `plimsoll-${system.id}`, `db-${index}`, 'password'), 'utf8').trim()
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'plimsoll' })
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

const orders = async (system: OwnedSystem, index: number): Promise<number> =>
  Number((await query<{ n: string }>(system, index, 'SELECT count(*) AS n FROM orders'))[0]?.n)

const isStandby = async (system: OwnedSystem, index: number): Promise<boolean | undefined> =>
  (await query<{ standby: boolean }>(system, index, 'SELECT pg_is_in_recovery() AS standby'))[0]?.standby

/** Names of the members that the server sends its log to. */
const followers = async (system: OwnedSystem, index: number): Promise<readonly string[]> =>
  (
    await query<{ name: string }>(
      system,
      index,
      `SELECT application_name AS name FROM pg_stat_replication WHERE state = 'streaming' ORDER BY 1`,
    )
  ).map(({ name }) => name)

describe('replicas with a declared lag of 400 ms', () => {
  let system: OwnedSystem
  beforeAll(async () => {
    system = await start('replication: { mode: async, lag: 400ms }')
  })
  afterAll(async () => {
    await system?.down()
    expect(await leftBehind(before, base)).toEqual(nothing)
  })

  test('stream from the primary under their names, and have its data', async () => {
    expect(await followers(system, 0)).toEqual(['db/1', 'db/2'])
    expect(await Promise.all([0, 1, 2].map((index) => isStandby(system, index)))).toEqual([false, true, true])
    expect(await query(system, 2, 'SELECT count(*)::int AS n FROM item')).toEqual([{ n: 200 }])
    expect(Object.keys(system.placement.instances).sort()).toEqual(['app/0', 'db/0', 'db/1', 'db/2', 'generator'])
  })

  test('answer with what was before a write until the lag has passed: read-your-writes does not hold', async () => {
    const old = await orders(system, 0)
    const began = performance.now()
    expect(await ask(system, 'POST')).toBe(200)
    expect(await orders(system, 0)).toBe(old + 1)
    expect(await orders(system, 1)).toBe(old)
    await until('the write to be seen', async () => (await orders(system, 1)) === old + 1)
    expect((performance.now() - began) / 1000).toBeGreaterThan(0.4)
  })

  test('have half of the reads each, the primary none; every instance has its own counters', async () => {
    const first = await system.sample()
    for (let i = 0; i < 200; i++) expect(await ask(system, 'GET')).toBe(200)
    const visits = async (index: number): Promise<number> => {
      const now = await system.sample()
      return (now.instances[`db/${index}`]?.visits ?? 0) - (first.instances[`db/${index}`]?.visits ?? 0)
    }
    // PostgreSQL brings its statistics up to date when a session has been idle for a while, and that without haste.
    await until('the reads to be counted', async () => (await visits(1)) + (await visits(2)) >= 200, 60)
    expect(Math.abs((await visits(1)) - (await visits(2)))).toBeLessThan(20)
    expect(await visits(0)).toBeLessThan(20)
    expect((await system.sample()).instances['db/1']?.cpuSeconds).toBeGreaterThan(0)
  })

  test('a replica that is killed fails no later read, rejoins, and gets its share of the connections back', async () => {
    await system.inject(fault('kill', 1, 1))
    const answers: number[] = []
    await until('db/1 to be back', async () => {
      answers.push(await ask(system, 'GET'))
      return (await stateOf(system, 1)) === 'ready'
    })
    expect(answers.slice(4).every((status) => status === 200)).toBe(true)
    expect(await followers(system, 0)).toEqual(['db/1', 'db/2'])
    const connections = async (index: number): Promise<number> =>
      (await query(system, index, `SELECT 1 FROM pg_stat_activity WHERE application_name = 'plimsoll app/0.0'`)).length
    // Lost ones are opened again as they are needed, which for one read at a time is never; so some of the others move.
    await until('the pool to be spread', async () => (await connections(1)) > 0 && (await connections(2)) > 0)
  })

  test('without failover a primary that is killed comes back as primary, and its replicas follow again', async () => {
    const old = await orders(system, 0)
    await system.inject(fault('kill', 0, 1))
    expect(await ask(system, 'GET')).toBe(200)
    expect(await ask(system, 'POST')).toBe(502)
    await until('db/0 to be back', async () => (await stateOf(system, 0)) === 'ready')
    await until('writes to go', async () => (await ask(system, 'POST')) === 200)
    expect(await isStandby(system, 0)).toBe(false)
    expect(await orders(system, 0)).toBeGreaterThan(old)
    await until('the replicas', async () => (await followers(system, 0)).join() === 'db/1,db/2')
  })
})

describe('failover of a semi-synchronous database', () => {
  let system: OwnedSystem
  const events: SystemEvent[] = []
  beforeAll(async () => {
    system = await start('replication: { mode: semi-sync, lag: 50ms }, failover: { detect: 500ms, promote: 500ms }')
    system.onEvent((event) => events.push(event))
  })
  afterAll(async () => {
    await system?.down()
    expect(await leftBehind(before, base)).toEqual(nothing)
  })

  test('the commits wait for one standby', async () => {
    expect(await query(system, 0, 'SHOW synchronous_standby_names')).toEqual([
      { synchronous_standby_names: 'ANY 1 ("db/1", "db/2")' },
    ])
  })

  test('a primary that stays away is replaced; no acknowledged write is lost; it comes back as a replica', async () => {
    let written = 0
    for (let i = 0; i < 20; i++) if ((await ask(system, 'POST')) === 200) written++
    // Of two that have received the same, the first is promoted.
    for (const index of [1, 2]) await until('it to be everywhere', async () => (await orders(system, index)) >= written)
    const killedAt = performance.now()
    await system.inject(fault('kill', 0, 4))
    await until('writes to go', async () => (await ask(system, 'POST')) === 200)
    written++
    const seconds = (performance.now() - killedAt) / 1000
    expect(seconds).toBeGreaterThan(1)
    expect(seconds).toBeLessThan(6)
    expect(await isStandby(system, 1)).toBe(false)
    expect(await orders(system, 1)).toBeGreaterThanOrEqual(written)
    expect(events).toContainEqual(expect.objectContaining({ type: 'detected', instance: 'db/0', by: 'failover of db' }))
    const note = 'db/1 is primary of db now; it was db/0'
    await until('the note of it', () => events.some((event) => event.type === 'note' && event.message === note))
    await until('db/0 to be back', async () => (await stateOf(system, 0)) === 'ready')
    await until('both to follow', async () => (await followers(system, 1)).join() === 'db/0,db/2')
    expect(await isStandby(system, 0)).toBe(true)
    expect(await query(system, 1, 'SHOW synchronous_standby_names')).toEqual([
      { synchronous_standby_names: expect.stringMatching(/^ANY 1 \("db\/0", "db\/2"\)$/) },
    ])
  })

  test('a primary that hangs is replaced, too, and takes no write when it wakes up', async () => {
    const { undo } = await system.inject(fault('pause', 1))
    await until('writes to go', async () => (await ask(system, 'POST')) === 200)
    expect(await isStandby(system, 0)).toBe(false)
    await undo()
    expect(await stateOf(system, 1)).toBe('ready')
    expect(await isStandby(system, 1)).toBe(true)
    await until('both to follow', async () => (await followers(system, 0)).join() === 'db/1,db/2')
  })

  test('without a standby commits go on alone', async () => {
    await Promise.all([1, 2].map((index) => system.inject(fault('stop', index, 3))))
    await until('writes to go', async () => (await ask(system, 'POST')) === 200)
    expect(await query(system, 0, 'SHOW synchronous_standby_names')).toEqual([{ synchronous_standby_names: '' }])
    await until('both to be back', async () => (await followers(system, 0)).join() === 'db/1,db/2')
  })

  test('of two replicas the one that has received more is promoted, though it is not the first', async () => {
    const rows = await query<{ pid: number }>(system, 1, 'SELECT pid FROM pg_stat_wal_receiver')
    const receiver = rows[0]?.pid ?? 0
    expect(machine.signal(receiver, 'SIGSTOP')).toBe(true)
    try {
      const old = await orders(system, 0)
      expect(await ask(system, 'POST')).toBe(200)
      await system.inject(fault('kill', 0, 3))
      await until('writes to go', async () => (await ask(system, 'POST')) === 200)
      expect(await isStandby(system, 2)).toBe(false)
      expect(await orders(system, 2)).toBe(old + 2)
    } finally {
      machine.signal(receiver, 'SIGCONT')
    }
    await until('both to follow', async () => (await followers(system, 2)).join() === 'db/0,db/1', 40)
  })
})
