/**
 * The Horizontal Pod Autoscaler of Kubernetes 1.30 (pkg/controller/podautoscaler/horizontal.go) as a state machine that
 * is handed the time and what it would have seen; call `observe` every sync period (15 s).
 */
import { type CalculatorRules, type MetricSpec, type Observation, propose } from './replica-calculator.js'
import { type RateRules, ScaleHistory } from './scaling-rate.js'
import { Recommendations, type StabilizationWindows } from './stabilization.js'

export interface Behavior {
  readonly stabilization: StabilizationWindows
  readonly up: RateRules
  readonly down: RateRules
}

export interface HpaSpec extends CalculatorRules {
  readonly min: number
  readonly max: number
  readonly metrics: readonly MetricSpec[]
  /** Undefined, as in an object that says nothing of behavior: 300 s of stabilization, up to max(2n, 4) at a time. */
  readonly behavior: Behavior | undefined
}

export interface ScalingDecision {
  /** What is asked for from now on; what there was, if nothing changes. */
  readonly replicas: number
  /** Of a change: why, in the words of Kubernetes' events; else undefined. */
  readonly reason: string | undefined
  /** Metrics that could not be read, with why. */
  readonly unreadable: readonly string[]
}

export interface Hpa {
  observe(now: number, seen: Observation): ScalingDecision
}

/** What an object gets for what it does not say. */
export const defaultBehavior: Behavior = {
  stabilization: { upSeconds: 0, downSeconds: 300 },
  up: {
    select: 'max',
    policies: [
      { kind: 'pods', value: 4, periodSeconds: 15 },
      { kind: 'percent', value: 100, periodSeconds: 15 },
    ],
  },
  down: { select: 'max', policies: [{ kind: 'percent', value: 100, periodSeconds: 15 }] },
}

/** The flags of the controller manager as they come. */
export const defaultRules: CalculatorRules = {
  tolerance: 0.1,
  cpuInitializationSeconds: 300,
  initialReadinessSeconds: 30,
}

const plainDownscaleSeconds = 300

export const makeHpa = (spec: HpaSpec): Hpa => {
  const recommendations = new Recommendations()
  const history = new ScaleHistory()
  const { min, max, behavior } = spec

  const bounded = (now: number, current: number, desired: number): number => {
    if (behavior === undefined) {
      const stable = recommendations.highest(now, desired, plainDownscaleSeconds)
      return Math.max(min, Math.min(stable, max, Math.max(2 * current, 4)))
    }
    // Stabilise first, then limit the rate.
    const stable = recommendations.stabilise(now, current, desired, behavior.stabilization)
    if (stable > current) return Math.min(stable, max, history.upperLimit(now, current, behavior.up))
    if (stable < current) return Math.max(stable, min, history.lowerLimit(now, current, behavior.down))
    return stable
  }

  const decide = (now: number, seen: Observation): ScalingDecision => {
    const current = seen.replicas
    if (current === 0 && min > 0) return unchanged(current)
    if (current > max) return { replicas: max, reason: 'Current number of replicas above max', unreadable: [] }
    if (current < min) return { replicas: min, reason: 'Current number of replicas below min', unreadable: [] }
    let desired = 0
    let metric = ''
    const unreadable: string[] = []
    for (const each of spec.metrics) {
      const proposal = propose(each, seen, now, spec)
      if (!proposal.ok) unreadable.push(proposal.why)
      else if (metric === '' || proposal.replicas > desired) {
        desired = proposal.replicas
        metric = each.metric
      }
    }
    // What is not known might ask for more: it forbids to take away, not to add.
    if (metric === '' || (unreadable.length > 0 && desired < current)) return { ...unchanged(current), unreadable }
    const reason = desired > current ? `${metric} above target` : 'All metrics below target'
    const replicas = bounded(now, current, desired)
    return { replicas, reason: replicas === current ? undefined : reason, unreadable }
  }

  return {
    observe: (now, seen) => {
      recommendations.begin(now, seen.replicas)
      const decision = decide(now, seen)
      if (behavior !== undefined) history.record(now, seen.replicas, decision.replicas, behavior)
      return decision
    },
  }
}

const unchanged = (replicas: number): ScalingDecision => ({ replicas, reason: undefined, unreadable: [] })
