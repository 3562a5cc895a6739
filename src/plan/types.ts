/**
 * What `plimsoll plan --json` prints. Times in seconds, ratios 0…1 (a utilization above 1 is what was asked for beyond what
 * there is), null for what has no bound or no value. "Throughput" without a component is of requests of all classes that
 * stand in the shares, at the declared mix; derived classes (polls) come on top.
 */
import type { DemandOrigin } from '../catalog/demand.js'
import type { Finding } from '../contract/finding.js'
import type { ScalingTrigger } from '../policy/autoscaler/scaling.js'
import type { LimitKind } from '../sim/analytic/network/limits.js'
import type { ClosedMethod } from '../sim/analytic/network/operating-point.js'
import type { Uncertainty } from './uncertainty/types.js'

export interface CapacityPlan {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'CapacityPlan'
  readonly topology: { readonly name: string; readonly digest: string }
  readonly demand: DemandTable
  readonly requests: Readonly<Record<string, ClassPlan>>
  readonly components: Readonly<Record<string, ComponentPlan>>
  readonly hosts: Readonly<Record<string, HostPlan>>
  readonly pools: Readonly<Record<string, PoolPlan>>
  /** Everything that is limited, tightest first: what `bottleneck` and the findings are read from. */
  readonly limits: readonly Limit[]
  /** Id of the tightest limit: a component `app`, a pool `app.main`, a host `host:state`; null: nothing limits. */
  readonly bottleneck: string | null
  /** What limits there, in words. */
  readonly bottleneckLimit: string | null
  readonly maxThroughputPerSecond: number | null
  /** 1 − offered/max at the declared traffic; null without traffic or limit. Negative: more is offered than can be carried. */
  readonly headroomRatio: number | null
  /** What the numbers rest on, beyond the topology's own words. */
  readonly assumptions: readonly string[]
  readonly findings: readonly Finding[]
  /** Each objective but availability: what is expected at the declared traffic, and the load at which it breaks. */
  readonly objectives: readonly ObjectivePlan[]
  readonly cost: CostPlan
  /** By machine with a declared memory. */
  readonly memory: Readonly<Record<string, MemoryPlan>>
  /** By component. */
  readonly network: Readonly<Record<string, NetworkPlan>>
  /** Each trigger of each autoscaler. */
  readonly triggers: readonly TriggerPlan[]
  /** One instance of each kind, each host, zone and region lost. */
  readonly losses: readonly LossPlan[]
  /** What the uncertain numbers of the file make of it; null: there are none, or nobody asked. */
  readonly uncertainty: Uncertainty | null
}

/** Of one machine. */
export interface MemoryPlan {
  readonly memoryBytes: number
  /** With the requests in hand that there are on average at the declared traffic. */
  readonly meanBytes: number
  /** With as many as `maxInFlight` lets in. */
  readonly mostBytes: number
  /** Components there of whose memory nothing is said. */
  readonly unknown: readonly string[]
}

export interface NetworkPlan {
  readonly receivedBytesPerSecond: number
  readonly sentBytesPerSecond: number
}

export interface HostCost {
  readonly machines: number
  /** Over the course of a day: fewer than there are where all that runs there is scaled. */
  readonly meanMachines: number
  readonly pricePerHour: number | null
  readonly origin: 'declared' | 'list' | null
  readonly machinesPerMonth: number | null
  readonly diskPerMonth: number
}

/** Money is in `currency`, a month 730 hours. */
export interface CostPlan {
  readonly currency: string
  /** The list that prices come from which the topology does not declare. */
  readonly prices: { readonly name: string; readonly date: string; readonly source: string; readonly currency: string }
  readonly hosts: Readonly<Record<string, HostCost>>
  /** GiB per month. */
  readonly egressGiB: number
  readonly crossZoneGiB: number
  readonly egressPerMonth: number
  readonly crossZonePerMonth: number
  /** All that has a price. */
  readonly perMonth: number
  /** Hosts without a price and components without a host: not in the sum. */
  readonly unpriced: readonly string[]
  /** Over the course of a day. */
  readonly meanRatePerSecond: number
  readonly perMillionRequests: number | null
  /** Hosts by CPU, traffic by bytes. */
  readonly requests: Readonly<Record<string, { readonly perMonth: number; readonly perMillion: number | null }>>
}

/** A load at which something happens: requests of the mix per second, and the users that make them where traffic is closed. */
export interface Breaking {
  readonly ratePerSecond: number
  /** N = X·(R + Z); null: open traffic, or no load at all. */
  readonly users: number | null
}

export interface ObjectivePlan {
  readonly request: string
  /** `latency.p95`, `outcomes.hit.latency.p95`, `errors`, … */
  readonly path: string
  /** At most; seconds or a ratio. */
  readonly bound: number
  /** At the declared traffic; null: without bound, or not told by the analytic model (`max`). */
  readonly predicted: number | null
  readonly holds: boolean | null
  /** At 0/s: it does not hold without any load. At the system's limit at the latest; null: nothing limits, or it is not told. */
  readonly breaks: Breaking | null
}

export interface TriggerPlan {
  readonly component: string
  readonly metric: ScalingTrigger['metric']
  /** A ratio (cpu, memory), a count or a rate per second. */
  readonly target: number
  /** At the declared traffic, with the declared number of replicas; null: it cannot be told (memory without a limit). */
  readonly value: number | null
  /** Null: it does not fire below the system's limit. */
  readonly fires: Breaking | null
}

