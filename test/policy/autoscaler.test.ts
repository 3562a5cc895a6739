import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultBehavior } from '../../src/policy/autoscaler/hpa.js'
import type { PodState } from '../../src/policy/autoscaler/pods.js'
import type { Observation } from '../../src/policy/autoscaler/replica-calculator.js'
import { makeAutoscaler, type Scaling } from '../../src/policy/autoscaler/scaling.js'

const scalingOf = (scaling: Partial<Scaling>): Scaling => ({
  min: 1,
  max: 10,
  triggers: [],
  everySeconds: 15,
  tolerance: 0.1,
  behavior: defaultBehavior,
  windowSeconds: 15,
  metricsLagSeconds: 15,
  pollingSeconds: 30,
  cooldownSeconds: 300,
  idle: undefined,
  ...scaling,
})

const podOf = (values: Readonly<Record<string, number>>): PodState => ({
  phase: 'running',
  deleting: false,
  startedAt: -1e6,
  readiness: { ready: true, changedAt: -1e6 },
  requests: { cpu: 2, memory: 1000 },
  samples: Object.fromEntries(
    Object.entries(values).map(([metric, value]) => [metric, { value, at: 0, windowSeconds: 15 }]),
  ),
})

const seen = (replicas: number, values: Readonly<Record<string, number>>, queueLength?: number): Observation => ({
  replicas,
  pods: Array.from({ length: replicas }, () => podOf(values)),
  totals: { queueLength },
})

describe('triggers of a topology', () => {
  it.each([
    // 2 × 1.68 cores of 2 × 2 are 84 %: ⌈2 × 84/70⌉.
    { trigger: { metric: 'cpu', target: 0.7 }, values: { cpu: 1.68 }, expected: 3 },
    { trigger: { metric: 'cpu', target: 0.7 }, values: { cpu: 1.52 }, expected: 2 },
    { trigger: { metric: 'memory', target: 0.8 }, values: { memory: 900 }, expected: 3 },
    { trigger: { metric: 'memory', target: 0.8 }, values: { memory: 850 }, expected: 2 },
    { trigger: { metric: 'inFlight', target: 100 }, values: { inFlight: 250 }, expected: 5 },
    { trigger: { metric: 'ratePerReplica', target: 40 }, values: { rate: 50.1 }, expected: 3 },
    { trigger: { metric: 'queueLength', target: 1000 }, values: {}, queue: 1101, expected: 3 },
    { trigger: { metric: 'queueLength', target: 1000 }, values: {}, queue: 1100, expected: 3 },
    { trigger: { metric: 'queueLength', target: 1000 }, values: {}, queue: 1099, expected: 2 },
    { trigger: { metric: 'queueLengthPerReplica', target: 40 }, values: {}, queue: 121, expected: 4 },
  ] as const)('two replicas, $trigger, $values, queue $queue → $expected', ({ trigger, values, expected, ...rest }) => {
    const autoscaler = makeAutoscaler(scalingOf({ triggers: [{ ...trigger, activation: 0 }] }), 0)
    const queue = 'queue' in rest ? rest.queue : undefined
    expect(autoscaler.observe(15, seen(2, values, queue)).replicas).toBe(expected)
  })

  it('70 % of CPU, 80 % of memory and a queue of 1000: the one that asks for most decides', () => {
    const triggers = [
      { metric: 'cpu', target: 0.7, activation: 0 },
      { metric: 'memory', target: 0.8, activation: 0 },
      { metric: 'queueLength', target: 1000, activation: 0 },
    ] as const
    const decide = (cpu: number, memory: number, queue: number | undefined) =>
      makeAutoscaler(scalingOf({ triggers }), 0).observe(15, seen(3, { cpu, memory }, queue))
    expect(decide(1.9, 500, 100)).toMatchObject({ replicas: 5, reason: 'cpu above target' })
    expect(decide(0.2, 990, 100)).toMatchObject({ replicas: 4, reason: 'memory above target' })
    expect(decide(0.2, 500, 2500)).toMatchObject({ replicas: 7, reason: 'queueLength above target' })
    expect(decide(1.9, 500, undefined)).toMatchObject({ replicas: 5, unreadable: ['queueLength could not be read'] })
  })
})

describe('when an autoscaler wants to look', () => {
  it('every sync period from its start, whatever the clock of the observer, without drift', () => {
    const autoscaler = makeAutoscaler(scalingOf({ everySeconds: 0.1 }), 7)
    for (let i = 1; i <= 1000; i++) {
      expect(autoscaler.nextAt()).toBe(7 + i * 0.1)
      autoscaler.observe(autoscaler.nextAt(), seen(1, {}))
    }
    // Whoever comes late has missed what lies between.
    autoscaler.observe(200, seen(1, {}))
    expect(autoscaler.nextAt()).toBeCloseTo(200.1, 9)
  })

  it('at polls, too, where it may scale to nothing', () => {
    const triggers = [{ metric: 'queueLength', target: 5, activation: 0 }] as const
    const times = (scaling: Partial<Scaling>): number[] => {
      const autoscaler = makeAutoscaler(scalingOf({ triggers, ...scaling }), 0)
      return Array.from({ length: 4 }, () => {
        const at = autoscaler.nextAt()
        autoscaler.observe(at, seen(1, {}, 1))
        return at
      })
    }
    expect(times({ pollingSeconds: 20 })).toEqual([15, 30, 45, 60])
    expect(times({ pollingSeconds: 20, min: 0 })).toEqual([15, 20, 30, 40])
  })
})

