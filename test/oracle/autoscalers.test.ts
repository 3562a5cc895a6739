/**
 * Autoscalers against published tables: kubernetes/kubernetes pkg/controller/podautoscaler/replica_calculator_test.go and
 * horizontal_test.go (the numbers, named as there), KEP-853, and KEDA's documentation.
 */
import { describe, expect, it, test } from 'vitest'
import { type Behavior, defaultBehavior, defaultRules, type HpaSpec, makeHpa } from '../../src/policy/autoscaler/hpa.js'
import { makeKeda } from '../../src/policy/autoscaler/keda.js'
import { groupPods, type PodState } from '../../src/policy/autoscaler/pods.js'
import { type MetricSpec, type Observation, propose } from '../../src/policy/autoscaler/replica-calculator.js'
import { type RatePolicy, type RateRules, ScaleHistory } from '../../src/policy/autoscaler/scaling-rate.js'
import { Recommendations } from '../../src/policy/autoscaler/stabilization.js'

const minute = 60
/** An hour of a clock that began at 0. */
const now = 3600
/** The rules of the published tests. */
const rules = { tolerance: 0.1, cpuInitializationSeconds: 2 * minute, initialReadinessSeconds: 10 }

interface Row {
  readonly name: string
  readonly replicas: number
  readonly levels: readonly number[]
  /** Requests in thousandths of a core; default: 1000 each. */
  readonly requests?: readonly number[]
  /** R ready, U unready, H ready and hot, C unready and hot, P pending, F failed, D deleted; default: all ready. */
  readonly pods?: string
  readonly target: number
  readonly expected: number
}

const podOf = (kind: string, metric: string, level: number | undefined, request: number): PodState => {
  const startedAt = now - (kind === 'H' || kind === 'C' ? 0 : 3 * minute)
  return {
    phase: kind === 'P' ? 'pending' : kind === 'F' ? 'failed' : 'running',
    deleting: kind === 'D',
    startedAt,
    readiness: { ready: kind === 'R' || kind === 'H', changedAt: startedAt },
    requests: { cpu: request / 1000, memory: request },
    samples: level === undefined ? {} : { [metric]: { value: level / 1000, at: now, windowSeconds: minute } },
  }
}

const seenBy = (row: Row, metric: string): Observation => {
  const kinds = row.pods ?? 'R'.repeat(Math.max(row.replicas, row.levels.length))
  return {
    replicas: row.replicas,
    pods: [...kinds].map((kind, i) => podOf(kind, metric, row.levels[i], row.requests?.[i] ?? 1000)),
    totals: { [metric]: (row.levels[0] ?? 0) / 1000 },
  }
}

const proposed = (spec: MetricSpec, seen: Observation): number | string => {
  const proposal = propose(spec, seen, now, rules)
  return proposal.ok ? proposal.replicas : proposal.why
}

