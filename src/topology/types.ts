/**
 * The topology as every other part of the program sees it: parsed, checked, defaults filled in, references resolved and
 * frozen. Times are seconds, sizes bytes, rates per second, ratios 0…1. A topology is a description of production;
 * where a run actually happens is a `Placement` (src/result/placement.ts).
 */
import type { Distribution, Work } from '../lib/distribution.js'
import type { UncertainNumber } from '../lib/document/uncertain.js'
import type { Position } from '../lib/errors.js'
import type { Popularity } from '../lib/popularity.js'
import type { ActiveHealthOptions } from '../policy/active-health.js'
import type { Scaling } from '../policy/autoscaler/scaling.js'
import type { Calibration } from './calibration.js'
import type { Step } from './flow.js'

export type ComponentId = string
export type RequestId = string
export type DataId = string
export type HostId = string

export interface Topology {
  readonly name: string
  /** ISO 4217 code, one for the whole file. */
  readonly currency: string
  readonly hosts: Readonly<Record<HostId, Host>>
  readonly data: Readonly<Record<DataId, DataSet>>
  readonly components: Readonly<Record<ComponentId, Component>>
  /** Includes derived classes such as `submit.poll`. */
  readonly requests: Readonly<Record<RequestId, RequestClass>>
  readonly traffic: Traffic | undefined
  /** The share of the declared traffic, which is the peak of a day, that its quietest hour has; undefined: it is always the same. */
  readonly dailyLow: number | undefined
  /** Regions that requests come from; empty: nobody says. Shares sum to 1. */
  readonly origins: readonly { readonly region: string; readonly share: number }[]
  /** Addresses or API keys; undefined: all requests have one. */
  readonly clients: { readonly count: number; readonly popularity: Popularity } | undefined
  readonly growth: Growth | undefined
  readonly policy: Policy
  readonly network: { readonly crossZoneSeconds: number; readonly crossRegionSeconds: number }
  readonly prices: Prices | undefined
  /** Patches per generation target, applied last; kept as they were written. */
  readonly generate: Readonly<Record<string, { readonly patches: readonly unknown[] }>>
  readonly calibration: Calibration | undefined
  /** sha256 (hex) of what the file means: independent of comments, key order, and how units are written; of uncertain numbers the middle counts. */
  readonly digest: string
  /** Numbers that the file gives as `{ low, mid, high }`; wherever they are meant stands `mid`. */
  readonly uncertain: readonly UncertainNumber[]
  readonly source: TopologySource
}

export interface TopologySource {
  readonly file: string
  /** The text as it was read. */
  readonly text: string
  /** The position of a document path such as ['components', 'app', 'replicas']; the nearest ancestor's if it is absent. */
  readonly locate: (path: readonly (string | number)[]) => Position
}

/** In the topology's currency; undefined: the price list's. */
export interface Prices {
  readonly storagePerGiBMonth: number | undefined
  readonly egressPerGiB: number | undefined
  readonly crossZonePerGiB: number | undefined
}

/** `count` machines of one kind. Components on one host share its cores. */
export interface Host {
  readonly id: HostId
  readonly count: number
  /** Cores per machine. */
  readonly cpu: number
  readonly memoryBytes: number | undefined
  readonly diskBytes: number | undefined
  /** In the topology's currency per machine and hour. */
  readonly pricePerHour: number | undefined
  /** Its name in the price list. */
  readonly machine: string | undefined
  readonly zone: string | undefined
  readonly region: string | undefined
  /** Share of the time for which one machine works; undefined: not declared. */
  readonly availability?: number | undefined
}

/** Keys that locks, counters and caches are about. */
export interface DataSet {
  readonly id: DataId
  readonly keys: number
  readonly popularity: Popularity
  /** Size of one value. */
  readonly bytes: number
  /** Initial value per key of each named counter. */
  readonly counters: Readonly<Record<string, number>>
}

