/** The probe of a PostgreSQL server, and the one connection that its counters are read through. */
import { connect } from 'node:net'
import pg from 'pg'
import type { LiveContext } from '../../contract/engine.js'

const protocol3 = 196_608

/** A start-up message for a user that need not exist. */
const startupMessage = (): Buffer => {
  const text = Buffer.from('user\0plimsoll-probe\0database\0postgres\0\0', 'latin1')
  const message = Buffer.alloc(8 + text.length)
  message.writeInt32BE(message.length, 0)
  message.writeInt32BE(protocol3, 4)
  text.copy(message, 8)
  return message
}

/**
 * Does it take connections? Like pg_isready: asking for a password (`R`) means yes; an error (`E`) means no when it is
 * 57P03, "the database system is starting up".
 */
export const pingPostgres = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (ready: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(ready)
    }
    const timer = setTimeout(() => end(false), 1000)
    socket.on('connect', () => socket.write(startupMessage()))
    socket.on('data', (chunk: Buffer) => {
      const type = String.fromCharCode(chunk[0] ?? 0)
      end(type === 'R' || (type === 'E' && !chunk.includes('57P0')))
    })
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
  })

const clients = new WeakMap<LiveContext, pg.Client>()

const connected = async (
  context: LiveContext,
  login: { readonly user: string; readonly password: string; readonly database: string },
): Promise<pg.Client> => {
  const known = clients.get(context)
  if (known !== undefined) return known
  const client = new pg.Client({
    ...login,
    ...context.listen,
    application_name: 'plimsoll-sample',
    connectionTimeoutMillis: 800,
    query_timeout: 800,
  })
  const forget = (): void => {
    if (clients.get(context) === client) clients.delete(context)
  }
  client.on('error', forget)
  client.on('end', forget)
  await client.connect()
  clients.set(context, client)
  return client
}

/**
 * Transactions ended in the system's database: queries, as the services run them (one statement each). The connection is
 * a superuser's, so it takes none of those that `maxConnections` leaves to the services, and its own reads are not counted:
 * it is connected to `postgres`.
 */
export const transactionsOf = async (
  context: LiveContext,
  login: { readonly user: string; readonly password: string; readonly database: string },
): Promise<number> => {
  const client = await connected(context, { ...login, database: 'postgres' })
  try {
    const { rows } = await client.query<{ count: string }>(
      'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = $1',
      [login.database],
    )
    return Number(rows[0]?.count ?? 0)
  } catch (error) {
    clients.delete(context)
    client.end().catch(() => undefined)
    throw error
  }
}