describe('oracle 17: replica_calculator_test.go, utilization of CPU', () => {
  const rows: readonly Row[] = [
    { name: 'ScaleUp', replicas: 3, levels: [300, 500, 700], target: 30, expected: 5 },
    { name: 'ScaleUpUnreadyLessScale', replicas: 3, pods: 'URR', levels: [300, 500, 700], target: 30, expected: 4 },
    { name: 'ScaleUpHotCpuLessScale', replicas: 3, pods: 'HRR', levels: [300, 500, 700], target: 30, expected: 4 },
    { name: 'ScaleUpUnreadyNoScale', replicas: 3, pods: 'RUU', levels: [400, 500, 700], target: 30, expected: 3 },
    { name: 'ScaleHotCpuNoScale', replicas: 3, pods: 'RCC', levels: [400, 500, 700], target: 30, expected: 3 },
    { name: 'ScaleUpIgnoresFailedPods', replicas: 2, pods: 'RRFF', levels: [500, 700], target: 30, expected: 4 },
    { name: 'ScaleUpIgnoresDeletionPods', replicas: 2, pods: 'RRDD', levels: [500, 700], target: 30, expected: 4 },
    { name: 'ScaleDown', replicas: 5, levels: [100, 300, 500, 250, 250], target: 50, expected: 3 },
    {
      name: 'ScaleDownIncludeUnreadyPods',
      replicas: 5,
      pods: 'RRRUU',
      levels: [100, 300, 500, 250, 250],
      target: 50,
      expected: 2,
    },
    { name: 'ScaleDownExcludeUnscheduledPods', replicas: 5, pods: 'RPPPP', levels: [100], target: 50, expected: 1 },
    {
      name: 'ScaleDownIgnoreHotCpuPods',
      replicas: 5,
      pods: 'RRRHH',
      levels: [100, 300, 500, 250, 250],
      target: 50,
      expected: 2,
    },
    {
      name: 'ScaleDownIgnoresFailedPods',
      replicas: 5,
      pods: 'RRRRRFF',
      levels: [100, 300, 500, 250, 250],
      target: 50,
      expected: 3,
    },
    {
      name: 'ScaleDownIgnoresDeletionPods',
      replicas: 5,
      pods: 'RRRRRDD',
      levels: [100, 300, 500, 250, 250],
      target: 50,
      expected: 3,
    },
    {
      name: 'Tolerance',
      replicas: 3,
      levels: [1010, 1030, 1020],
      requests: [900, 1000, 1100],
      target: 100,
      expected: 3,
    },
    { name: 'SuperfluousMetrics', replicas: 4, levels: [4000, 9500, 3000, 7000], target: 100, expected: 24 },
    { name: 'MissingMetrics', replicas: 4, pods: 'RRRR', levels: [400, 95], target: 100, expected: 3 },
    { name: 'MissingMetricsNoChangeEq', replicas: 2, levels: [1000], target: 100, expected: 2 },
    { name: 'MissingMetricsNoChangeGt', replicas: 2, levels: [1900], target: 100, expected: 2 },
    { name: 'MissingMetricsNoChangeLt', replicas: 2, levels: [600], target: 100, expected: 2 },
    { name: 'MissingMetricsUnreadyChange', replicas: 3, pods: 'URR', levels: [100, 450], target: 50, expected: 3 },
    { name: 'MissingMetricsHotCpuNoChange', replicas: 3, pods: 'HRR', levels: [100, 450], target: 50, expected: 3 },
    { name: 'MissingMetricsUnreadyScaleUp', replicas: 3, pods: 'URR', levels: [100, 2000], target: 50, expected: 4 },
    { name: 'MissingMetricsHotCpuScaleUp', replicas: 3, pods: 'CRR', levels: [100, 2000], target: 50, expected: 4 },
    {
      name: 'MissingMetricsUnreadyScaleDown',
      replicas: 4,
      pods: 'URRR',
      levels: [100, 100, 100],
      target: 50,
      expected: 3,
    },
    { name: 'DuringRollingUpdateWithMaxSurge', replicas: 2, pods: 'RRR', levels: [100, 100], target: 50, expected: 2 },
  ]
  it.each(rows)('$name → $expected', (row) => {
    const spec = { kind: 'utilization', metric: 'cpu', target: row.target / 100 } as const
    expect(proposed(spec, seenBy(row, 'cpu'))).toBe(row.expected)
  })

  it('ComputedToleranceAlgImplementation: 10 pods of 150m that request 300m: a target of 56 % takes one away, of 55 % none', () => {
    const requests = [400, 200, 310, 290, 302, 298, 301, 299, 300, 300]
    const row = { name: '', replicas: 10, levels: Array(10).fill(150), requests, target: 0, expected: 0 }
    const seen = seenBy(row, 'cpu')
    expect(proposed({ kind: 'utilization', metric: 'cpu', target: 0.56 }, seen)).toBe(9)
    expect(proposed({ kind: 'utilization', metric: 'cpu', target: 0.55 }, seen)).toBe(10)
  })

  it('cannot judge without samples, without requests, or when all pods are unready', () => {
    const spec = { kind: 'utilization', metric: 'cpu', target: 1 } as const
    const row = { name: '', replicas: 2, levels: [], target: 100, expected: 0 }
    expect(proposed(spec, seenBy({ ...row, pods: 'RR' }, 'cpu'))).toMatch(/no pod that counts has a sample of cpu/)
    expect(proposed(spec, seenBy({ ...row, levels: [100, 100], pods: 'UU' }, 'cpu'))).toMatch(/no pod that counts/)
    const pods = seenBy({ ...row, levels: [100, 100] }, 'cpu').pods.map((pod) => ({ ...pod, requests: {} }))
    expect(proposed(spec, { replicas: 2, pods, totals: {} })).toBe('a pod requests no cpu')
  })

  it('cuts utilization off to whole percent: of a target of 70 %, 76.9 % is tolerated, 77 % is not', () => {
    const spec = { kind: 'utilization', metric: 'cpu', target: 0.7 } as const
    const row = { name: '', replicas: 1, target: 70, expected: 0 }
    expect(proposed(spec, seenBy({ ...row, levels: [769] }, 'cpu'))).toBe(1)
    expect(proposed(spec, seenBy({ ...row, levels: [770] }, 'cpu'))).toBe(2)
  })
})

