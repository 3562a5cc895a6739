import { describe, expect, it } from 'vitest'
import { pgHbaConf, postgresqlConf } from '../../../src/catalog/postgres/config.js'
import {
  basebackupArgs,
  replicationStatements,
  slotStatements,
  synchronousStandbyNames,
} from '../../../src/catalog/postgres/replication.js'
import type { ConfigContext } from '../../../src/contract/engine.js'
import type { StoreComponent } from '../../../src/topology/types.js'
import { contextOf, store } from '../../support/config-context.js'

const addresses = [0, 1, 2].map((index) => ({ instance: `db/${index}`, host: '127.0.0.1', port: 5500 + index }))

const member = (
  index: number,
  replication?: StoreComponent['replication'],
  members?: ConfigContext['members'],
): ConfigContext =>
  contextOf(
    store({ id: 'db', engine: 'postgres', persistence: 'disk', mode: 'replicated', readReplicas: 2, replication }),
    { index, folder: '/tmp/db', upstream: { db: addresses }, ...(members === undefined ? {} : { members }) },
  )

const setting = (context: ConfigContext, name: string): string | undefined =>
  postgresqlConf(context, '/tmp/db/pgpass')
    .split('\n')
    .find((line) => line.startsWith(`${name} = `))
    ?.slice(name.length + 3)

describe('members of a replicated PostgreSQL', () => {
  it('follow the first by their own slot, under their own name', () => {
    expect(setting(member(0), 'primary_conninfo')).toBeUndefined()
    expect(setting(member(2), 'primary_slot_name')).toBe("'plimsoll_member_2'")
    expect(setting(member(2), 'primary_conninfo')).toBe(
      "'host=''127.0.0.1'' port=''5500'' user=''plimsoll_replication'' application_name=''db/2'' passfile=''/tmp/db/pgpass'''",
    )
  })

  it('follow whoever is primary now, and the former primary follows, too', () => {
    const members = { primary: 1, following: [2] }
    expect(setting(member(1, undefined, members), 'primary_conninfo')).toBeUndefined()
    expect(setting(member(0, undefined, members), 'primary_conninfo')).toContain("port=''5501''")
    expect(slotStatements(member(1).component as StoreComponent, 1).join()).toMatch(/member_0.*member_2/)
  })

  it('show a commit when the declared lag has passed', () => {
    expect(setting(member(1, { mode: 'async', lagSeconds: 0.25 }), 'recovery_min_apply_delay')).toBe('250ms')
    expect(setting(member(1), 'recovery_min_apply_delay')).toBe('0ms')
  })

  it('are waited for as declared: by nobody, by one that has it, by all that have applied it', () => {
    const names = (mode: 'async' | 'semi-sync' | 'sync') => synchronousStandbyNames(member(0, { mode, lagSeconds: 0 }))
    expect(names('async')).toBe('')
    expect(names('semi-sync')).toBe('ANY 1 ("db/1", "db/2")')
    expect(names('sync')).toBe('FIRST 2 ("db/1", "db/2")')
    expect(setting(member(0, { mode: 'sync', lagSeconds: 0 }), 'synchronous_commit')).toBe('remote_apply')
    expect(setting(member(0, { mode: 'semi-sync', lagSeconds: 0 }), 'synchronous_commit')).toBe('on')
  })

  it('that are away are not waited for', () => {
    const sync = { mode: 'sync', lagSeconds: 0 } as const
    expect(synchronousStandbyNames(member(0, sync, { primary: 0, following: [2] }))).toBe('FIRST 1 ("db/2")')
    expect(setting(member(0, sync, { primary: 0, following: [] }), 'synchronous_standby_names')).toBe("''")
  })

  it('are let in for replication, from this machine', () => {
    expect(pgHbaConf(member(0), 'scram-sha-256')).toContain(
      'host replication plimsoll_replication 127.0.0.1/32 scram-sha-256\n',
    )
  })

  it('are made without a commit that would wait for them', () => {
    const [first, ...rest] = replicationStatements(member(0).component as StoreComponent, 0, "it's")
    expect(first).toBe('SET synchronous_commit = local')
    expect(rest.join('\n')).toContain("PASSWORD 'it''s'")
    expect(basebackupArgs(member(1), '/tmp/db/data').join(' ')).not.toContain("application_name='db/1'")
  })
})

describe('one PostgreSQL alone', () => {
  it('has no setting of replication', () => {
    const alone = contextOf(store({ id: 'db', engine: 'postgres' }))
    expect(postgresqlConf(alone)).not.toMatch(/wal_level|standby|slot/)
    expect(pgHbaConf(alone, 'trust')).not.toContain('replication')
  })
})
