/**
 * postgresql.conf and pg_hba.conf for one instance, PostgreSQL 15 and newer. Everything that the server writes lies in
 * `folder`, the cluster in `data`. Start it with `postgresArgs`.
 */
import type { ConfigContext, ConfigFacet } from '../../contract/engine.js'
import type { StoreComponent } from '../../topology/types.js'
import { generatedHeader } from '../header.js'
import { hasStandbys, replicationSettings, replicationUser } from './replication.js'

export type PostgresAuth = 'trust' | 'scram-sha-256'

const megabyte = 1024 * 1024

const quoted = (text: string): string => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`

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
  const { component, listen, folder } = context
  if (component.role !== 'store') throw new TypeError(`postgresqlConf was handed ${component.id}, a ${component.role}`)
  const lines = [
    ['listen_addresses', quoted(listen.host)],
    ['port', String(listen.port)],
    // TCP alone: the path of a Unix socket may have 107 bytes, and component names make it longer.
    ['unix_socket_directories', "''"],
    ['data_directory', quoted(`${folder}/data`)],
    ['hba_file', quoted(`${folder}/pg_hba.conf`)],
    ['ident_file', quoted(`${folder}/pg_ident.conf`)],
    ['cluster_name', quoted(`${component.id}/${context.index}`)],
    ...postgresSettings(component),
    ...replicationSettings(context, passfile),
  ]
  return `${[`# ${generatedHeader(context.topology)}`, ...lines.map(([name, value]) => `${name} = ${value}`)].join('\n')}\n`
}

/** Who may connect: only this machine. `trust` is for a server that nobody but its own user can reach. */
export const pgHbaConf = (context: ConfigContext, auth: PostgresAuth): string =>
  [
    `# ${generatedHeader(context.topology)}`,
    `host all all 127.0.0.1/32 ${auth}`,
    `host all all ::1/128 ${auth}`,
    // "all" does not include replication.
    ...(context.component.role === 'store' && hasStandbys(context.component)
      ? [
          `host replication ${replicationUser} 127.0.0.1/32 ${auth}`,
          `host replication ${replicationUser} ::1/128 ${auth}`,
        ]
      : []),
    '',
  ].join('\n')

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