describe('oracle 17: replica_calculator_test.go, a metric of each pod', () => {
  const rows: readonly Row[] = [
    { name: 'ScaleUpCM', replicas: 3, levels: [20_000, 10_000, 30_000], target: 15_000, expected: 4 },
    {
      name: 'ScaleUpCMUnreadyHotCpuNoLessScale',
      replicas: 3,
      pods: 'RRC',
      levels: [50_000, 10_000, 30_000],
      target: 15_000,
      expected: 6,
    },
    {
      name: 'ScaleUpCMUnreadyHotCpuScaleWouldScaleDown',
      replicas: 3,
      pods: 'CRC',
      levels: [50_000, 15_000, 30_000],
      target: 15_000,
      expected: 7,
    },
    { name: 'ScaleUpCMExternal', replicas: 1, levels: [8600], target: 4400, expected: 2 },
    { name: 'ScaleDownCM', replicas: 5, levels: Array(5).fill(12_000), target: 20_000, expected: 3 },
    { name: 'ToleranceCM', replicas: 3, levels: [20_000, 21_000, 21_000], target: 20_000, expected: 3 },
  ]
  it.each(rows)('$name → $expected', (row) => {
    expect(proposed({ kind: 'per-pod', metric: 'qps', target: row.target / 1000 }, seenBy(row, 'qps'))).toBe(
      row.expected,
    )
  })
})

describe('oracle 17: replica_calculator_test.go, one number for all pods', () => {
  it.each([
    { name: 'ScaleUpCMObject', replicas: 3, total: 20_000, target: 15_000, expected: 4 },
    { name: 'ScaleUpCMObjectIgnoresUnreadyPods', pods: 'URU', replicas: 3, total: 50_000, target: 10_000, expected: 5 },
    { name: 'ScaleUpCMExternal', replicas: 1, total: 8600, target: 4400, expected: 2 },
    { name: 'ScaleUpCMExternalIgnoresUnready', pods: 'URU', replicas: 3, total: 8600, target: 4400, expected: 2 },
    { name: 'ScaleDownCMObject', replicas: 5, total: 12_000, target: 20_000, expected: 3 },
    { name: 'ScaleDownCMExternal', replicas: 5, total: 8600, target: 14_334, expected: 3 },
    { name: 'ToleranceCMObject', replicas: 3, total: 20_666, target: 20_000, expected: 3 },
    { name: 'ToleranceCMExternal', replicas: 3, total: 8600, target: 8888, expected: 3 },
    { name: 'from nothing', replicas: 0, total: 8600, target: 4400, expected: 2 },
  ])('Value: $name → $expected', ({ name, pods, replicas, total, target, expected }) => {
    const row: Row = { name, replicas, levels: [total], target, expected, pods: pods ?? 'R'.repeat(replicas) }
    expect(proposed({ kind: 'value', metric: 'qps', target: target / 1000 }, seenBy(row, 'qps'))).toBe(expected)
  })

  it.each([
    { name: 'ScaleUpCMPerPodObject', replicas: 3, total: 20_000, target: 5000, expected: 4 },
    { name: 'ScaleUpPerPodCMExternal', replicas: 3, total: 8600, target: 2150, expected: 4 },
    { name: 'ScaleDownPerPodCMObject', replicas: 5, total: 6000, target: 2000, expected: 3 },
    { name: 'ScaleDownPerPodCMExternal', replicas: 5, total: 8600, target: 2867, expected: 3 },
    { name: 'TolerancePerPodCMObject', replicas: 4, total: 20_166, target: 5000, expected: 4 },
    { name: 'TolerancePerPodCMExternal', replicas: 3, total: 8600, target: 2900, expected: 3 },
    { name: 'from nothing', replicas: 0, total: 8600, target: 4400, expected: 2 },
    { name: 'nothing from nothing', replicas: 0, total: 0, target: 4400, expected: 0 },
  ])('AverageValue: $name → $expected', ({ replicas, total, target, expected }) => {
    const seen = { replicas, pods: [], totals: { qps: total / 1000 } }
    expect(proposed({ kind: 'average-value', metric: 'qps', target: target / 1000 }, seen)).toBe(expected)
  })
})

