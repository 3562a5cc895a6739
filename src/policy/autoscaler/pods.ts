/** Pods as the Horizontal Pod Autoscaler of Kubernetes 1.30 sees them, and which of them its arithmetic may count. */

/** What one pod used, averaged over the `windowSeconds` that ended at `at`. */
export interface PodSample {
  /** Cores, bytes, requests, or requests per second. */
  readonly value: number
  readonly at: number
  readonly windowSeconds: number
}

export type ResourceName = 'cpu' | 'memory'

/** Times are seconds of the clock that the autoscaler is observed with. */
export interface PodState {
  readonly phase: 'pending' | 'running' | 'succeeded' | 'failed'
  /** Being stopped: it no longer counts. */
  readonly deleting: boolean
  readonly startedAt: number | undefined
  /** The condition Ready and when it changed last; undefined: it has none yet. */
  readonly readiness: { readonly ready: boolean; readonly changedAt: number } | undefined
  /** Cores and bytes that the pod requests, which utilization is a share of. */
  readonly requests: Readonly<Partial<Record<ResourceName, number>>>
  /** By name of metric; absent: not measured yet. */
  readonly samples: Readonly<Record<string, PodSample | undefined>>
}

export interface ReadinessRules {
  /** `--horizontal-pod-autoscaler-cpu-initialization-period`, 5 min: so long a sample of CPU may be start-up work. */
  readonly cpuInitializationSeconds: number
  /** `--horizontal-pod-autoscaler-initial-readiness-delay`, 30 s: unready since before then means never ready. */
  readonly initialReadinessSeconds: number
}

export interface PodGroups {
  /** With a sample that counts. */
  readonly counted: readonly PodState[]
  /** Not yet fit to be judged: pending, or their CPU is that of a start. */
  readonly unready: readonly PodState[]
  /** Running without a sample. */
  readonly missing: readonly PodState[]
}

/** Which pods count for a metric; failed and deleted ones are in no group. Only CPU asks for readiness. */
export const groupPods = (
  pods: readonly PodState[],
  metric: string,
  cpu: boolean,
  now: number,
  rules: ReadinessRules,
): PodGroups => {
  const counted: PodState[] = []
  const unready: PodState[] = []
  const missing: PodState[] = []
  for (const pod of pods) {
    if (pod.deleting || pod.phase === 'failed') continue
    const sample = pod.samples[metric]
    if (pod.phase === 'pending') unready.push(pod)
    else if (sample === undefined) missing.push(pod)
    else if (cpu && cpuOfStart(pod, sample, now, rules)) unready.push(pod)
    else counted.push(pod)
  }
  return { counted, unready, missing }
}

const cpuOfStart = (pod: PodState, sample: PodSample, now: number, rules: ReadinessRules): boolean => {
  const { readiness, startedAt } = pod
  if (readiness === undefined || startedAt === undefined) return true
  if (startedAt + rules.cpuInitializationSeconds > now)
    return !readiness.ready || sample.at < readiness.changedAt + sample.windowSeconds
  return !readiness.ready && startedAt + rules.initialReadinessSeconds > readiness.changedAt
}