export interface Resources {
  /** Cores (a quota) per replica; undefined: no quota of its own. */
  readonly cpu: number | undefined
  readonly memoryBaseBytes: number | undefined
  readonly memoryPerRequestBytes: number | undefined
}

interface ComponentBase {
  readonly id: ComponentId
  /** The technology: a folder in src/catalog. */
  readonly engine: string
  readonly host: HostId | undefined
  readonly zone: string | undefined
  readonly region: string | undefined
  /** Always the total. */
  readonly replicas: number
  readonly resources: Resources
  /** From start to ready. */
  readonly startupSeconds: number
  /** A crashed instance is started again after this long; undefined: it stays down. */
  readonly restartAfterSeconds: number | undefined
  /** Share of the time for which one instance works while its machine does; undefined: not declared. */
  readonly availability?: number | undefined
  /** CPU and wait per visit, on top of what the flow says; undefined: none declared (calibration may know it). */
  readonly demand: Work | undefined
}

export type Component = BalancerComponent | ServiceComponent | StoreComponent | ExternalComponent | MonitorComponent

export type BalancePolicy = 'round_robin' | 'least_conn' | 'ip_hash' | 'random_two' | 'weighted' | 'geo' | 'failover'

/** nginx, haproxy, dns, cdn: hands requests on. */
export interface BalancerComponent extends ComponentBase {
  readonly role: 'balancer'
  /** Weights sum to 1. */
  readonly upstreams: readonly { readonly component: ComponentId; readonly weight: number }[]
  readonly balance: BalancePolicy
  /** Worker processes (event loops) per replica. */
  readonly workers: number
  /** Passive health check: after `maxFails` failures within `failTimeoutSeconds` an instance rests that long. */
  readonly health: { readonly maxFails: number; readonly failTimeoutSeconds: number }
  /** Active health checks: every instance is probed; undefined: none. */
  readonly activeHealth: ActiveHealthOptions | undefined
  readonly nextUpstream: {
    readonly for: readonly NextUpstreamCause[]
    /** Counts the first try; 0: as many as there are instances. */
    readonly tries: number
    readonly timeoutSeconds: number | undefined
  }
  readonly connectTimeoutSeconds: number
  readonly readTimeoutSeconds: number
  /** Idle connections kept to the upstream, per worker. */
  readonly keepalive: number
  readonly rateLimit: RateLimit | undefined
  /** Of a content delivery network: answers that it keeps; undefined: none. */
  readonly cache:
    | {
        readonly hitRatio: number | undefined
        readonly ttlSeconds: number | undefined
        readonly memoryBytes: number | undefined
      }
    | undefined
}

export type NextUpstreamCause = 'error' | 'timeout' | 'http_500' | 'http_502' | 'http_503' | 'http_504' | 'http_429'

export interface RateLimit {
  /** What each limit is counted for. */
  readonly per: 'all' | 'address' | 'api-key'
  readonly algorithm: 'token-bucket' | 'leaky-bucket' | 'sliding-window'
  readonly ratePerSecond: number
  readonly burst: number
  /** Of a sliding window; undefined: 1 s, or as long as one request takes. */
  readonly windowSeconds?: number | undefined
}

export type Execution =
  | { readonly model: 'event-loop' /** Processes per replica. */; readonly processes: number }
  | { readonly model: 'threads'; readonly threads: number }
  | { readonly model: 'virtual-threads' }