describe('oracle 17: replica_calculator_test.go, TestGroupPods', () => {
  const ago = (seconds: number): number => now - seconds
  const pod = (state: Partial<PodState>): PodState => ({ ...podOf('R', 'cpu', 1000, 1000), ...state })
  const sampled = (at: number, windowSeconds: number) => ({ cpu: { value: 1, at, windowSeconds } })
  it.each([
    { name: 'without the condition Ready', state: { startedAt: now, readiness: undefined }, group: 'unready' },
    {
      name: 'ready, fresh metrics, during initialization',
      state: {
        startedAt: ago(60),
        readiness: { ready: true, changedAt: ago(30) },
        samples: sampled(now, 30),
      },
      group: 'counted',
    },
    {
      name: 'ready, stale metrics, during initialization',
      state: { startedAt: ago(60), readiness: { ready: true, changedAt: ago(30) }, samples: sampled(now, 60) },
      group: 'unready',
    },
    {
      name: 'unready, never was ready',
      state: { startedAt: ago(600), readiness: { ready: false, changedAt: ago(594) } },
      group: 'unready',
    },
    {
      name: 'ready, stale metrics, after initialization',
      state: { startedAt: ago(180), readiness: { ready: true, changedAt: ago(180) }, samples: sampled(ago(120), 60) },
      group: 'counted',
    },
    {
      name: 'unready, was ready after initialization',
      state: { startedAt: ago(600), readiness: { ready: false, changedAt: ago(540) } },
      group: 'counted',
    },
    {
      name: 'unready since exactly the initial delay',
      state: { startedAt: ago(600), readiness: { ready: false, changedAt: ago(590) } },
      group: 'counted',
    },
    { name: 'without metrics', state: { startedAt: ago(180), samples: {} }, group: 'missing' },
    { name: 'pending', state: { phase: 'pending', samples: {} }, group: 'unready' },
    { name: 'failed', state: { phase: 'failed' }, group: 'none' },
  ] as const)('a pod $name: $group', ({ state, group }) => {
    const groups = groupPods([pod(state)], 'cpu', true, now, rules)
    const found = (['counted', 'unready', 'missing'] as const).find((name) => groups[name].length > 0) ?? 'none'
    expect(found).toBe(group)
  })

  it('readiness is a matter of CPU alone', () => {
    const unready = podOf('C', 'memory', 1000, 1000)
    expect(groupPods([unready], 'memory', false, now, rules).counted).toHaveLength(1)
  })
})

