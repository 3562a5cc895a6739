/**
 * PostgreSQL as a container of the official image: what is mounted, and how its health is asked for. Pure. A server alone is
 * started by the image's own entry point; a member of a replicated one by the script below, which then hands over to it.
 * Passwords are in no file: a standby finds its primary's in PGPASSWORD.
 */
import type { ConfigContext } from '../../contract/engine.js'
import type { StoreComponent, Topology } from '../../topology/types.js'
import { generatedHeader } from '../header.js'
import { confText, hbaText, quoted } from './config.js'
import { postgresExporter } from './exporter.js'
import {
  basebackupArgs,
  hasStandbys,
  isStandby,
  memberName,
  monitorStatements,
  monitorUser,
  replicationStatements,
  replicationUser,
  standbySignal,
} from './replication.js'
import { fillStatement, quoteIdentifier, schemaStatements, tablesOf } from './schema.js'

/** Where the files of `containerFiles` are mounted. */
export const configFolder = '/etc/postgresql'
export const dataFolder = '/var/lib/postgresql/data'

export const containerArgs = ['postgres', '-c', `config_file=${configFolder}/postgresql.conf`] as const

const entryPointFile = 'member.sh'

/** Of a member. The image's own entry point is part of what it ends with. */
export const memberEntryPoint = ['sh', `${configFolder}/${entryPointFile}`] as const

/** By path below `configFolder`. `anew`: how often this member has been made again. */
export const containerFiles = (context: ConfigContext, anew = 0): Readonly<Record<string, string>> => {
  const { component } = context
  return {
    'postgresql.conf': confText(context, [
      // The image's entry point talks to the socket that the server has by default.
      ['listen_addresses', quoted('*')],
      ['hba_file', quoted(`${configFolder}/pg_hba.conf`)],
    ]),
    'pg_hba.conf': hbaText(context, ['local all all scram-sha-256'], ['samenet'], 'scram-sha-256'),
    ...(component.role === 'store' && hasStandbys(component) ? { [entryPointFile]: memberScript(context, anew) } : {}),
  }
}

/** A word of the shell, whatever characters it has. */
const word = (text: string): string =>
  /^[\w./=:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** In the data folder: which making of which member it is. A copy that was cut off has none, or that of its primary. */
const madeFile = 'plimsoll-made'

/** Its walsender may have to notice first that the connection of an earlier try is gone (wal_sender_timeout). */
const backupTries = 10

const memberScript = (context: ConfigContext, anew: number): string => {
  const { topology, component, index } = context
  const header = ['#!/bin/sh', `# ${generatedHeader(topology)}`]
  const start = 'exec docker-entrypoint.sh "$@"'
  if (!isStandby(context))
    return lines(
      ...header,
      '# The primary. While it is made there is nobody yet whom a commit could wait for.',
      `[ -s "$PGDATA/PG_VERSION" ] || export PGOPTIONS='-c synchronous_commit=local'`,
      start,
    )
  const making = word(`${memberName(component.id, index)} ${anew}`)
  return lines(
    ...header,
    '# A standby: made of its primary once, and again when it has been primary itself or cannot follow any more.',
    'set -eu',
    "trap 'exit 143' INT TERM",
    `made="$PGDATA/${madeFile}"`,
    `if [ "$(cat "$made" 2>/dev/null)" != ${making} ]; then`,
    `  tries=${backupTries}`,
    '  while',
    '    mkdir -p "$PGDATA"',
    '    find "$PGDATA" -mindepth 1 -delete',
    `    ! pg_basebackup ${basebackupArgs(context, '"$PGDATA"')
      .map((arg) => (arg === '"$PGDATA"' ? arg : word(arg)))
      .join(' ')}`,
    '  do',
    '    tries=$((tries - 1))',
    '    [ "$tries" -gt 0 ] || exit 1',
    '    sleep 1',
    '  done',
    `  : >"$PGDATA/${standbySignal}"`,
    `  echo ${making} >"$made"`,
    'fi',
    start,
  )
}

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`

/** What psql runs once in the new database of the first instance. `watched`: an exporter will ask its members. */
export const initialSql = (topology: Topology, component: StoreComponent, watched: boolean): string => {
  const fill = [...tablesOf(topology, component.id).values()].flatMap((table) =>
    table.kind === 'data' ? [fillStatement(table.data)] : [],
  )
  const statements = (all: readonly string[]): readonly string[] => all.map((statement) => `${statement};`)
  return lines(
    `-- ${generatedHeader(topology)}`,
    ...(hasStandbys(component)
      ? [...statements(replicationStatements(component, 0, undefined)), ...passwordOf(replicationUser, 'PGPASSWORD')]
      : []),
    ...(watched
      ? [...statements(monitorStatements(undefined)), ...passwordOf(monitorUser, postgresExporter.passwordVariable)]
      : []),
    ...statements([...schemaStatements(topology, component.id), ...fill]),
  )
}

/** As psql reads it; without the variable nobody can log in as the role. */
const passwordOf = (role: string, variable: string): readonly string[] => [
  String.raw`\getenv password ${variable}`,
  String.raw`\if :{?password}`,
  `ALTER ROLE ${quoteIdentifier(role)} PASSWORD :'password';`,
  String.raw`\unset password`,
  String.raw`\else`,
  String.raw`\warn ${variable} is not set: ${role} cannot log in`,
  String.raw`\endif`,
]

/** True: it is what its configuration says, the primary, or a standby that receives what the primary does. */
const memberHealthSql = `SELECT CASE WHEN pg_is_in_recovery() THEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') ELSE current_setting('primary_conninfo') = '' END`

/** As an argument list of Docker's health check. Over TCP: the server that makes the database has none. */
export const healthCheck = (component: StoreComponent, port: number, user: string): readonly string[] => {
  const login = ['-h', '127.0.0.1', '-p', String(port), '-U', user, '-d', user]
  return hasStandbys(component)
    ? ['CMD-SHELL', `[ "$(psql ${login.join(' ')} -wqtAXc "${memberHealthSql}")" = t ]`]
    : ['CMD', 'pg_isready', ...login]
}
