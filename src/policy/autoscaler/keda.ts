/**
 * KEDA on top of the HPA: every `pollingSeconds` (30 s) it asks whether any trigger is active, and switches between
 * nothing (or `idleReplicas`) and something; what lies above is the HPA's, whose minimum is then at least 1.
 * (kedacore/keda pkg/scaling/executor: RequestScale.)
 */

import type { ScalingDecision } from './hpa.js'
import type { Observation } from './replica-calculator.js'

export interface Activation {
  readonly metric: string
  /** Active only above it; 0: by the first message. */
  readonly threshold: number
}

export interface KedaSpec {
  /** minReplicaCount; 0: down to nothing when no trigger is active. */
  readonly min: number
  /** idleReplicaCount: how many when no trigger is active, if that is less than `min`. */
  readonly idle: number | undefined
  readonly cooldownSeconds: number
  readonly activations: readonly Activation[]
}

export interface Keda {
  /** To be called every polling interval. */
  poll(now: number, seen: Observation): ScalingDecision
}

export const kedaDefaults = { pollingSeconds: 30, cooldownSeconds: 300 } as const

export const makeKeda = (spec: KedaSpec): Keda => {
  let lastActiveAt: number | undefined
  const { min, idle, cooldownSeconds } = spec

  const decide = (now: number, current: number, active: boolean, unreadable: readonly string[]): ScalingDecision => {
    const to = (replicas: number, reason: string): ScalingDecision => ({ replicas, reason, unreadable })
    const stay: ScalingDecision = { replicas: current, reason: undefined, unreadable }
    if (active) {
      lastActiveAt = now
      const asleep = current === 0 || (idle !== undefined && current < min)
      return asleep ? to(Math.max(1, min), 'a trigger is active') : stay
    }
    // What cannot be read might be active.
    if (unreadable.length > 0) return stay
    const least = idle ?? min
    const idles = idle === undefined ? min === 0 : idle < min
    if (idles && current > least) {
      const cooled = lastActiveAt === undefined || lastActiveAt + cooldownSeconds < now
      return cooled ? to(least, `no trigger active for more than ${cooldownSeconds} s`) : stay
    }
    return current < least ? to(least, 'below min') : stay
  }

  return {
    poll: (now, seen) => {
      const unreadable = spec.activations.filter(({ metric }) => seen.totals[metric] === undefined)
      const active = spec.activations.some(({ metric, threshold }) => (seen.totals[metric] ?? 0) > threshold)
      return decide(
        now,
        seen.replicas,
        active,
        unreadable.map(({ metric }) => `${metric} could not be read`),
      )
    },
  }
}