describe('oracle 18: stabilization', () => {
  const stabilised = (
    past: readonly (readonly [replicas: number, agoSeconds: number])[],
    current: number,
    desired: number,
    upSeconds: number,
    downSeconds: number,
  ): number => {
    const recommendations = new Recommendations()
    const windows = { upSeconds: 3600 * 24, downSeconds: 3600 * 24 }
    for (const [replicas, ago] of past) recommendations.stabilise(now * 24 - ago, replicas, replicas, windows)
    return recommendations.stabilise(now * 24, current, desired, { upSeconds, downSeconds })
  }
  /** One recommendation each 30 s, the last one now. */
  const each30s = (recommended: readonly number[]) =>
    recommended.slice(0, -1).map((replicas, i) => [replicas, 30 * (recommended.length - 1 - i)] as const)

  it('KEP-853: scaling down follows the highest of the window: [9,8,9,9,8,9,8,9,8,7] at 10 → 9', () => {
    expect(stabilised(each30s([9, 8, 9, 9, 8, 9, 8, 9, 8, 7]), 10, 7, 0, 300)).toBe(9)
  })

  it('KEP-853: scaling up follows the lowest of the window: [2,3,19,10,3,4] at 2 → 2, [7,3,19,10,3,4] → 3', () => {
    expect(stabilised(each30s([2, 3, 19, 10, 3, 4]), 2, 4, 300, 0)).toBe(2)
    expect(stabilised(each30s([7, 3, 19, 10, 3, 4]), 2, 4, 300, 0)).toBe(3)
  })

  it.each([
    { name: 'empty, down', past: [], current: 100, desired: 5, up: 0, down: 0, expected: 5 },
    {
      name: 'simple down',
      past: [
        [4, 120],
        [5, 60],
      ],
      current: 100,
      desired: 3,
      up: 0,
      down: 180,
      expected: 5,
    },
    {
      name: 'simple up',
      past: [
        [4, 120],
        [5, 60],
      ],
      current: 1,
      desired: 7,
      up: 300,
      down: 0,
      expected: 4,
    },
    {
      name: 'no down',
      past: [
        [1, 120],
        [2, 60],
      ],
      current: 100,
      desired: 3,
      up: 300,
      down: 0,
      expected: 3,
    },
    {
      name: 'no up',
      past: [
        [4, 120],
        [5, 60],
      ],
      current: 1,
      desired: 3,
      up: 0,
      down: 300,
      expected: 3,
    },
    {
      name: 'obsolete, down',
      past: [
        [10, 600],
        [9, 540],
      ],
      current: 100,
      desired: 3,
      up: 0,
      down: 0,
      expected: 3,
    },
    {
      name: 'obsolete, up',
      past: [
        [10, 600],
        [9, 540],
      ],
      current: 1,
      desired: 100,
      up: 0,
      down: 0,
      expected: 100,
    },
    {
      name: 'some obsolete, down',
      past: [
        [10, 600],
        [4, 60],
        [5, 120],
        [9, 540],
      ],
      current: 100,
      desired: 3,
      up: 0,
      down: 180,
      expected: 5,
    },
    {
      name: 'some obsolete, up',
      past: [
        [10, 6000],
        [6, 60],
        [5, 120],
        [9, 180],
      ],
      current: 1,
      desired: 100,
      up: 300,
      down: 0,
      expected: 5,
    },
    {
      name: 'not up when it goes down',
      past: [
        [2, 6000],
        [3, 180],
      ],
      current: 2,
      desired: 1,
      up: 300,
      down: 300,
      expected: 2,
    },
    {
      name: 'not down when it goes up',
      past: [
        [2, 6000],
        [1, 180],
      ],
      current: 2,
      desired: 3,
      up: 300,
      down: 300,
      expected: 2,
    },
  ] as const)('horizontal_test.go, TestNormalizeDesiredReplicasWithBehavior: $name → $expected', (row) => {
    expect(stabilised(row.past, row.current, row.desired, row.up, row.down)).toBe(row.expected)
  })

  it.each([
    { name: 'empty log', past: [], expected: 3 },
    {
      name: 'stabilize',
      past: [
        [4, 120],
        [5, 60],
      ],
      expected: 5,
    },
    {
      name: 'no stabilize',
      past: [
        [1, 120],
        [2, 60],
      ],
      expected: 3,
    },
    {
      name: 'old recommendations',
      past: [
        [10, 600],
        [9, 540],
      ],
      expected: 3,
    },
    {
      name: 'stabilize, old ones',
      past: [
        [10, 600],
        [9, 540],
        [5, 120],
        [4, 60],
      ],
      expected: 5,
    },
  ] as const)(
    'horizontal_test.go, TestNormalizeDesiredReplicas (without behavior): $name → $expected',
    ({ past, expected }) => {
      const recommendations = new Recommendations()
      for (const [replicas, ago] of past) recommendations.highest(now - ago, replicas, 300)
      expect(recommendations.highest(now, 3, 300)).toBe(expected)
    },
  )
})

const rate = (pods: number, podsPeriod: number, percent: number, percentPeriod: number): RateRules => ({
  select: 'max',
  policies: [
    ...(pods === 0 ? [] : [{ kind: 'pods', value: pods, periodSeconds: podsPeriod } as const]),
    ...(percent === 0 ? [] : [{ kind: 'percent', value: percent, periodSeconds: percentPeriod } as const]),
  ],
})

/** `changes` in the middles of equal parts of the last `periodSeconds`, as in the published tests. */
const historyOf = (up: readonly number[], down: readonly number[], periodSeconds = 120): ScaleHistory => {
  const history = new ScaleHistory()
  const long = { up: rate(1, 1e6, 0, 0), down: rate(1, 1e6, 0, 0) }
  const at = (index: number, of: number): number => now - Math.trunc(periodSeconds * (1 - (index + 0.5) / of))
  for (const [i, change] of up.entries()) history.record(at(i, up.length), 0, change, long)
  for (const [i, change] of down.entries()) history.record(at(i, down.length), change, 0, long)
  return history
}

