import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { QueueResult, RunResult } from '../../../src/result/run-result.js'
import { type Plan, run } from './support.js'

interface Shape {
  readonly engine: 'redis' | 'rabbitmq' | 'kafka'
  readonly brokers: number
  readonly persistence: 'none' | 'aof' | 'rdb'
  readonly maxLength: number | undefined
  readonly overflow: 'reject' | 'drop-oldest' | 'block'
  readonly ttl: number | undefined
  readonly maxDeliveries: number | undefined
  readonly deadLetter: boolean
  readonly replicas: number
  readonly slots: number
  readonly early: boolean
  readonly threads: boolean
  readonly fails: boolean
  readonly poll: boolean
}

const shape: fc.Arbitrary<Shape> = fc.record({
  engine: fc.constantFrom('redis', 'rabbitmq', 'kafka'),
  brokers: fc.integer({ min: 1, max: 3 }),
  persistence: fc.constantFrom('none', 'aof', 'rdb'),
  maxLength: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
  overflow: fc.constantFrom('reject', 'drop-oldest', 'block'),
  ttl: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  maxDeliveries: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  deadLetter: fc.boolean(),
  replicas: fc.integer({ min: 1, max: 3 }),
  slots: fc.integer({ min: 1, max: 4 }),
  early: fc.boolean(),
  threads: fc.boolean(),
  fails: fc.boolean(),
  poll: fc.boolean(),
})

const queueOf = (s: Shape): string =>
  [
    ...(s.maxLength === undefined ? [] : [`maxLength: ${s.maxLength}`]),
    `overflow: ${s.overflow}`,
    ...(s.ttl === undefined ? [] : [`ttl: ${s.ttl}s`]),
    ...(s.maxDeliveries === undefined ? [] : [`maxDeliveries: ${s.maxDeliveries}`]),
    ...(s.deadLetter ? ['deadLetter: failed'] : []),
    'priorities: 2',
  ].join(', ')

const brokerOf = (s: Shape): string => {
  if (s.engine === 'kafka')
    return `replicas: ${s.brokers}, replicationFactor: ${s.brokers}, topics: { tasks: { partitions: 4${s.ttl === undefined ? '' : `, retention: ${s.ttl}s`} } }`
  const queues = `queues: { tasks: { ${queueOf(s)} }, failed: { maxLength: 20, overflow: drop-oldest } }`
  return s.engine === 'redis' ? `persistence: ${s.persistence}, ${queues}` : `replicas: ${s.brokers}, ${queues}`
}

const topology = (s: Shape): string => `
name: any
components:
  api: { engine: service, replicas: 2 }
  broker: { engine: ${s.engine}, startup: 1s, ${brokerOf(s)} }
  db: { engine: postgres }
  worker:
    engine: service
    replicas: ${s.replicas}
    consumes: broker.tasks
    slots: ${s.slots}
    acknowledge: ${s.early ? 'before-work' : 'after-work'}
    ${s.threads ? 'execution: { model: threads, threads: 2 }' : ''}
    flow: [{ compute: 30ms }, { query: db, time: { cpu: 1ms, wait: 20ms }${s.fails ? ', timeout: 25ms' : ''} }]
requests:
  submit:
    share: 70%
    serve: api
    client: { timeout: 3s }
    flow: [{ publish: broker.tasks, timeout: 2s${s.engine === 'kafka' ? '' : ', priority: 1'} }]
    ${s.poll ? 'poll: { every: 500ms, flow: [{ compute: 0.1ms }] }' : ''}
  twice: { share: 30%, serve: api, flow: [{ repeat: 2, do: [{ publish: broker.tasks }] }], client: { timeout: 3s } }
`

