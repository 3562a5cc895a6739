/** One connection to PostgreSQL, as the pools hold it. */
import { connect as connectSocket } from 'node:net'
import pg from 'pg'
import type { Binding } from '../contract/workload.js'
import type { SqlConnection } from './frame.js'

/** Longest time to open a connection; shorter where another server may do. */
const connectMilliseconds = 5000
const connectToOneOfManyMilliseconds = 1000

/** What the server told when the session began; pg keeps it but does not declare it. */
interface Session {
  readonly processID: number | null
  readonly secretKey: number | null
}

/** What the server reports (GUC_REPORT), also when it changes; pg passes it on, but does not declare it. */
interface Reports {
  readonly connection: {
    on(event: 'parameterStatus', listener: (report: { parameterName: string; parameterValue: string }) => void): void
  }
}

export const openPostgres = async (
  binding: Binding,
  name: string,
  lost: () => void,
  address = binding.addresses[0],
): Promise<SqlConnection> => {
  if (address === undefined) throw new Error('no instance of the database is bound')
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: binding.user,
    ...(binding.password === undefined ? {} : { password: binding.password }),
    database: binding.database,
    application_name: name,
    connectionTimeoutMillis: binding.session === undefined ? connectMilliseconds : connectToOneOfManyMilliseconds,
    keepAlive: true,
  })
  // Either may come first, and more than once; `lost` is idempotent.
  let closed = false
  const tell = (): void => {
    if (!closed) lost()
  }
  client.on('error', tell)
  client.on('end', tell)
  let standby: boolean | undefined
  ;(client as unknown as Reports).connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    if (parameterName === 'in_hot_standby') standby = parameterValue === 'on'
  })
  await client.connect()
  const destroy = (): void => {
    const { stream } = (client as unknown as { connection: { stream: { destroy: () => void } } }).connection
    stream.destroy()
  }
  return {
    get standby() {
      return standby
    },
    close: () => {
      closed = true
      destroy()
    },
    destroy,
    run: async (statement, values) => {
      await client.query(
        typeof statement === 'string'
          ? { text: statement }
          : { name: statement.name, text: statement.text, values: [...(values ?? [])] },
      )
    },
    cancel: () => {
      const { processID, secretKey } = client as unknown as Session
      if (processID !== null && secretKey !== null) cancelRequest(address, processID, secretKey)
    },
  }
}

/** CancelRequest (PostgreSQL protocol 3.0, "Cancelling Requests in Progress"): a connection of its own, no answer. */
const cancelRequest = (
  address: { readonly host: string; readonly port: number },
  pid: number,
  secret: number,
): void => {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80877102, 4)
  message.writeInt32BE(pid, 8)
  message.writeInt32BE(secret, 12)
  const socket = connectSocket(address.port, address.host)
  socket.setTimeout(1000, () => socket.destroy())
  // Best effort: a server that takes no connection is handled by giving up the one that is being cancelled.
  socket.on('error', () => {})
  socket.end(message)
  socket.resume()
}