describe('oracle 18: horizontal_test.go, TestScalingWithRules', () => {
  const defaults = defaultBehavior
  const rows: readonly {
    readonly name: string
    readonly up?: RateRules
    readonly down?: RateRules
    readonly added?: readonly number[]
    readonly removed?: readonly number[]
    readonly current: number
    readonly desired: number
    readonly expected: number
  }[] = [
    { name: 'percent of 1', up: rate(0, 0, 1, 60), current: 3, desired: 1000, expected: 4 },
    { name: 'default behavior', current: 10, desired: 50, expected: 20 },
    { name: 'pods larger than percent', up: rate(100, 60, 100, 60), current: 10, desired: 500, expected: 110 },
    { name: 'percent larger than pods', up: rate(2, 60, 100, 60), current: 10, desired: 500, expected: 20 },
    { name: 'large pods', up: rate(100, 60, 0, 0), current: 10, desired: 50, expected: 50 },
    { name: 'pods', up: rate(30, 60, 0, 0), current: 10, desired: 50, expected: 40 },
    { name: 'percent', up: rate(0, 0, 200, 60), current: 10, desired: 50, expected: 30 },
    { name: 'down: 20 pods', down: rate(20, 60, 0, 0), current: 1000, desired: 3, expected: 980 },
    { name: 'down: pods larger than percent', down: rate(20, 60, 1, 60), current: 100, desired: 2, expected: 80 },
    { name: 'down: 2 pods or 1 %', down: rate(2, 60, 1, 60), current: 100, desired: 2, expected: 98 },
    { name: 'down: pods', down: rate(5, 60, 0, 0), current: 10, desired: 2, expected: 5 },
    { name: 'down: percent', down: rate(0, 0, 50, 60), current: 10, desired: 5, expected: 5 },
    { name: 'many just added', up: rate(5, 120, 0, 0), added: [1, 5, 9], current: 100, desired: 500, expected: 100 },
    { name: '100 − 15 + 150', up: rate(150, 120, 0, 0), added: [1, 5, 9], current: 100, desired: 500, expected: 235 },
    { name: '(100 − 15) × 3', up: rate(0, 0, 200, 120), added: [1, 5, 9], current: 100, desired: 500, expected: 255 },
    {
      name: '(6 − 4 + 2) × 4',
      up: rate(0, 0, 300, 300),
      added: [4],
      removed: [2],
      current: 6,
      desired: 24,
      expected: 16,
    },
    { name: 'down: no limit of rate', removed: [1, 5, 9], current: 10, desired: 5, expected: 5 },
    {
      name: 'down: many just removed',
      down: rate(5, 120, 0, 0),
      removed: [1, 5, 9],
      current: 100,
      desired: 2,
      expected: 100,
    },
    {
      name: 'down: (100 + 12) / 2',
      down: rate(0, 0, 50, 120),
      removed: [2, 4, 6],
      current: 100,
      desired: 0,
      expected: 56,
    },
    {
      name: 'down: (10 − 2 + 4) / 2',
      down: rate(0, 0, 50, 180),
      added: [2],
      removed: [4],
      current: 10,
      desired: 1,
      expected: 6,
    },
    {
      name: 'down: prevented',
      down: rate(0, 0, 10, 120),
      removed: [10, 10, 10],
      current: 100,
      desired: 0,
      expected: 100,
    },
    {
      name: 'down: below zero',
      down: rate(0, 0, 1000, 120),
      removed: [10, 10, 10],
      current: 10,
      desired: 5,
      expected: 5,
    },
    {
      name: 'events half outside',
      up: rate(100, 60, 0, 0),
      added: [8, 12, 9, 11],
      current: 100,
      desired: 200,
      expected: 180,
    },
  ]
  it.each(rows)('$name: from $current, desired $desired → $expected', (row) => {
    const history = historyOf(row.added ?? [], row.removed ?? [])
    const limited =
      row.desired > row.current
        ? Math.min(row.desired, history.upperLimit(now, row.current, row.up ?? defaults.up))
        : Math.max(row.desired, history.lowerLimit(now, row.current, row.down ?? defaults.down))
    expect(limited).toBe(row.expected)
  })

  it('TestCalculateScaleDownLimit: min of 2 pods and 50 % of 5 → 3; disabled: no change', () => {
    const policies: readonly RatePolicy[] = [
      { kind: 'pods', value: 2, periodSeconds: 60 },
      { kind: 'percent', value: 50, periodSeconds: 60 },
    ]
    const history = new ScaleHistory()
    expect(history.lowerLimit(now, 5, { select: 'min', policies })).toBe(3)
    expect(history.lowerLimit(now, 5, { select: 'max', policies })).toBe(2)
    expect(history.upperLimit(now, 5, { select: 'min', policies })).toBe(7)
    expect(history.upperLimit(now, 5, { select: 'disabled', policies })).toBe(5)
    expect(history.lowerLimit(now, 5, { select: 'disabled', policies })).toBe(5)
  })

  it('TestStoreScaleEvents: an event beyond its longest period gives way to a new one, others stay', () => {
    const behavior = { up: rate(10, 60, 0, 0), down: rate(10, 60, 0, 0) }
    const history = new ScaleHistory()
    history.record(now - 61, 10, 17, behavior)
    history.record(now - 59, 10, 16, behavior)
    history.record(now, 10, 15, behavior)
    // 20 − 6 − 5 + 10: what was 61 s ago is forgotten, even for a longer period.
    expect(history.upperLimit(now, 20, rate(10, 60, 0, 0))).toBe(20)
    expect(history.upperLimit(now, 20, rate(30, 3600, 0, 0))).toBe(39)
  })
})

