/**
 * The options of components by role. An engine's descriptor picks those that mean something for it; what a key means and
 * how it is written is the same for all.
 */
import { isMap } from 'yaml'
import {
  count,
  decimal,
  duration,
  httpPath,
  id,
  positiveDuration,
  positiveRate,
  positiveRatio,
  positiveSize,
  ratio,
  reference,
  size,
  tableName,
  text,
  zoneName,
} from '../../lib/document/scalars.js'
import { about, form, notSupportedYet, oneOf } from '../../lib/document/schema.js'
import { work, workTime } from '../../lib/document/work-time.js'
import { z } from '../../lib/document/zod.js'
import { environment } from './environment.js'
import { scalingShape } from './scaling.js'
import { stepList } from './steps.js'

interface Memory {
  readonly baseBytes: number | undefined
  readonly perRequestBytes: number | undefined
}
const memoryShape = { base: positiveSize.optional(), perRequest: size.optional() }
const memory: z.ZodType<Memory> = form(z.union([positiveSize, z.strictObject(memoryShape)]), (node, at, reader) => {
  if (isMap(node)) {
    const fields = reader.fields(memoryShape, node, at, { what: '"memory"' })
    return fields && { baseBytes: fields.get('base'), perRequestBytes: fields.get('perRequest') }
  }
  const baseBytes = reader.read(positiveSize, node, at)
  return baseBytes === undefined ? undefined : { baseBytes, perRequestBytes: undefined }
})

/** What every component may have. */
export const commonOptions = {
  host: about('the host whose machines it runs on; default: machines of its own', reference.optional()),
  zone: about('availability zone', zoneName.optional()),
  region: about('region', zoneName.optional()),
  replicas: about('instances in all', count(1, 1000).optional()),
  resources: about(
    'quota of one replica',
    z
      .strictObject({
        cpu: about('cores', decimal(0, 1024).optional()),
        memory: about('a size, or { base, perRequest }', memory.optional()),
      })
      .optional(),
  ),
  startup: about('from start to ready', duration.optional()),
  restart: about('a crashed instance is started again', z.strictObject({ after: duration }).optional()),
  demand: about('CPU and wait per visit, on top of what the flow says', work.optional()),
  availability: about(
    'share of the time for which one instance works, when its machine does; judged by `plan`',
    positiveRatio.optional(),
  ),
  rollout: notSupportedYet('how a new version replaces the old one', z.unknown()).optional(),
} as const

export const rateLimit = z.strictObject({
  per: about('what each limit is counted for', oneOf(['all', 'address', 'api-key']).optional()),
  algorithm: oneOf(['token-bucket', 'leaky-bucket', 'sliding-window']).optional(),
  rate: positiveRate,
  burst: about('requests beyond the rate that are let through at once', count(0, 1_000_000).optional()),
  window: about('of a sliding window; default: 1s, or what one request takes', positiveDuration.optional()),
})

export const passiveHealth =
  'passive health check: after maxFails failures within failTimeout an instance rests that long'
export const passiveHealthShape = {
  maxFails: about('0: never', count(0, 1000).optional()),
  failTimeout: positiveDuration.optional(),
} as const
const activeHealthShape = {
  interval: about('active check: a probe of each instance this often', positiveDuration.optional()),
  timeout: about('of one probe', positiveDuration.optional()),
  rise: about('probes in a row that bring an instance back', count(1, 100).optional()),
  fall: about('probes in a row that take it out', count(1, 100).optional()),
} as const

export const balancerOptions = {
  upstream: about('the component to which requests are handed on', reference.optional()),
  weights: about(
    'instead of upstream: components with their shares, which sum to 100%',
    z.record(reference, ratio).optional(),
  ),
  balance: about('how an instance is chosen', oneOf(['round_robin', 'least_conn', 'ip_hash', 'random_two']).optional()),
  policy: about(
    'which upstream: the nearest to the client, the first that is up, or by weights',
    oneOf(['geo', 'failover', 'weighted']).optional(),
  ),
  hitRatio: about('share of GET and HEAD requests that are answered without the origin', ratio.optional()),
  ttl: about('how long an answer is kept', positiveDuration.optional()),
  cacheMemory: about('for answers, of each replica; least recently used ones go', positiveSize.optional()),
  workers: about('worker processes (event loops) per replica', count(1, 256).optional()),
  health: about(
    `${passiveHealth}; with interval it is also probed`,
    z.strictObject({ ...passiveHealthShape, ...activeHealthShape }).optional(),
  ),
  nextUpstream: about(
    'when to try another instance',
    z
      .strictObject({
        for: z
          .array(oneOf(['error', 'timeout', 'http_500', 'http_502', 'http_503', 'http_504', 'http_429']))
          .optional(),
        tries: about(
          'tries in all, the first one included; default: as many as there are instances',
          count(1, 100).optional(),
        ),
        timeout: positiveDuration.optional(),
      })
      .optional(),
  ),
  connectTimeout: positiveDuration.optional(),
  readTimeout: positiveDuration.optional(),
  keepalive: about('idle connections kept to the upstream, per worker', count(0, 100_000).optional()),
  rateLimit: rateLimit.optional(),
} as const

export const redeliverShape = { after: positiveDuration, max: positiveDuration.optional() }

const probe = z.strictObject({
  path: about('such as /readyz', httpPath),
  checks: about('components that it asks before it says yes', z.array(reference).optional()),
})

