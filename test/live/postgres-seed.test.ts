import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seedPostgres } from '../../src/catalog/postgres/seed.js'
import { data, pool, request, service, step, store, topology } from '../workload/topologies.js'
import { type Server, startPostgres } from './servers.js'

let server: Server
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(async () => {
  await server.remove()
})

const shop = topology({
  components: [service('app', { pools: { main: pool('main', 'db', 4) } }), store('db', 'postgres')],
  data: [data('product "x"', { keys: 5000, bytes: 3000, counters: { stock: 7, version: 1 } })],
  requests: [
    request('view', 'GET /p', [step.query('view/0', 'db', { key: 'product "x"' })]),
    request('buy', 'POST /p', [step.write('buy/0', 'db', { table: 'orders' })]),
  ],
})

test('seeding makes tables with a row per key, and may be run again without losing what was written', async () => {
  const admin = { host: server.host, port: server.port, user: 'postgres' }
  const first = await seedPostgres({ admin, topology: shop, component: 'db' })
  const client = new pg.Client({ host: server.host, port: server.port, user: first.user, database: first.database })
  await client.connect()
  await client.query(`UPDATE "product ""x""" SET stock = 3 WHERE id = 4999`)
  await client.query(`INSERT INTO orders (request_id, payload) VALUES ('r1', 'p')`)
  const second = await seedPostgres({ admin, topology: shop, component: 'db' })
  const { rows } = await client.query(
    `SELECT count(*)::int AS rows, min(length(payload)) AS low, max(length(payload)) AS high, min(stock) AS stock, max(counter_version) AS counter FROM "product ""x"""`,
  )
  expect(rows[0]).toEqual({ rows: 5000, low: 3000, high: 3000, stock: 3, counter: 1 })
  expect((await client.query('SELECT request_id FROM orders')).rows).toEqual([{ request_id: 'r1' }])
  await client.end()
  const speeds = [first.iterationsPerSecond ?? 0, second.iterationsPerSecond ?? 0]
  expect(Math.min(...speeds)).toBeGreaterThan(1e5)
})

test('plimsoll_work burns the CPU that it is asked for, within 10 %', async () => {
  const admin = { host: server.host, port: server.port, user: 'postgres' }
  const { readFileSync } = await import('node:fs')
  // A virtual core may change its speed between the measuring and the burning: then the two are told apart by trying again. A wrong
  // measure is wrong each time.
  let ratio = 0
  for (let attempt = 0; attempt < 8 && Math.abs(ratio - 1) > 0.1; attempt++) {
    const { iterationsPerSecond = 0, user, database } = await seedPostgres({ admin, topology: shop, component: 'db' })
    const client = new pg.Client({ host: server.host, port: server.port, user, database })
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const cpu = (): number => Number(readFileSync(`/proc/${rows[0]?.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9
    await client.query('SELECT plimsoll_work(1000, 0)')
    const before = cpu()
    for (let i = 0; i < 20; i++)
      await client.query('SELECT plimsoll_work($1, 0)', [Math.round(0.02 * iterationsPerSecond)])
    ratio = (cpu() - before) / 0.4
    await client.end()
  }
  expect(ratio).toBeGreaterThan(0.9)
  expect(ratio).toBeLessThan(1.1)
})
