/** Redundancy, queues and topics of stores. */
import { suggestion } from '../lib/did-you-mean.js'
import type { Fields } from '../lib/document/read.js'
import type { FieldsOf } from './component-common.js'
import type { redeliverShape, storeOptions } from './schema/options.js'
import { lookUp, type RawComponent, report, type Scope } from './scope.js'
import type { Queue, StoreComponent, Topic } from './types.js'

type StoreFields = FieldsOf<typeof storeOptions>
type Shape = Omit<StoreComponent, keyof import('./types.js').Component | 'role'> & { readonly replicas: number }

export const storeShape = (scope: Pick<Scope, 'reader' | 'data'>, raw: RawComponent, fields: StoreFields): Shape => {
  const replication = fields.get('replication')
  const failover = fields.get('failover')
  return {
    ...redundancy(scope, raw, fields),
    memoryBytes: fields.get('memory'),
    eviction: fields.get('eviction') ?? 'noeviction',
    persistence: fields.get('persistence') ?? 'disk',
    maxConnections: fields.get('maxConnections'),
    reservedConnections: reserved(scope, fields),
    replication: replication && { mode: replication.get('mode') ?? 'async', lagSeconds: replication.get('lag') ?? 0 },
    failover: failover && { detectSeconds: failover.get('detect') ?? 0, promoteSeconds: failover.get('promote') ?? 0 },
    shards: shardsOf(scope, fields),
    ...sentinelsOf(scope, fields),
    queues: queuesOf(scope, raw, fields),
    topics: topicsOf(fields),
  }
}

const sentinelsOf = (
  scope: Pick<Scope, 'reader'>,
  fields: StoreFields,
): { readonly sentinels?: number | undefined } => {
  if (!fields.has('sentinels')) return {}
  if (fields.get('mode') !== 'sentinel')
    report(scope, fields.path('sentinels'), 'sentinels: they vote only in "mode: sentinel"', 'write "mode: sentinel"')
  return { sentinels: fields.get('sentinels') }
}

const shardsOf = (scope: Pick<Scope, 'reader' | 'data'>, fields: StoreFields): StoreComponent['shards'] => {
  const shards = fields.get('shards')
  const key = shards?.get('key')
  if (shards === undefined || key === undefined) return undefined
  const known = lookUp(scope, 'data set', scope.data, key, shards.path('key')) !== undefined
  return known ? { count: shards.get('count') ?? 1, key } : undefined
}

const reserved = (scope: Pick<Scope, 'reader'>, fields: StoreFields): number => {
  const count = fields.get('reservedConnections') ?? 0
  const max = fields.get('maxConnections')
  if (max === undefined || count < max) return count
  const key = fields.has('reservedConnections') ? 'reservedConnections' : 'maxConnections'
  report(scope, fields.path(key), `${count} reserved of ${max} connections leave none for the application`)
  return count
}

type Redundancy = Pick<StoreComponent, 'mode' | 'masters' | 'replicasPerMaster' | 'readReplicas' | 'replicationFactor'>

/** `replicas` is the total: of masters and their replicas, of the primary and its read replicas, of brokers. */
const redundancy = (
  scope: Pick<Scope, 'reader'>,
  raw: RawComponent,
  fields: StoreFields,
): Redundancy & { readonly replicas: number } => {
  const options = raw.descriptor?.options ?? {}
  const total = fields.get('replicas')
  const none = {
    mode: 'single',
    masters: 1,
    replicasPerMaster: 0,
    readReplicas: 0,
    replicationFactor: undefined,
  } as const
  if (Object.hasOwn(options, 'masters')) return { ...none, ...mastersOf(scope, raw, fields, total) }
  if (Object.hasOwn(options, 'readReplicas')) {
    const masters = fields.get('shards')?.get('count') ?? 1
    const readReplicas = fields.get('readReplicas') ?? Math.max(0, Math.floor((total ?? masters) / masters) - 1)
    const replicas = masters * (1 + readReplicas)
    if (total !== undefined && total !== replicas) {
      report(
        scope,
        fields.path('replicas'),
        `replicas: ${total} is not ${masters > 1 ? `${masters} × (1 + readReplicas)` : '1 + readReplicas'} (${readReplicas})`,
        `replicas is the total: write ${replicas}, or leave it out`,
      )
    }
    const copies = masters > 1 ? { masters, replicasPerMaster: readReplicas } : { readReplicas }
    return { ...none, ...copies, mode: readReplicas > 0 ? 'replicated' : 'single', replicas }
  }
  const replicas = total ?? 1
  const replicationFactor = fields.get('replicationFactor')
  if (
    replicationFactor !== undefined &&
    replicationFactor > replicas &&
    !(fields.has('replicas') && total === undefined)
  ) {
    report(
      scope,
      fields.path('replicationFactor'),
      `replicationFactor: ${replicationFactor} needs as many brokers, but "${raw.id}" has ${replicas}`,
    )
  }
  return { ...none, mode: replicas > 1 ? 'cluster' : 'single', masters: replicas, replicationFactor, replicas }
}

