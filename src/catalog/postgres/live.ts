/**
 * PostgreSQL as a native process: a cluster of its own, made by initdb; a standby's by pg_basebackup. It refuses to run as
 * root, so root runs it as `postgres`, else `nobody`. fsync stays as the configuration says (on, unless `persistence:
 * none`): writes cost what they cost. Only the making of a cluster skips it, because one that is lost half-made is made again.
 */
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LiveContext, LiveFacet } from '../../contract/engine.js'
import type { ProcessSpec } from '../../contract/process-spec.js'
import { config, passfile, passfileName, postgresArgs, postgresqlConf } from './config.js'
import { transactionsOf } from './live-client.js'
import { isReady, replication, superuser, superuserOf } from './live-replication.js'
import {
  basebackupArgs,
  hasStandbys,
  isStandby,
  monitorStatements,
  replicationStatements,
  standbySignal,
} from './replication.js'
import { seedPostgres } from './seed.js'

const database = 'plimsoll'

type Preparation = NonNullable<ProcessSpec['prepare']>

const initdb = ({ folder, programs }: LiveContext): Preparation => [
  {
    program: programs.initdb ?? 'initdb',
    args: [
      ...['--pgdata', join(folder, 'data')],
      ...['--username', superuser, '--pwfile', join(folder, 'password'), '--auth', 'scram-sha-256'],
      ...['--encoding', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
    ],
  },
]

/** A program of the server's own version; what PATH has may be a wrapper that chooses another. */
const besideServer = ({ programs }: LiveContext, name: string): string =>
  programs.postgres === undefined ? name : join(dirname(realpathSync(programs.postgres)), name)

/** Of a former primary the folder stays and its contents go: shared memory is known by the folder's inode. */
const basebackup = (context: LiveContext): Preparation => {
  const data = join(context.folder, 'data')
  return [
    { program: '/bin/sh', args: ['-c', 'mkdir -p -m 700 "$1" && find "$1" -mindepth 1 -delete', 'sh', data] },
    {
      program: besideServer(context, 'pg_basebackup'),
      args: [...basebackupArgs(context, data, join(context.folder, passfileName)), '--no-sync'],
    },
    { program: '/bin/sh', args: ['-c', ': >"$1"', 'sh', join(data, standbySignal)] },
  ]
}

const spec = (context: LiveContext): ProcessSpec => {
  const { component, index, listen, folder, programs, secret } = context
  return {
    id: `${component.id}/${index}`,
    component: component.id,
    index,
    program: programs.postgres ?? 'postgres',
    args: postgresArgs(folder),
    env: {},
    folder,
    files: {
      ...config.files(context),
      'postgresql.conf': postgresqlConf(context, join(folder, passfileName)),
      password: `${secret}\n`,
      ...(component.role === 'store' && hasStandbys(component) ? { [passfileName]: passfile(secret) } : {}),
    },
    accounts: ['postgres', 'nobody'],
    prepare: isStandby(context) ? basebackup(context) : initdb(context),
    ports: [listen.port],
    // Fast shutdown: open transactions are rolled back, sessions ended. SIGTERM would wait for its clients to leave.
    stopSignal: 'SIGINT',
    stopSeconds: 10,
    probe: () => isReady(context),
    startSeconds: 60,
  }
}

/** Roles and slots that the topology makes necessary. */
const extraStatements = ({ topology, component, secret }: LiveContext): readonly string[] => [
  ...(component.role === 'store' && hasStandbys(component) ? replicationStatements(component, 0, secret) : []),
  ...(Object.values(topology.components).some(({ role }) => role === 'monitor') ? monitorStatements(secret) : []),
]

export const live: LiveFacet = {
  programs: (['postgres', 'initdb'] as const).map((name) => ({
    name,
    debianPackage: 'postgresql',
    candidates: [`/usr/lib/postgresql/*/bin/${name}`, `/usr/pgsql-*/bin/${name}`, `/usr/local/pgsql/bin/${name}`],
    versionArgs: ['--version'],
  })),
  processes: () => 1,
  eventLoops: () => undefined,
  specs: (context) => [spec(context)],
  prepare: (context) =>
    seedPostgres({
      admin: { ...context.listen, user: superuserOf(context), password: context.secret },
      ...(context.cpuSeconds === undefined ? {} : { cpuSeconds: context.cpuSeconds }),
      topology: context.topology,
      component: context.component.id,
      role: { user: 'plimsoll', password: context.secret, database },
      statements: extraStatements(context),
    }),
  replication,
  sample: async (context) => {
    const visits = await transactionsOf(context, {
      user: superuserOf(context),
      password: context.secret,
      database,
    })
    return { visits }
  },
}