export interface LossPlan {
  readonly kind: 'instance' | 'host' | 'zone' | 'region'
  /** `app/0`, `host:db/1`, `zone a`. */
  readonly id: string
  readonly instances: readonly string[]
  /** Does `policy.survive` ask for it? */
  readonly demanded: boolean
  /** Components that do not answer then, and why. */
  readonly gone: Readonly<Record<string, string>>
  /** Classes that fail, having no way around what is gone. */
  readonly failing: readonly string[]
  /** Once whatever takes over has taken over. */
  readonly maxThroughputPerSecond: number | null
  readonly bottleneck: string | null
  /** At the declared traffic. */
  readonly headroomRatio: number | null
  /** Objectives of the other classes that do not hold then. */
  readonly broken: readonly {
    readonly request: string
    readonly path: string
    readonly bound: number
    readonly predicted: number | null
  }[]
  /** No class fails, the load is carried, and every objective holds. */
  readonly survives: boolean
}

export interface DemandTable {
  readonly traffic: 'open' | 'closed' | 'none'
  /** Offered (open), or what the users' closed loop comes to. */
  readonly throughputPerSecond: number
  readonly users: number | null
  readonly thinkSeconds: number | null
  /**
   * How a closed throughput was found: mean value analysis (exact of its product form), the fixed point of the means where there are
   * too many users for that, or a bound that holds it down; null: open.
   */
  readonly method: ClosedMethod | null
  /** Mean over the mix. Closed: interactive response time law, R = N/X − Z. Null: unbounded, or no traffic. */
  readonly responseSeconds: number | null
  /** By class and component, per request of the class. */
  readonly requests: Readonly<Record<string, Readonly<Record<string, ComponentDemand>>>>
  readonly steps: Readonly<Record<string, StepDemand>>
}

export interface ComponentDemand {
  readonly visits: number
  /** CPU on the component. */
  readonly cpuSeconds: number
  /** Time there without CPU. */
  readonly waitSeconds: number
}

/** Of one step, per request of the mix unless it says otherwise. */
export interface StepDemand {
  readonly kind: string
  /** The component on which its CPU burns. */
  readonly component: string
  readonly executionsPerSecond: number
  /** Per round in which every user (closed) asks once; null: open. */
  readonly executionsPerRound: number | null
  readonly hitRatio?: number
  readonly hitsPerSecond?: number
  readonly hitsPerRound?: number | null
  readonly missesPerSecond?: number
  readonly missesPerRound?: number | null
  /** Mean CPU-seconds and wait of one execution. */
  readonly cpuSeconds: number
  readonly waitSeconds: number
  readonly origin: DemandOrigin
}

export interface ClassPlan {
  readonly share: number
  readonly arrivalRatePerSecond: number
  readonly requestsPerRound: number | null
  /** CPU-seconds per request on all components together. */
  readonly demandSeconds: number
  /** Time that is no CPU: declared waits and latencies. */
  readonly waitSeconds: number
  /** Mean response without any queueing. */
  readonly minResidenceSeconds: number
  /** Mean response at the declared traffic; null: it grows without bound. */
  readonly residenceSeconds: number | null
  /** Of a gamma distribution with the mean and variance of the response; null: without bound. */
  readonly p95Seconds: number | null
  /** With the work behind a queue, for a class that publishes. */
  readonly completionSeconds?: number | null
}

export interface ComponentPlan {
  /** Visits per second at the declared traffic. */
  readonly arrivalRatePerSecond: number
  readonly visitsPerRequest: number
  /** CPU-seconds per request of the mix. */
  readonly demandSeconds: number
  /** Cores (event loops, slots) that it may use. */
  readonly servers: number | null
  /** Utilization law, U = λ·S/c; of the tightest of its roles, and of its slots for a worker. */
  readonly utilization: number
  /** Mean number of visits at the component (queueing and served): Little's law. Null: grows without bound. */
  readonly concurrency: number | null
  /** Mean time of one visit at the component, what it calls elsewhere not counted. */
  readonly residenceSeconds: number | null
  /** Requests of the mix per second at which something of this component is exhausted; null: nothing of it limits. */
  readonly maxThroughputPerSecond: number | null
  /** What that is. */
  readonly limit: string
  /** Where its largest CPU demand comes from. */
  readonly origin: DemandOrigin
}

export interface HostPlan {
  readonly machines: number
  readonly cores: number
  /** CPU-seconds per request of the mix, all machines together. */
  readonly demandSeconds: number
  /** Of the busiest machine. */
  readonly utilization: number
  readonly maxThroughputPerSecond: number | null
  readonly components: readonly string[]
}

export interface PoolPlan {
  readonly to: string
  /** Connections of all replicas together. */
  readonly servers: number
  readonly arrivalRatePerSecond: number
  /** Mean time for which a connection is held, at the declared traffic; null: grows without bound. */
  readonly holdSeconds: number | null
  readonly utilization: number
  readonly waitProbability: number
  readonly waitSeconds: number | null
  /** Share of those who ask for a connection that give up after `acquireTimeout` (M/M/c+D); absent: they wait for ever. */
  readonly timeoutProbability?: number
  readonly maxThroughputPerSecond: number | null
}

export interface Limit {
  readonly id: string
  readonly kind: LimitKind
  /** Units of the resource: cores, connections, slots; requests per second of a rate limit. */
  readonly servers: number
  /** Time for which a request of the mix occupies one of them (visits, for a rate limit). */
  readonly demandSeconds: number
  /** At the declared traffic. */
  readonly utilization: number
  readonly maxThroughputPerSecond: number | null
  readonly sentence: string
}