const hpaOf = (spec: Partial<HpaSpec>) =>
  makeHpa({ ...defaultRules, ...rules, min: 1, max: 1000, metrics: [], behavior: defaultBehavior, ...spec })

/** As many ready pods as there are replicas, long since started. */
const running = (replicas: number, totals: Observation['totals'], levels: readonly number[] = []): Observation => ({
  replicas,
  pods: Array.from({ length: replicas }, (_, i) => podOf('R', 'cpu', levels[i], 1000)),
  totals,
})

const queue = (target: number, kind: 'value' | 'average-value' = 'average-value'): MetricSpec => ({
  kind,
  metric: 'queue',
  target,
})

describe('oracle 19: rates, step by step', () => {
  const trace = (spec: Partial<HpaSpec>, from: number, steps: number, demand: (step: number) => number): number[] => {
    const hpa = hpaOf({ metrics: [queue(1)], ...spec })
    let replicas = from
    return Array.from({ length: steps }, (_, step) => {
      replicas = hpa.observe(now + 15 * step, running(replicas, { queue: demand(step) })).replicas
      return replicas
    })
  }

  it('default behavior, unlimited demand, from 1: 5, 10, 20, 40, 80 at steps of 15 s, and at last the maximum', () => {
    expect(trace({ max: 100 }, 1, 7, () => 1e6)).toEqual([5, 10, 20, 40, 80, 100, 100])
  })

  it('without behavior: at most max(2n, 4) at a time (TestUpscaleCap before KEP-853)', () => {
    expect(trace({ behavior: undefined, max: 50 }, 1, 5, () => 1e6)).toEqual([4, 8, 16, 32, 50])
  })

  it('TestUpscaleCap: 700 % a minute takes 3 to 24; the maximum of 20 comes first', () => {
    const behavior = { ...defaultBehavior, up: rate(0, 0, 700, 60) }
    expect(trace({ behavior, max: 100 }, 3, 2, () => 1e6)).toEqual([24, 24])
    expect(trace({ behavior, max: 20 }, 3, 2, () => 1e6)).toEqual([20, 20])
  })

  it('takes away after 300 s at once, what it found at the beginning included', () => {
    const replicas = trace({}, 10, 25, () => 2)
    // At 300 s the recommendation of the beginning is 300 s old: no longer within the window.
    expect(replicas.slice(0, 20)).toEqual(Array(20).fill(10))
    expect(replicas.slice(20)).toEqual(Array(5).fill(2))
  })

  it('stabilises first, then limits the rate: one pod a minute, from the highest of the window', () => {
    const behavior: Behavior = {
      ...defaultBehavior,
      stabilization: { upSeconds: 0, downSeconds: 60 },
      down: rate(1, 60, 0, 0),
    }
    expect(trace({ behavior }, 5, 13, () => 1)).toEqual([5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 3, 2])
  })
})

describe('horizontal_test.go: several metrics', () => {
  const cpu = (target: number): MetricSpec => ({ kind: 'utilization', metric: 'cpu', target })
  const plain = { behavior: undefined, min: 2, max: 6 }

  test('the largest proposal counts', () => {
    const hpa = hpaOf({ ...plain, metrics: [cpu(0.3), queue(1, 'value')] })
    expect(hpa.observe(now, running(3, { queue: 2 }, [300, 400, 500]))).toEqual({
      replicas: 6,
      reason: 'queue above target',
      unreadable: [],
    })
  })

  test('TestScaleUpOneMetricEmpty: an unreadable metric does not forbid to add: 3 → 4', () => {
    const hpa = hpaOf({ ...plain, metrics: [cpu(0.3), queue(100, 'value')] })
    expect(hpa.observe(now, running(3, { queue: undefined }, [300, 400, 500]))).toEqual({
      replicas: 4,
      reason: 'cpu above target',
      unreadable: ['queue could not be read'],
    })
  })

  test('TestNoScaleDownOneMetricEmpty: it forbids to take away', () => {
    const seen = (at: number) => ({ at, observation: running(5, { queue: undefined }, [100, 300, 500, 250, 250]) })
    const blocked = hpaOf({ ...plain, metrics: [cpu(0.5), queue(1000, 'value')] })
    const free = hpaOf({ ...plain, metrics: [cpu(0.5)] })
    for (const { at, observation } of [seen(now), seen(now + 301)]) {
      expect(blocked.observe(at, observation).replicas).toBe(5)
      expect(free.observe(at, observation).replicas).toBe(at === now ? 5 : 3)
    }
  })

  test('nothing readable: nothing changes; beyond the bounds: into them without asking a metric', () => {
    const hpa = hpaOf({ ...plain, metrics: [queue(1)] })
    expect(hpa.observe(now, running(4, {})).replicas).toBe(4)
    expect(hpa.observe(now, running(8, {}))).toMatchObject({
      replicas: 6,
      reason: expect.stringContaining('above max'),
    })
    expect(hpa.observe(now, running(1, {}))).toMatchObject({
      replicas: 2,
      reason: expect.stringContaining('below min'),
    })
  })

  test('at 0 replicas it is switched off, unless its minimum is 0', () => {
    expect(hpaOf({ metrics: [queue(1)] }).observe(now, running(0, { queue: 9 })).replicas).toBe(0)
    expect(hpaOf({ metrics: [queue(1)], min: 0 }).observe(now, running(0, { queue: 4 })).replicas).toBe(4)
  })
})

