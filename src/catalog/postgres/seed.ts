/** Makes a running PostgreSQL ready for a topology: role, database, tables, rows, and how fast `plimsoll_work` runs here. */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { median } from 'simple-statistics'
import type { Binding } from '../../contract/workload.js'
import { targetFailed } from '../../lib/errors.js'
import type { ComponentId, Topology } from '../../topology/types.js'
import { fillStatement, quoteIdentifier, quoteLiteral, schemaStatements, storageOf, tablesOf } from './schema.js'

export interface SeedOptions {
  /** A superuser's connection (or one that may create roles and databases). */
  readonly admin: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password?: string
    readonly database?: string
  }
  readonly topology: Topology
  readonly component: ComponentId
  /** CPU-seconds of the whole server, where its backends are processes of another name space. */
  readonly cpuSeconds?: () => number
  /** Role and database that the services use. Without a password the role has none (the server must trust loopback). */
  readonly role?: { readonly user: string; readonly password?: string; readonly database: string }
  /** Run first, by the administrator. */
  readonly statements?: readonly string[]
}

/** Creates what is missing and leaves the rest: safe to run again after a restart. */
export const seedPostgres = async (options: SeedOptions): Promise<Partial<Binding>> => {
  const { admin, topology, component } = options
  const role = options.role ?? { user: 'plimsoll', database: 'plimsoll' }
  await withClient({ database: 'postgres', ...admin }, async (client) => {
    for (const statement of options.statements ?? []) await client.query(statement)
    await ensureRole(client, role.user, role.password)
    await ensureDatabase(client, role.database, role.user)
  })
  const iterationsPerSecond = await withClient({ ...admin, database: role.database }, async (client) => {
    // Tables belong to the role; a superuser may act as any.
    await client.query(`GRANT ALL ON SCHEMA public TO ${quoteIdentifier(role.user)}`)
    await client.query(`SET ROLE ${quoteIdentifier(role.user)}`)
    for (const statement of schemaStatements(topology, component)) await client.query(statement)
    await fill(client, topology, component)
    return calibrate(client, options.cpuSeconds)
  })
  return {
    engine: 'postgres',
    user: role.user,
    ...(role.password === undefined ? {} : { password: role.password }),
    database: role.database,
    iterationsPerSecond,
  }
}

const withClient = async <T>(config: pg.ClientConfig, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, ...config, application_name: 'plimsoll-seed' })
  // A connection that dies between two statements would otherwise be an uncaught error; the next statement reports it.
  client.on('error', () => {})
  try {
    await client.connect()
    return await use(client)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw targetFailed(`cannot prepare PostgreSQL at ${config.host}:${config.port}`, why, 'see the log of its instance')
  } finally {
    await client.end().catch(() => {})
  }
}

const ensureRole = async (client: pg.Client, user: string, password: string | undefined): Promise<void> => {
  const id = quoteIdentifier(user)
  const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [user])
  if (known.rowCount === 0) await client.query(`CREATE ROLE ${id} LOGIN`)
  if (password !== undefined) await client.query(`ALTER ROLE ${id} PASSWORD ${quoteLiteral(password)}`)
}

const ensureDatabase = async (client: pg.Client, database: string, owner: string): Promise<void> => {
  const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
  if (known.rowCount === 0)
    await client.query(`CREATE DATABASE ${quoteIdentifier(database)} OWNER ${quoteIdentifier(owner)}`)
}

const fill = async (client: pg.Client, topology: Topology, component: ComponentId): Promise<void> => {
  for (const table of tablesOf(topology, component).values()) {
    if (table.kind !== 'data') continue
    const id = quoteIdentifier(table.data.id)
    const { rows } = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${id}`)
    if (Number(rows[0]?.rows) >= storageOf(table.data).rows) continue
    await client.query(fillStatement(table.data))
    await client.query(`VACUUM ANALYZE ${id}`)
  }
}

const burstSeconds = 0.03
const bursts = 7

/** CPU-seconds that a process has run, from the kernel's scheduler; undefined: not a process of this machine. */
const cpuSecondsOf = async (pid: number): Promise<number | undefined> => {
  try {
    // A server in a container has pids of its own, which may name anything here.
    if (!(await readFile(`/proc/${pid}/comm`, 'utf8')).startsWith('postgres')) return undefined
    return Number((await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[0]) / 1e9
  } catch {
    return undefined
  }
}

/**
 * Iterations of `plimsoll_work` per CPU-second: the median of several bursts. Measured by the kernel's account of the
 * backend where that can be read, else by the server's clock (then the fastest burst, as the least disturbed).
 */
const calibrate = async (client: pg.Client, serverSeconds: SeedOptions['cpuSeconds']): Promise<number> => {
  const backend = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const pid = backend.rows[0]?.pid ?? 0
  const cpuSeconds = async (): Promise<number | undefined> => serverSeconds?.() ?? cpuSecondsOf(pid)
  const burst = async (iterations: number): Promise<{ readonly cpu: number | undefined; readonly wall: number }> => {
    const before = await cpuSeconds()
    const timed = await client.query<{ seconds: number }>(
      `SELECT extract(epoch FROM clock_timestamp() - began)::float8 AS seconds
         FROM (SELECT began, plimsoll_work($1, 0) AS done FROM (SELECT clock_timestamp() AS began OFFSET 0) AS clock OFFSET 0) AS work
        WHERE done IS NOT NULL`,
      [iterations],
    )
    const after = await cpuSeconds()
    const wall = Math.max(timed.rows[0]?.seconds ?? 0, 1e-6)
    const cpu = before === undefined || after === undefined ? undefined : after - before
    return { cpu: cpu !== undefined && cpu > 0.05 * wall ? cpu : undefined, wall }
  }
  let iterations = 10_000
  for (;;) {
    const { cpu, wall } = await burst(iterations)
    const spent = cpu ?? wall
    if (spent >= burstSeconds / 2 || iterations > 1e9) {
      iterations = Math.max(1, Math.round((iterations * burstSeconds) / spent))
      break
    }
    iterations *= 4
  }
  const byCpu: number[] = []
  const byWall: number[] = []
  for (let i = 0; i < bursts; i++) {
    const { cpu, wall } = await burst(iterations)
    if (cpu !== undefined) byCpu.push(iterations / cpu)
    byWall.push(iterations / wall)
  }
  return byCpu.length === bursts ? median(byCpu) : Math.max(...byWall)
}
