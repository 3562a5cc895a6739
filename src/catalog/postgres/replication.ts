/**
 * Streaming replication between the instances of one PostgreSQL component. Pure: both runtimes set their servers up with it.
 *
 * The members are the instances, in order; one is the primary, the others are hot standbys, each with a physical slot on the
 * primary. `replication` of the topology in PostgreSQL's terms:
 *
 * - `lag`: `recovery_min_apply_delay`, so that a standby shows a commit that much later.
 * - `async`: no synchronous standby. `semi-sync`: a commit waits until one standby has written it to disk. `sync`: until all
 *   standbys that follow have applied it, so that none answers with what was before.
 *
 * A standby that is away must not stop commits for ever: whoever supervises the system leaves it out of `following` and has
 * the primary read its configuration again, as Patroni does in its synchronous mode.
 */
import type { ConfigContext } from '../../contract/engine.js'
import type { StoreComponent } from '../../topology/types.js'
import { quoteIdentifier, quoteLiteral } from './schema.js'

export const replicationUser = 'plimsoll_replication'
/** May read all statistics (`pg_monitor`): what the exporter connects as. */
export const monitorUser = 'plimsoll_monitor'

/** What a standby that keeps away too long may make the primary keep of its log. */
const slotKeepsMegabytes = 1024

export const hasStandbys = (component: StoreComponent): boolean => component.readReplicas > 0

/** The name of a member's slot, on whichever member is primary. Lower case letters, digits and underscores only. */
export const slotOf = (index: number): string => `plimsoll_member_${index}`

/** As the standby names itself to the primary; also in `pg_stat_replication`. */
export const memberName = (component: string, index: number): string => `${component}/${index}`

export const membersOf = (component: StoreComponent): readonly number[] =>
  Array.from({ length: 1 + component.readReplicas }, (_, index) => index)

export const primaryOf = (context: ConfigContext): number => context.members?.primary ?? 0

export const isStandby = (context: ConfigContext): boolean =>
  context.component.role === 'store' && hasStandbys(context.component) && context.index !== primaryOf(context)

/** `ANY 1 ("db/1", "db/2")` and its like; empty: commits wait for nobody. */
export const synchronousStandbyNames = (context: ConfigContext): string => {
  const { component, index, members } = context
  const mode = component.role === 'store' ? component.replication?.mode : undefined
  if (component.role !== 'store' || mode === undefined || mode === 'async') return ''
  const following = (members?.following ?? membersOf(component)).filter((member) => member !== index)
  if (following.length === 0) return ''
  const names = following.map((member) => `"${memberName(component.id, member)}"`).join(', ')
  return mode === 'semi-sync' ? `ANY 1 (${names})` : `FIRST ${following.length} (${names})`
}

/** How the standby reaches the primary. Its password is in a `passfile`, or in PGPASSWORD of the server's environment. */
export const primaryConninfo = (
  context: ConfigContext,
  passfile: string | undefined,
  name = memberName(context.component.id, context.index),
): string => {
  const { component } = context
  const address = context.addresses(component.id)[primaryOf(context)]
  if (address === undefined) throw new TypeError(`${component.id}: the address of its primary is not known`)
  const values: readonly (readonly [string, string])[] = [
    ['host', address.host],
    ['port', String(address.port)],
    ['user', replicationUser],
    ['application_name', name],
    ...(passfile === undefined ? [] : [['passfile', passfile] as const]),
  ]
  return values.map(([name, value]) => `${name}='${value.replace(/[\\']/g, '\\$&')}'`).join(' ')
}

/**
 * Settings of a member, by its present part: name, and the value as it is written in postgresql.conf. What only concerns a
 * standby has no effect on the primary and the other way round, so a promotion changes none of them on its own.
 */