describe('from nothing and back', () => {
  const scaling = scalingOf({
    min: 0,
    triggers: [{ metric: 'queueLengthPerReplica', target: 5, activation: 2 }],
    cooldownSeconds: 60,
    behavior: { ...defaultBehavior, stabilization: { upSeconds: 0, downSeconds: 30 } },
  })

  it('wakes above the activation, grows by the HPA, shrinks to one by the HPA, and sleeps after the cooldown', () => {
    const autoscaler = makeAutoscaler(scaling, 0)
    let replicas = 0
    const trace: [at: number, replicas: number][] = []
    const queueAt = (at: number): number => (at < 60 ? 2 : at < 150 ? 23 : 0)
    while (autoscaler.nextAt() <= 300) {
      const at = autoscaler.nextAt()
      const { replicas: next } = autoscaler.observe(at, seen(replicas, {}, queueAt(at)))
      if (next !== replicas) trace.push([at, next])
      replicas = next
    }
    expect(trace).toEqual([
      [60, 1],
      [75, 5],
      // The queue is empty from 150 s; the last look that found more was at 135 s, and a window of 30 s forgets it at 165 s.
      [165, 1],
      // Active for the last time at 120 s (polls are every 30 s): more than 60 s later is the poll at 210 s.
      [210, 0],
    ])
  })

  it('with idle: 0 it sleeps and wakes at its minimum', () => {
    const autoscaler = makeAutoscaler({ ...scaling, min: 3, idle: 0 }, 0)
    expect(autoscaler.observe(30, seen(3, {}, 0)).replicas).toBe(0)
    expect(autoscaler.observe(60, seen(0, {}, 9)).replicas).toBe(3)
  })
})

describe('whatever is observed', () => {
  const look = fc.record({
    cpu: fc.option(fc.double({ min: 0, max: 20, noNaN: true }), { nil: undefined }),
    queue: fc.option(fc.integer({ min: 0, max: 10_000 }), { nil: undefined }),
    ready: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  const policy = fc.record({
    kind: fc.constantFrom('pods', 'percent'),
    value: fc.integer({ min: 1, max: 200 }),
    periodSeconds: fc.integer({ min: 1, max: 120 }),
  })
  const rules = fc.record({
    select: fc.constantFrom('max', 'min', 'disabled'),
    policies: fc.array(policy, { minLength: 1, maxLength: 3 }),
  })

  it('it stays within its bounds, changes nothing against what all metrics say, and obeys select: disabled', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.nat(30),
        rules,
        rules,
        fc.array(look, { maxLength: 40 }),
        (min, more, up, down, looks) => {
          const max = min + more
          const triggers = [
            { metric: 'cpu', target: 0.7, activation: 0 },
            { metric: 'queueLengthPerReplica', target: 10, activation: 0 },
          ] as const
          const stabilization = { upSeconds: 30, downSeconds: 60 }
          const autoscaler = makeAutoscaler(scalingOf({ min, max, triggers, behavior: { stabilization, up, down } }), 0)
          let replicas = min
          for (const { cpu, queue, ready } of looks) {
            const at = autoscaler.nextAt()
            const pods = Array.from({ length: replicas }, (_, i) => ({
              ...podOf(cpu === undefined ? {} : { cpu }),
              readiness: { ready: i < ready * replicas, changedAt: -1e6 },
            }))
            const next = autoscaler.observe(at, { replicas, pods, totals: { queueLength: queue } }).replicas
            expect(next).toBeGreaterThanOrEqual(min)
            expect(next).toBeLessThanOrEqual(max)
            if (up.select === 'disabled') expect(next).toBeLessThanOrEqual(replicas)
            if (down.select === 'disabled') expect(next).toBeGreaterThanOrEqual(replicas)
            if (queue === undefined) expect(next).toBeGreaterThanOrEqual(replicas)
            if (cpu === undefined && queue === undefined) expect(next).toBe(replicas)
            replicas = next
          }
        },
      ),
    )
  })

  it('no more is added in a period than the largest policy allows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 15, max: 120 }), (pods, periodSeconds) => {
        const up = { select: 'max', policies: [{ kind: 'pods', value: pods, periodSeconds }] } as const
        const triggers = [{ metric: 'queueLength', target: 1, activation: 0 }] as const
        const autoscaler = makeAutoscaler(scalingOf({ max: 1000, triggers, behavior: { ...defaultBehavior, up } }), 0)
        const counts: { readonly at: number; readonly replicas: number }[] = [{ at: 0, replicas: 1 }]
        for (let i = 0; i < 40; i++) {
          const at = autoscaler.nextAt()
          const before = counts.at(-1)?.replicas ?? 1
          counts.push({ at, replicas: autoscaler.observe(at, seen(before, {}, 1e6)).replicas })
        }
        for (const { at, replicas } of counts) {
          const began = counts.findLast((count) => count.at <= at - periodSeconds)?.replicas ?? 1
          expect(replicas - began).toBeLessThanOrEqual(pods)
        }
        expect(counts.at(-1)?.replicas).toBeGreaterThan(1)
      }),
    )
  })
})
