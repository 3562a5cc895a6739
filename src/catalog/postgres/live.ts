/**
 * PostgreSQL as a native process: a cluster of its own, made by initdb. It refuses to run as root, so root runs it as
 * `postgres`, else `nobody`. fsync stays as the configuration says (on, unless `persistence: none`): writes cost what
 * they cost. Only initdb itself skips it, because a cluster that is lost half-made is made again.
 */
import { join } from 'node:path'
import type { LiveContext, LiveFacet } from '../../contract/engine.js'
import type { ProcessSpec } from '../../contract/process-spec.js'
import { config, postgresArgs } from './config.js'
import { pingPostgres, transactionsOf } from './live-client.js'
import { seedPostgres } from './seed.js'

const superuser = 'postgres'
const database = 'plimsoll'

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
    files: { ...config.files(context), password: `${secret}\n` },
    accounts: ['postgres', 'nobody'],
    prepare: [
      {
        program: programs.initdb ?? 'initdb',
        args: [
          ...['--pgdata', join(folder, 'data')],
          ...['--username', superuser, '--pwfile', join(folder, 'password'), '--auth', 'scram-sha-256'],
          ...['--encoding', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
        ],
      },
    ],
    ports: [listen.port],
    // Fast shutdown: open transactions are rolled back, sessions ended. SIGTERM would wait for its clients to leave.
    stopSignal: 'SIGINT',
    stopSeconds: 10,
    probe: () => pingPostgres(listen.host, listen.port),
    startSeconds: 60,
  }
}

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
  prepare: ({ listen, secret, topology, component }) =>
    seedPostgres({
      admin: { ...listen, user: superuser, password: secret },
      topology,
      component: component.id,
      role: { user: 'plimsoll', password: secret, database },
    }),
  sample: async (context) => {
    const visits = await transactionsOf(context, { user: superuser, password: context.secret, database })
    return { visits }
  },
}
