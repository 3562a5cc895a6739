/**
 * postgresql.conf and pg_hba.conf for one instance, PostgreSQL 15 and newer, as a native process: everything that the server
 * writes lies in `folder`, the cluster in `data`. Start it with `postgresArgs`. Of a container: container.ts.
 */
import type { ConfigContext, ConfigFacet } from '../../contract/engine.js'
import type { StoreComponent } from '../../topology/types.js'
import { generatedHeader } from '../header.js'
import { hasStandbys, replicationSettings, replicationUser } from './replication.js'

export type PostgresAuth = 'trust' | 'scram-sha-256'

const megabyte = 1024 * 1024

export const quoted = (text: string): string => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`

/** PostgreSQL's own default, the number of connections when the topology sets none. */
export const defaultMaxConnections = 100

/** A quarter of its memory, as PostgreSQL's manual suggests for a dedicated server; 128 MB when no memory is declared. */
const sharedBuffers = (component: StoreComponent): string =>
  component.memoryBytes === undefined
    ? '128MB'
    : `${Math.max(1, Math.min(16_384, Math.floor(component.memoryBytes / 4 / megabyte)))}MB`

/** What the component means, independent of where it runs: `name`, and the value as it is written in a file. */
export const postgresSettings = (component: StoreComponent): readonly (readonly [string, string])[] => {
  const maxConnections = component.maxConnections ?? defaultMaxConnections
  return [
    ['max_connections', String(maxConnections)],
    [
      'superuser_reserved_connections',
      String(Math.max(0, Math.min(component.reservedConnections, maxConnections - 1))),
    ],
    ['shared_buffers', sharedBuffers(component)],
    // Neither System V segments nor /dev/shm: containers and sandboxes give little of either.
    ['shared_memory_type', 'mmap'],
    ['dynamic_shared_memory_type', 'mmap'],
    ['fsync', component.persistence === 'none' ? 'off' : 'on'],
    ['jit', 'off'],
    ['password_encryption', 'scram-sha-256'],
    ['timezone', "'UTC'"],
    ['log_timezone', "'UTC'"],
    ['log_destination', 'stderr'],
    ['logging_collector', 'off'],
    ['log_checkpoints', 'off'],
    ['log_line_prefix', "'%m [%p] '"],
  ]
}

/** `passfile`: where a standby finds the password of the primary; without one it is in PGPASSWORD. */
export const postgresqlConf = (context: ConfigContext, passfile?: string): string => {
  const { listen, folder } = context
  const places = [
    ['listen_addresses', quoted(listen.host)],
    // TCP alone: the path of a Unix socket may have 107 bytes, and component names make it longer.
    ['unix_socket_directories', "''"],
    ['data_directory', quoted(`${folder}/data`)],
    ['hba_file', quoted(`${folder}/pg_hba.conf`)],
    ['ident_file', quoted(`${folder}/pg_ident.conf`)],
  ] as const
  return confText(context, places, passfile)
}

/** postgresql.conf of a server that is reached and keeps its files as `places` say, in PostgreSQL's terms. */
export const confText = (
  context: ConfigContext,
  places: readonly (readonly [string, string])[],
  passfile?: string,
): string => {
  const { component, listen } = context
  if (component.role !== 'store')
    throw new TypeError(`a postgresql.conf was asked for ${component.id}, a ${component.role}`)
  const lines = [
    ...places,
    ['port', String(listen.port)],
    ['cluster_name', quoted(`${component.id}/${context.index}`)],
    ...postgresSettings(component),
    ...replicationSettings(context, passfile),
  ]
  return `${[`# ${generatedHeader(context.topology)}`, ...lines.map(([name, value]) => `${name} = ${value}`)].join('\n')}\n`
}

/** Who may connect: only this machine. `trust` is for a server that nobody but its own user can reach. */
export const pgHbaConf = (context: ConfigContext, auth: PostgresAuth): string =>
  hbaText(context, [], ['127.0.0.1/32', '::1/128'], auth)

/** pg_hba.conf: `local` lines as they are, and whoever comes from these networks with a password. */
export const hbaText = (
  context: ConfigContext,
  local: readonly string[],
  networks: readonly string[],
  auth: PostgresAuth,
): string => {
  const replicated = context.component.role === 'store' && hasStandbys(context.component)
  return [
    `# ${generatedHeader(context.topology)}`,
    ...local,
    ...networks.map((network) => `host all all ${network} ${auth}`),
    // "all" does not include replication.
    ...networks.flatMap((network) => (replicated ? [`host replication ${replicationUser} ${network} ${auth}`] : [])),
    '',
  ].join('\n')
}

/** Arguments of `postgres` for the files below. */
export const postgresArgs = (folder: string): readonly string[] => [
  '-D',
  `${folder}/data`,
  '-c',
  `config_file=${folder}/postgresql.conf`,
]

/** Where a standby finds the password of its primary, in its folder. */
export const passfileName = 'pgpass'

/** As libpq reads it: whatever the host, the database and the user. */
export const passfile = (password: string): string => `*:*:*:*:${password.replace(/[\\:]/g, '\\$&')}\n`

export const config: ConfigFacet = {
  files: (context) => ({
    'postgresql.conf': postgresqlConf(context),
    'pg_hba.conf': pgHbaConf(context, 'scram-sha-256'),
    'pg_ident.conf': `# ${generatedHeader(context.topology)}\n`,
  }),
}