export const replicationSettings = (
  context: ConfigContext,
  passfile?: string,
): readonly (readonly [string, string])[] => {
  const { component, index } = context
  if (component.role !== 'store' || !hasStandbys(component)) return []
  const senders = String(2 * component.readReplicas + 2)
  const lagMilliseconds = Math.round((component.replication?.lagSeconds ?? 0) * 1000)
  return [
    ['wal_level', 'replica'],
    ['max_wal_senders', senders],
    ['max_replication_slots', senders],
    ['max_slot_wal_keep_size', `${slotKeepsMegabytes}MB`],
    ['hot_standby', 'on'],
    // A long read on a standby is not cancelled because the primary has tidied up the rows that it reads.
    ['hot_standby_feedback', 'on'],
    ['synchronous_standby_names', quoteLiteral(synchronousStandbyNames(context))],
    ['synchronous_commit', component.replication?.mode === 'sync' ? 'remote_apply' : 'on'],
    ['recovery_min_apply_delay', `${lagMilliseconds}ms`],
    ['wal_receiver_status_interval', '1s'],
    // A primary that hangs is given up by its standbys, and they ask for it again.
    ['wal_receiver_timeout', '5s'],
    ['wal_sender_timeout', '5s'],
    ['wal_retrieve_retry_interval', '500ms'],
    ...(isStandby(context)
      ? ([
          ['primary_conninfo', quoteLiteral(primaryConninfo(context, passfile))],
          ['primary_slot_name', quoteLiteral(slotOf(index))],
        ] as const)
      : []),
  ]
}

/** `data/standby.signal` makes a server a standby; it removes the file itself when it is promoted. */
export const standbySignal = 'standby.signal'

/**
 * Of pg_basebackup, which makes a standby's cluster in `data` from the primary; `standbySignal` is then to be put there. Not
 * by --write-recovery-conf: what that writes into postgresql.auto.conf would hide postgresql.conf after a failover.
 */
export const basebackupArgs = (context: ConfigContext, data: string, passfile?: string): readonly string[] => [
  // Not by the standby's own name: it confirms nothing, and a commit must not wait for it.
  ...[
    '--dbname',
    primaryConninfo(context, passfile, `base backup of ${memberName(context.component.id, context.index)}`),
  ],
  ...['--pgdata', data, '--wal-method', 'stream', '--slot', slotOf(context.index)],
  ...['--checkpoint', 'fast', '--no-password'],
]

/**
 * For a superuser on the primary, before the first standby: roles (may be repeated) and a slot for each member but the
 * primary. The first statement keeps them from waiting for standbys that do not exist yet.
 */
export const replicationStatements = (
  component: StoreComponent,
  primary: number,
  password: string | undefined,
): readonly string[] => [
  'SET synchronous_commit = local',
  ...roleStatements(replicationUser, 'REPLICATION', password),
  ...slotStatements(component, primary),
]

/** A primary has a slot for everybody else; a former standby has none yet. */
export const slotStatements = (component: StoreComponent, primary: number): readonly string[] =>
  membersOf(component)
    .filter((member) => member !== primary)
    .map((member) => {
      const name = quoteLiteral(slotOf(member))
      return `SELECT pg_create_physical_replication_slot(${name}) WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = ${name})`
    })

/** The role of the exporter. */
export const monitorStatements = (password: string | undefined): readonly string[] => [
  ...roleStatements(monitorUser, '', password),
  `GRANT pg_monitor TO ${quoteIdentifier(monitorUser)}`,
]

const roleStatements = (user: string, attributes: string, password: string | undefined): readonly string[] => {
  const id = quoteIdentifier(user)
  return [
    `DO $role$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = ${quoteLiteral(user)}) THEN CREATE ROLE ${id} LOGIN; END IF; END $role$`,
    `ALTER ROLE ${id} LOGIN ${attributes}`.trimEnd(),
    ...(password === undefined ? [] : [`ALTER ROLE ${id} PASSWORD ${quoteLiteral(password)}`]),
  ]
}