/** The workload service, or what `image` or `command` puts in its place. */
export interface ServiceComponent extends ComponentBase {
  readonly role: 'service'
  readonly execution: Execution
  readonly image: string | undefined
  readonly command: readonly string[] | undefined
  /** Requests in flight per replica beyond which it answers 503; undefined: no limit. */
  readonly maxInFlight: number | undefined
  /** Who gives way beyond `maxInFlight`. */
  readonly shed: 'lowest-priority' | 'newest'
  /** What the priority of requests does in the lines for its CPU, threads and pools. */
  readonly priorities: 'non-preemptive' | 'preemptive' | 'none'
  /** Does work whose client has gone still burn capacity? */
  readonly onAbort: 'continue' | 'cancel'
  readonly pools: Readonly<Record<string, Pool>>
  readonly scaling: Scaling | undefined
  /** A worker: takes from this queue or topic and runs `flow` for each message. */
  readonly consumes: Target | undefined
  /** Messages in hand at once per replica. */
  readonly slots: number
  readonly acknowledge: 'before-work' | 'after-work'
  readonly flow: readonly Step[]
  /** Offered to other services by `call: component.operation`. */
  readonly operations: Readonly<Record<string, { readonly flow: readonly Step[] }>>
  readonly env?: Readonly<Record<string, EnvironmentValue>> | undefined
  readonly probes?: { readonly liveness: Probe | undefined; readonly readiness: Probe | undefined } | undefined
  /** What is said of it elsewhere; `plan` judges it. */
  readonly claims?: { readonly throughputPerSecond: number } | undefined
}

export type EnvironmentValue = { readonly value: string } | { readonly secret: string }

/** A path that an orchestrator asks, and the components that the program asks before it answers. */
export interface Probe {
  readonly path: string
  readonly checks: readonly ComponentId[]
}

export interface Pool {
  readonly id: string
  readonly to: Target
  /** Connections per replica (per process of an event-loop service: size / processes, rounded up). */
  readonly size: number
  readonly acquireTimeoutSeconds: number | undefined
  /** Connections that one request of a program of your own holds at once; undefined: what the flows mean. */
  readonly connectionsPerRequest?: number | undefined
}

/** redis, postgres, mysql, mongodb, rabbitmq, kafka: keeps state. Which steps it accepts is its descriptor's matter. */
export interface StoreComponent extends ComponentBase {
  readonly role: 'store'
  readonly mode: 'single' | 'replicated' | 'sentinel' | 'cluster'
  readonly masters: number
  readonly replicasPerMaster: number
  readonly readReplicas: number
  readonly memoryBytes: number | undefined
  readonly eviction: Eviction
  readonly persistence: 'none' | 'aof' | 'rdb' | 'disk'
  readonly maxConnections: number | undefined
  /** Of `maxConnections`, kept for the administrator. */
  readonly reservedConnections: number
  readonly replication: { readonly mode: 'async' | 'semi-sync' | 'sync'; readonly lagSeconds: number } | undefined
  readonly failover: { readonly detectSeconds: number; readonly promoteSeconds: number } | undefined
  /** Divided by the keys of a data set: `masters` are its shards then, each with `replicasPerMaster` copies. */
  readonly shards: { readonly count: number; readonly key: DataId } | undefined
  readonly replicationFactor: number | undefined
  /** Of mode sentinel; undefined: not declared. */
  readonly sentinels?: number | undefined
  readonly queues: Readonly<Record<string, Queue>>
  readonly topics: Readonly<Record<string, Topic>>
}

export type Eviction = 'noeviction' | 'allkeys-lru' | 'allkeys-lfu' | 'volatile-lru' | 'volatile-ttl' | 'allkeys-random'

export interface Queue {
  readonly id: string
  readonly maxLength: number | undefined
  readonly overflow: 'reject' | 'drop-oldest' | 'block'
  readonly ttlSeconds: number | undefined
  /** Number of priority levels; 1: none. */
  readonly priorities: number
  /** The id of another queue of the same component. */
  readonly deadLetter: string | undefined
  readonly maxDeliveries: number | undefined
  /** The pause before a message whose work failed comes again, doubling with each delivery; undefined: none. */
  readonly redelivery: { readonly afterSeconds: number; readonly maxSeconds: number } | undefined
}

export interface Topic {
  readonly id: string
  readonly partitions: number
  readonly retentionSeconds: number | undefined
}

/** A dependency that is not ours: it has a latency, errors and limits, and no inside. */
export interface ExternalComponent extends ComponentBase {
  readonly role: 'external'
  readonly latency: Distribution
  readonly errors: number
  readonly rateLimit: { readonly ratePerSecond: number } | undefined
}