const mastersOf = (
  scope: Pick<Scope, 'reader'>,
  raw: RawComponent,
  fields: StoreFields,
  total: number | undefined,
): Pick<StoreComponent, 'mode' | 'masters' | 'replicasPerMaster' | 'replicas'> => {
  const copies = fields.get('replicasPerMaster')
  const replicated = (copies ?? 0) > 0 || (total ?? 1) > 1
  const mode = fields.get('mode') ?? (replicated ? 'replicated' : 'single')
  const given = fields.get('masters')
  const readable = (['mode', 'masters', 'replicasPerMaster', 'replicas'] as const).every(
    (key) => !fields.has(key) || fields.get(key) !== undefined,
  )
  if (readable && mode !== 'cluster' && given !== undefined && given > 1) {
    report(scope, fields.path('masters'), `masters: ${given} needs "mode: cluster", but "${raw.id}" has mode ${mode}`)
  } else if (readable && mode === 'single' && (copies ?? 0) > 0) {
    report(
      scope,
      fields.path('replicasPerMaster'),
      `replicasPerMaster: ${copies} has no meaning for mode single`,
      'write "mode: replicated"',
    )
  } else if (readable && (mode === 'replicated' || mode === 'sentinel') && copies === 0) {
    report(scope, fields.path('replicasPerMaster'), `mode ${mode} needs at least one replica`)
  }
  const masters =
    given ??
    (mode === 'cluster'
      ? copies === undefined
        ? (total ?? 3)
        : Math.max(1, Math.floor((total ?? 3 * (1 + copies)) / (1 + copies)))
      : 1)
  const fallback = mode === 'replicated' || mode === 'sentinel' ? 1 : 0
  const replicasPerMaster = copies ?? (total === undefined ? fallback : Math.max(0, Math.floor(total / masters) - 1))
  const replicas = masters * (1 + replicasPerMaster)
  if (readable && total !== undefined && total !== replicas) {
    report(
      scope,
      fields.path('replicas'),
      `replicas: ${total} is not ${masters} × (1 + ${replicasPerMaster})`,
      `replicas is the total: write ${replicas}, or leave it out`,
    )
  }
  return { mode, masters, replicasPerMaster, replicas }
}

const queuesOf = (
  scope: Pick<Scope, 'reader'>,
  raw: RawComponent,
  fields: StoreFields,
): Readonly<Record<string, Queue>> => {
  const queues = fields.get('queues') ?? new Map<string, never>()
  const built: Record<string, Queue> = {}
  for (const [id, queue] of queues) {
    if (queue === undefined) continue
    const deadLetter = queue.get('deadLetter')
    if (deadLetter !== undefined && !queues.has(deadLetter)) {
      report(
        scope,
        queue.path('deadLetter'),
        `"${raw.id}" has no queue "${deadLetter}"`,
        suggestion(deadLetter, [...queues.keys()]),
      )
    } else if (deadLetter === id) report(scope, queue.path('deadLetter'), `"${id}" cannot be its own dead letter queue`)
    built[id] = {
      id,
      maxLength: queue.get('maxLength'),
      overflow: queue.get('overflow') ?? 'reject',
      ttlSeconds: queue.get('ttl'),
      priorities: queue.get('priorities') ?? 1,
      deadLetter,
      maxDeliveries: queue.get('maxDeliveries'),
      redelivery: redeliveryOf(queue.get('redeliver')),
    }
  }
  return built
}

const topicsOf = (fields: StoreFields): Readonly<Record<string, Topic>> => {
  const built: Record<string, Topic> = {}
  for (const [id, topic] of fields.get('topics') ?? []) {
    if (topic !== undefined)
      built[id] = { id, partitions: topic.get('partitions') ?? 1, retentionSeconds: topic.get('retention') }
  }
  return built
}

/** Without `max` the pause is always the same. */
const redeliveryOf = (redeliver: Fields<typeof redeliverShape> | undefined): Queue['redelivery'] => {
  const afterSeconds = redeliver?.get('after')
  if (redeliver === undefined || afterSeconds === undefined) return undefined
  return { afterSeconds, maxSeconds: Math.max(afterSeconds, redeliver.get('max') ?? 0) }
}