export const serviceOptions = {
  execution: z
    .strictObject({
      model: oneOf(['event-loop', 'threads', 'virtual-threads']),
      processes: about('event-loop: processes per replica', count(1, 64).optional()),
      threads: about('threads: per replica', count(1, 10_000).optional()),
    })
    .optional(),
  image: about("your own container image in the workload service's place", text.optional()),
  command: about("your own program in the workload service's place", z.array(text).optional()),
  maxInFlight: about('requests in flight per replica beyond which it answers 503', count(1, 1_000_000).optional()),
  shed: about(
    'who is answered 503 when maxInFlight is reached: the newest call of the lowest priority (default), or whoever arrives',
    oneOf(['lowest-priority', 'newest']).optional(),
  ),
  priorities: about(
    'what the priority of requests does here: they go first in its lines (default), they interrupt, or nothing',
    oneOf(['non-preemptive', 'preemptive', 'none']).optional(),
  ),
  onAbort: about('does work whose client has gone go on?', oneOf(['continue', 'cancel']).optional()),
  pools: about(
    'connections to stores, by name',
    z
      .record(
        id,
        z.strictObject({
          to: about('store or store.role', reference),
          size: about('connections per replica', count(1, 100_000)),
          acquireTimeout: about('how long to wait for a connection; default: for ever', positiveDuration.optional()),
          connectionsPerRequest: about(
            'of a program of your own: connections of this pool that one request holds at once (default 1)',
            count(1, 1000).optional(),
          ),
        }),
      )
      .optional(),
  ),
  scaling: about('an autoscaler: HPA, and KEDA for min 0', z.strictObject(scalingShape).optional()),
  env: about('environment of the program: values, or { secret: name }', environment.optional()),
  probes: about(
    'what an orchestrator asks: is it alive (else it is restarted), is it ready (else it gets no requests)',
    z.strictObject({ liveness: probe.optional(), readiness: probe.optional() }).optional(),
  ),
  claims: about(
    'what is said of it elsewhere, to be judged by `plan`',
    z.strictObject({ throughput: about('requests or messages, all replicas together', positiveRate) }).optional(),
  ),
  consumes: about('broker.queue or broker.topic: runs `flow` for each message', reference.optional()),
  slots: about('messages in hand at once per replica', count(1, 10_000).optional()),
  acknowledge: oneOf(['before-work', 'after-work']).optional(),
  flow: about('what a message means', stepList.optional()),
  operations: about(
    'offered to other services by `call: component.operation`',
    z.record(id, z.strictObject({ flow: stepList })).optional(),
  ),
} as const

export const storeOptions = {
  mode: oneOf(['single', 'replicated', 'sentinel', 'cluster']).optional(),
  masters: count(1, 1000).optional(),
  replicasPerMaster: count(0, 10).optional(),
  readReplicas: about('copies that answer reads, besides the primary', count(0, 100).optional()),
  memory: about('memory for data', positiveSize.optional()),
  eviction: oneOf([
    'noeviction',
    'allkeys-lru',
    'allkeys-lfu',
    'volatile-lru',
    'volatile-ttl',
    'allkeys-random',
  ]).optional(),
  persistence: oneOf(['none', 'aof', 'rdb', 'disk']).optional(),
  maxConnections: count(1, 1_000_000).optional(),
  reservedConnections: about('of maxConnections, kept for the administrator', count(0, 1000).optional()),
  replication: z.strictObject({ mode: oneOf(['async', 'semi-sync', 'sync']), lag: duration.optional() }).optional(),
  failover: z
    .strictObject({
      detect: about('until the loss of the primary is noticed', duration),
      promote: about('until a replica has taken its place', duration),
    })
    .optional(),
  shards: about(
    'the store is divided by the keys of a data set; each shard has a primary and its own readReplicas',
    z
      .strictObject({
        count: count(1, 1000),
        key: about('the data set: the key of a request says which shard it goes to', reference),
      })
      .optional(),
  ),
  sentinels: about('mode sentinel: processes that vote on a failover (default 3)', count(1, 100).optional()),
  replicationFactor: count(1, 10).optional(),
  queues: z
    .record(
      id,
      z.strictObject({
        maxLength: count(1, 1e9).optional(),
        overflow: about(
          'what happens to a message for which there is no room',
          oneOf(['reject', 'drop-oldest', 'block']).optional(),
        ),
        ttl: positiveDuration.optional(),
        priorities: about('number of levels', count(1, 255).optional()),
        deadLetter: about('another queue of this component', reference.optional()),
        maxDeliveries: count(1, 1000).optional(),
        redeliver: about(
          'the pause before a message whose work failed comes again: doubles with each delivery, up to max (default: does not)',
          z.strictObject(redeliverShape).optional(),
        ),
      }),
    )
    .optional(),
  topics: z
    .record(id, z.strictObject({ partitions: count(1, 10_000).optional(), retention: positiveDuration.optional() }))
    .optional(),
} as const

export const externalOptions = {
  latency: about('time until it answers', workTime),
  errors: about('share of calls that fail', ratio.optional()),
  rateLimit: z.strictObject({ rate: positiveRate }).optional(),
} as const

export const monitorOptions = {
  scrapeInterval: positiveDuration.optional(),
  retention: positiveDuration.optional(),
  targets: about('components that it watches; default: all', z.array(reference).optional()),
  source: about('where it reads from', reference.optional()),
  index: tableName.optional(),
  memory: positiveSize.optional(),
} as const

/** Some of the options, for a descriptor. */
export const pick = <S extends z.ZodRawShape, const K extends readonly (keyof S & string)[]>(
  options: S,
  keys: K,
): Pick<S, K[number]> => Object.fromEntries(keys.map((key) => [key, options[key]])) as Pick<S, K[number]>
