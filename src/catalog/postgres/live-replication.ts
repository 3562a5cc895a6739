/** Members of a replicated PostgreSQL while they run: who follows, and making a standby the primary. */
import pg from 'pg'
import type { LiveContext, ReplicationFacet } from '../../contract/engine.js'
import type { StoreComponent } from '../../topology/types.js'
import { pingPostgres } from './live-client.js'
import { hasStandbys, isStandby, primaryOf, slotStatements } from './replication.js'

export const superuser = 'postgres'

export const superuserOf = ({ superuser: own = superuser }: LiveContext): string => own

/** A standby that has not all that it received may be this far behind what is declared, and still be ready. */
const slackSeconds = 5

const promoteSeconds = 60

const withSuperuser = async <T>(
  context: LiveContext,
  seconds: number,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> => {
  const client = new pg.Client({
    ...{ ...context.listen, user: superuserOf(context), password: context.secret, database: 'postgres' },
    application_name: 'plimsoll-replication',
    connectionTimeoutMillis: 1000,
    query_timeout: seconds * 1000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

const storeOf = ({ component }: LiveContext): StoreComponent => {
  if (component.role !== 'store') throw new TypeError(`${component.id} is a ${component.role}`)
  return component
}

interface Receiving {
  readonly streaming: boolean
  /** Seconds since the last commit that it shows; 0 when it shows all that it has received. */
  readonly behind: number
}

/** Streaming begins at the start of a segment of the log, so that for a while more has been replayed than received anew. */
const receivingQuery = `
SELECT EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming') AS streaming,
       CASE WHEN pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() THEN 0
            ELSE COALESCE(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8
       END AS behind`

/** It streams, and shows what is older than the declared lag and some slack. */
const follows = async (context: LiveContext): Promise<boolean> => {
  const { rows } = await withSuperuser(context, 1, (client) => client.query<Receiving>(receivingQuery))
  const [state] = rows
  const lagSeconds = storeOf(context).replication?.lagSeconds ?? 0
  return state?.streaming === true && state.behind <= lagSeconds + slackSeconds
}

/** A standby whose receiver has not begun yet has what it has replayed; one that has received nothing anew, too. */
const receivedQuery = `SELECT (GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::text AS bytes`

const received = (context: LiveContext): Promise<number> =>
  withSuperuser(context, 1, async (client) => {
    const { rows } = await client.query<{ bytes: string | null }>(receivedQuery)
    return Number(rows[0]?.bytes ?? 0)
  })

/** Takes connections; a standby besides follows its primary, if there is one to follow. */
export const isReady = async (context: LiveContext): Promise<boolean> => {
  const { host, port } = context.listen
  if (!(await pingPostgres(host, port))) return false
  if (!isStandby(context) || (await follows(context).catch(() => false))) return true
  const primary = (context.reachedAt ?? context.addresses)(context.component.id)[primaryOf(context)]
  return primary === undefined || !(await pingPostgres(primary.host, primary.port))
}

/** Has all that it received applied at once, whatever the declared lag, and slots for the others. */
const promote = (context: LiveContext): Promise<void> =>
  withSuperuser(context, promoteSeconds + 1, async (client) => {
    await client.query('SELECT pg_promote(true, $1)', [promoteSeconds])
    const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby')
    if (rows[0]?.standby !== false)
      throw new Error(`${context.component.id}/${context.index} was not promoted within ${promoteSeconds} s`)
    await client.query('SET synchronous_commit = local')
    for (const statement of slotStatements(storeOf(context), context.index)) await client.query(statement)
  })

export const replication: ReplicationFacet = {
  hasCopies: (component) => component.role === 'store' && hasStandbys(component),
  received,
  promote,
  follows,
  reloadSignal: 'SIGHUP',
}