/** prometheus, grafana, elasticsearch, …: watches, carries no request. */
export interface MonitorComponent extends ComponentBase {
  readonly role: 'monitor'
  readonly options: Readonly<Record<string, unknown>>
}

/** What a step, a pool or a consumer points at, resolved. */
export interface Target {
  readonly component: ComponentId
  /** A pool of the component that the step runs on; `component` and `role` are then the pool's. */
  readonly pool?: string
  readonly role?: string
  readonly queue?: string
  readonly topic?: string
  readonly operation?: string
}

/** One class of requests: who serves it, and the flow that serving it means. */
export interface RequestClass {
  readonly id: RequestId
  /** Of requests started; 0 for derived classes (`derivedFrom`), which stand outside the shares. */
  readonly share: number
  /** The class whose answers start this one, for `<class>.poll`. */
  readonly derivedFrom: RequestId | undefined
  /** Components that the request passes before `serve`, outermost first; empty: it goes straight to `serve`. */
  readonly enter: readonly ComponentId[]
  readonly serve: ComponentId
  readonly route: {
    readonly method: string
    readonly path: string /** Data sets named in braces. */
    readonly parameters: readonly string[]
  }
  readonly idempotent: boolean
  readonly client: {
    readonly timeoutSeconds: number | undefined
    readonly retry: Retry | undefined
  }
  readonly bytes: { readonly in: number; readonly out: number }
  /** 0 is the lowest. */
  readonly priority: number
  readonly slo: readonly Objective[]
  readonly flow: readonly Step[]
  /** For derived classes: the interval between polls. */
  readonly everySeconds: number | undefined
}

/** A service level objective: `quantity` of the class (or of one outcome of it) is at most (availability: at least) `bound`. */
export interface Objective {
  /** As in expectations: `latency.p95`, `outcomes.hit.latency.p95`, `errors`, `queueDelay.p95`, `completion.p95`, `availability`. */
  readonly path: string
  readonly op: '<=' | '>='
  /** Seconds or a ratio. */
  readonly bound: number
}

export interface Retry {
  /** Counts the first. */
  readonly attempts: number
  readonly backoffSeconds: number
  readonly maxBackoffSeconds: number | undefined
  readonly jitter: 'none' | 'full' | 'equal'
  /** Retries may be at most this share of first attempts; undefined: no budget. */
  readonly budget: number | undefined
}

export type Traffic = (
  | { readonly mode: 'closed'; readonly users: number; readonly thinkTime: Distribution }
  | { readonly mode: 'open'; readonly ratePerSecond: number }
) & { readonly surge?: Surge | undefined }

/** The steepest rise to be expected: to `factor` times the traffic within so long. `plan` judges it; experiments play loads. */
export interface Surge {
  readonly factor: number
  readonly withinSeconds: number
}

/** A step of a growth path: what is changed, and the load from which on it is in place. */
export interface Phase {
  readonly name: string
  readonly at: { readonly users?: number; readonly ratePerSecond?: number }
  /** As `--set` takes them. */
  readonly set: readonly string[]
}

export interface Growth {
  /** Relative growth per month. */
  readonly ratePerMonth: number
  /** Half-width of its 95 % interval. */
  readonly spreadPerMonth: number | undefined
  /** Of January to December, relative to the mean of the year. */
  readonly season: readonly number[] | undefined
  readonly horizonMonths: number
  readonly phases: readonly Phase[] | undefined
}

export interface Policy {
  /** Share of capacity to keep free. */
  readonly headroom: number
  readonly survive: 'nothing' | 'one-node' | 'one-host' | 'one-zone' | 'one-region'
  /** Review rules whose severity is another one here, by id. */
  readonly rules?: Readonly<Record<string, RuleLevel>> | undefined
}

export type RuleLevel = 'off' | 'info' | 'warning' | 'error'