describe('oracle 20: KEDA', () => {
  it('20 messages, threshold 5, 3 pods: AverageValue → 4, Value → 12', () => {
    const seen = running(3, { queue: 20 })
    expect(proposed(queue(5), seen)).toBe(4)
    expect(proposed(queue(5, 'value'), seen)).toBe(12)
  })

  const keda = (spec: Partial<Parameters<typeof makeKeda>[0]> = {}) =>
    makeKeda({
      min: 0,
      idle: undefined,
      cooldownSeconds: 300,
      activations: [{ metric: 'queue', threshold: 50 }],
      ...spec,
    })

  it('activates only above the threshold: 50 of 50 is not active, 51 is', () => {
    const scaler = keda()
    expect(scaler.poll(0, running(0, { queue: 50 })).replicas).toBe(0)
    expect(scaler.poll(30, running(0, { queue: 51 }))).toMatchObject({ replicas: 1, reason: 'a trigger is active' })
  })

  it('threshold 10 and activation 50, as documented: 40 messages want 4 pods, and get none', () => {
    expect(proposed({ kind: 'average-value', metric: 'queue', target: 10 }, running(1, { queue: 40 }))).toBe(4)
    expect(keda().poll(0, running(4, { queue: 40 })).replicas).toBe(0)
  })

  it('scales to nothing only when the cooldown since it was last active is over', () => {
    const scaler = keda()
    expect(scaler.poll(0, running(3, { queue: 60 })).replicas).toBe(3)
    for (const at of [30, 150, 300]) expect(scaler.poll(at, running(3, { queue: 0 })).replicas).toBe(3)
    expect(scaler.poll(330, running(3, { queue: 0 })).replicas).toBe(0)
  })

  it('one active trigger of two is enough; what cannot be read neither wakes nor puts to sleep', () => {
    const scaler = keda({
      activations: [
        { metric: 'queue', threshold: 0 },
        { metric: 'other', threshold: 5 },
      ],
    })
    expect(scaler.poll(0, running(0, { queue: 0, other: 6 })).replicas).toBe(1)
    expect(scaler.poll(1000, running(2, { queue: undefined, other: 0 })).replicas).toBe(2)
    expect(scaler.poll(1000, running(0, { queue: undefined, other: 0 })).replicas).toBe(0)
    expect(scaler.poll(1030, running(2, { queue: 0, other: 0 })).replicas).toBe(0)
  })

  it('with a minimum it never sleeps; with idleReplicaCount it does, and wakes to the minimum', () => {
    const awake = keda({ min: 2 })
    expect(awake.poll(0, running(2, { queue: 0 })).replicas).toBe(2)
    expect(awake.poll(30, running(1, { queue: 0 })).replicas).toBe(2)
    const idles = keda({ min: 3, idle: 0 })
    expect(idles.poll(0, running(3, { queue: 0 })).replicas).toBe(0)
    expect(idles.poll(30, running(0, { queue: 0 })).replicas).toBe(0)
    expect(idles.poll(60, running(0, { queue: 51 })).replicas).toBe(3)
    expect(idles.poll(360, running(3, { queue: 0 })).replicas).toBe(3)
    expect(idles.poll(390, running(3, { queue: 0 })).replicas).toBe(0)
  })
})