const story = fc.record({
  rate: fc.integer({ min: 5, max: 150 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  kind: fc.constantFrom('kill', 'stop', 'pause', 'poison', undefined),
  victim: fc.constantFrom('broker', 'worker', 'api', 'db'),
  one: fc.boolean(),
})
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

const play = (s: Shape, { rate, seed, kind, victim, one }: Story): RunResult => {
  const component = kind === 'poison' ? 'worker' : victim
  const target = one ? { kind: 'instance' as const, component, index: 0 } : { kind: 'component' as const, component }
  const faults: Plan['faults'] =
    kind === undefined
      ? []
      : [
          {
            kind,
            atSeconds: 3,
            target,
            ...(kind === 'pause' ? { forSeconds: 2 } : kind === 'poison' ? {} : { restartAfterSeconds: 1 }),
          },
        ]
  return run(topology(s), { rate, seconds: 10, faults, invariants: ['no-lost-messages'] }, { seed })
}

/** What an unlimited number of deliveries of poison costs is seen elsewhere. */
const endless = (s: Shape, { kind }: Story): boolean => kind === 'poison' && s.maxDeliveries === undefined

const fates = (of: QueueResult): number => of.expired + of.dropped + of.nacked + of.exhausted + of.wiped

describe('whatever the brokers, workers, load and fault', () => {
  it('messages are conserved, at every queue and over all of them', () => {
    fc.assert(
      fc.property(shape, story, (s, l) => {
        fc.pre(!endless(s, l))
        const result = play(s, l)
        const queues = result.components.broker?.queues ?? {}
        const inside = s.replicas * s.slots
        for (const [name, of] of Object.entries(queues)) {
          const last = result.series.at(-1)?.components.broker?.queues?.[name]
          const left = of.published + of.received - of.acked - fates(of)
          expect(left).toBeGreaterThanOrEqual(0)
          // What is left waits or is in hand.
          expect(left).toBeLessThanOrEqual(of.length.max + inside)
          expect(last?.length).toBeGreaterThanOrEqual(0)
          if (s.engine === 'kafka') continue
          expect(fates(of)).toBe(of.deadLettered + of.lost)
          expect(of.delivered).toBeLessThanOrEqual(
            of.acked + of.nacked + of.exhausted + of.redelivered + of.wiped + of.expired + of.dropped + 2 * inside,
          )
        }
        const { tasks, failed } = queues
        if (failed !== undefined) expect(failed.received).toBe(tasks?.deadLettered)
      }),
      { numRuns: 80, seed: 1 },
    )
  })

  it('every request ends once, is complete at most once, and no later than its messages allow', () => {
    fc.assert(
      fc.property(shape, story, (s, l) => {
        fc.pre(!endless(s, l))
        const result = play(s, l)
        for (const [id, of] of Object.entries(result.requests)) {
          expect(of.offered).toBe(of.completed)
          if (id === 'submit.poll') continue
          expect(of.completion === null || (of.completion?.mean ?? -1) > 0).toBe(true)
        }
        const { acked = 0 } = result.components.broker?.queues?.tasks ?? {}
        const completed = (result.requests.submit?.ok ?? 0) + 2 * (result.requests.twice?.ok ?? 0)
        // Without faults and losses all that was promised is done in the end (the load's end is not the end of the work).
        if (
          l.kind === undefined &&
          l.rate < 10 &&
          s.ttl === undefined &&
          !s.fails &&
          s.maxLength === undefined &&
          !s.early
        )
          expect(acked).toBeGreaterThanOrEqual(completed - 2 * (s.replicas * s.slots) - 20)
      }),
      { numRuns: 80, seed: 2 },
    )
  })

  it('nothing is lost that was acknowledged after the work, by a broker that persists and a queue without limits', () => {
    fc.assert(
      fc.property(shape, story, (any, l) => {
        const s: Shape = {
          ...any,
          maxLength: undefined,
          ttl: undefined,
          maxDeliveries: undefined,
          early: false,
          fails: false,
          persistence: 'aof',
        }
        fc.pre(!endless(s, l))
        const result = play(s, l)
        expect(result.invariants).toEqual([{ name: 'no-lost-messages', verdict: 'pass', observed: 0, bound: 0 }])
        expect(result.components.broker?.queues?.tasks?.lost).toBe(0)
      }),
      { numRuns: 60, seed: 3 },
    )
  })

  it('the same seed gives the same bytes', () => {
    fc.assert(
      fc.property(shape, story, (s, l) => {
        fc.pre(!endless(s, l))
        expect(JSON.stringify(play(s, l))).toBe(JSON.stringify(play(s, l)))
      }),
      { numRuns: 10, seed: 4 },
    )
  })

  it('Little’s law holds for what waits', () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 5, max: 15 }), (any, rate) => {
        const s: Shape = {
          ...any,
          maxLength: undefined,
          ttl: undefined,
          maxDeliveries: undefined,
          fails: false,
          slots: 2,
          threads: false,
          poll: false,
        }
        const { requests, components } = run(topology(s), { rate, seconds: 300 })
        const tasks = components.broker?.queues?.tasks
        const delay = requests.all?.queueDelay?.mean ?? Number.NaN
        const waiting = ((tasks?.delivered ?? 0) / 300) * delay
        // A topic's lag counts what is in hand, too.
        const inHand = s.engine === 'kafka' && !s.early ? (components.worker?.queue.mean ?? 0) : 0
        expect(Math.abs((tasks?.length.mean ?? 0) - inHand - waiting)).toBeLessThan(0.02 + 0.1 * (waiting + inHand))
      }),
      { numRuns: 10, seed: 5 },
    )
  })
})
