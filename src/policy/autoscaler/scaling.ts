/** A topology's `scaling` as one autoscaler: its triggers mapped to the HPA, with KEDA where it may scale to nothing. */
import { type Behavior, defaultRules, makeHpa, type ScalingDecision } from './hpa.js'
import { makeKeda } from './keda.js'
import type { MetricSpec, Observation } from './replica-calculator.js'

export interface ScalingTrigger {
  readonly metric: 'cpu' | 'memory' | 'queueLength' | 'queueLengthPerReplica' | 'inFlight' | 'ratePerReplica'
  /** A ratio for cpu and memory, else a count or a rate per second. */
  readonly target: number
  /** Of queues: the trigger is active (KEDA) only above this many messages. */
  readonly activation: number
}

export interface Scaling {
  readonly min: number
  readonly max: number
  readonly triggers: readonly ScalingTrigger[]
  /** The HPA's sync period. */
  readonly everySeconds: number
  readonly tolerance: number
  readonly behavior: Behavior
  /** What a metric is averaged over, and how old it is when the autoscaler gets it: matters of who observes. */
  readonly windowSeconds: number
  readonly metricsLagSeconds: number
  /** KEDA's: how often activity is asked for, how long none is waited for, how many then remain. */
  readonly pollingSeconds: number
  readonly cooldownSeconds: number
  readonly idle: number | undefined
}

/** metrics-server scrapes every 15 s what kubelets averaged over about as long, and hands out the latest scrape. */
export const metricsDefaults = { windowSeconds: 15, lagSeconds: 15 } as const

/** The names under which an observation has what the triggers ask for: samples of pods, and one total. */
export const scalingMetrics = {
  cpu: 'cpu',
  memory: 'memory',
  inFlight: 'inFlight',
  rate: 'rate',
  queueLength: 'queueLength',
} as const

const metricOf = ({ metric, target }: ScalingTrigger): MetricSpec => {
  switch (metric) {
    case 'cpu':
    case 'memory':
      return { kind: 'utilization', metric, target }
    case 'inFlight':
      return { kind: 'per-pod', metric: scalingMetrics.inFlight, target }
    case 'ratePerReplica':
      return { kind: 'per-pod', metric: scalingMetrics.rate, target }
    case 'queueLength':
      return { kind: 'value', metric: scalingMetrics.queueLength, target }
    case 'queueLengthPerReplica':
      return { kind: 'average-value', metric: scalingMetrics.queueLength, target }
  }
}

export const isQueueTrigger = ({ metric }: { readonly metric: ScalingTrigger['metric'] }): boolean =>
  metric === 'queueLength' || metric === 'queueLengthPerReplica'

export interface Autoscaler {
  /** When it wants to observe next, in seconds of the clock that it is observed with. */
  nextAt(): number
  /** What it asks for, having seen this at `now`, which is `nextAt()` or later. */
  observe(now: number, seen: Observation): ScalingDecision
}

/** `startAt`: when it begins; it observes first one period later. */
export const makeAutoscaler = (scaling: Scaling, startAt: number): Autoscaler => {
  const { min, max, behavior, tolerance, everySeconds, pollingSeconds, cooldownSeconds, idle } = scaling
  const sleeps = min === 0 || idle !== undefined
  const hpa = makeHpa({
    ...defaultRules,
    tolerance,
    min: sleeps ? Math.max(1, min) : min,
    max,
    metrics: scaling.triggers.map(metricOf),
    behavior,
  })
  const activations = scaling.triggers
    .filter(isQueueTrigger)
    .map(({ activation }) => ({ metric: scalingMetrics.queueLength, threshold: activation }))
  const keda = makeKeda({ min, idle, cooldownSeconds, activations })
  // By count, so that a long run does not drift.
  let syncs = 1
  let polls = 1
  const syncAt = (): number => startAt + syncs * everySeconds
  const pollAt = (): number => (sleeps ? startAt + polls * pollingSeconds : Number.POSITIVE_INFINITY)

  return {
    nextAt: () => Math.min(syncAt(), pollAt()),
    observe: (now, seen) => {
      let decision: ScalingDecision = { replicas: seen.replicas, reason: undefined, unreadable: [] }
      if (now >= pollAt()) {
        polls = Math.max(polls, Math.floor((now - startAt) / pollingSeconds)) + 1
        decision = keda.poll(now, seen)
      }
      if (now < syncAt()) return decision
      syncs = Math.max(syncs, Math.floor((now - startAt) / everySeconds)) + 1
      return decision.replicas === seen.replicas ? hpa.observe(now, seen) : decision
    },
  }
}
