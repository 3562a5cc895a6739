/** Brokers and workers that stand still, move, come and go. */
import { describe, expect, it } from 'vitest'
import type { QueueResult, RunResult } from '../../../src/result/run-result.js'
import { type Plan, run } from './support.js'

interface Shape {
  readonly broker: string
  readonly worker?: string
  readonly work?: string
  readonly publish?: string
  readonly more?: string
}

const topology = ({ broker, worker, work, publish, more }: Shape): string => `
name: failures
components:
  api: { engine: service }
  broker: { ${broker}, demand: { cpu: { const: 100us } } }
  worker:
    engine: service
    ${worker ?? 'slots: 2'}
    consumes: broker.tasks
    flow: [${work ?? '{ wait: { const: 1s } }'}]
${more ?? ''}
requests:
  submit:
    share: 100%
    serve: api
    bytes: { in: 1KiB }
    flow: [{ publish: broker.tasks${publish ?? ''} }]
`

const redis = 'engine: redis, persistence: aof, queues: { tasks: {} }'
const kafka = (partitions: number, more = ''): string =>
  `engine: kafka, topics: { tasks: { partitions: ${partitions} } }${more}`

type Fault = NonNullable<Plan['faults']>[number]

const fault = (
  kind: Fault['kind'],
  atSeconds: number,
  component: string,
  index?: number,
  more?: Partial<Fault>,
): Fault => ({
  kind,
  atSeconds,
  target: index === undefined ? { kind: 'component', component } : { kind: 'instance', component, index },
  ...more,
})

const tasks = (result: RunResult): QueueResult => {
  const found = result.components.broker?.queues?.tasks
  if (found === undefined) throw new Error('no queue')
  return found
}

const lengthAt = (result: RunResult, at: number): number =>
  result.series.find((second) => second.at === at)?.components.broker?.queues?.tasks?.length ?? Number.NaN

describe('a pause before work that failed comes again', () => {
  const failing = (redeliver: string) =>
    topology({
      broker: `engine: redis, queues: { tasks: { maxDeliveries: 4${redeliver} } }`,
      work: '{ wait: { const: 1ms } }',
    })
  /** Each delivery visits the broker to be handed over, and to be given back. */
  const deliveries = (redeliver: string, seconds: number): number =>
    (run(failing(redeliver), {
      rate: 0.001,
      seconds,
      faults: [fault('poison', 1, 'broker', undefined, { parameters: { count: 1 } })],
    }).edges['worker -> broker']?.count ?? 0) / 2

  it('doubles up to its longest: deliveries after 0, 1, 3 and 5 s', () => {
    const pause = ', redeliver: { after: 1s, max: 2s }'
    expect([1.9, 2.1, 3.9, 4.1, 5.9, 6.1, 60].map((seconds) => deliveries(pause, seconds))).toEqual([
      1, 2, 2, 3, 3, 4, 4,
    ])
  })

  it('is always the same without a longest, and none without either', () => {
    expect([1.9, 2.1, 3.1, 4.1].map((seconds) => deliveries(', redeliver: { after: 1s }', seconds))).toEqual([
      1, 2, 3, 4,
    ])
    expect(deliveries('', 1.1)).toBe(4)
  })
})

describe('a way to the broker that is narrow', () => {
  it('is taken by messages with the body of their request: 1120 bytes at 10 KiB/s are 109 ms, and a line for it', () => {
    const result = run(topology({ broker: redis, work: '{ wait: { const: 1ms } }' }), {
      rate: 5,
      seconds: 2000,
      faults: [
        {
          kind: 'bandwidth',
          atSeconds: 0,
          target: { kind: 'edge', from: 'api', to: 'broker' },
          parameters: { perSecond: 10_240 },
        },
      ],
    })
    // M/D/1 at ρ = 0.547: 0.1094 + 0.1094·ρ/(2(1 − ρ)).
    expect(result.requests.submit?.latency?.mean).toBeGreaterThan(0.1755 * 0.95)
    expect(result.requests.submit?.latency?.mean).toBeLessThan(0.1755 * 1.05)
  })
})

describe('what stands still', () => {
  it('a worker of a queue keeps what it has, and the others take the rest', () => {
    const result = run(topology({ broker: redis, worker: 'replicas: 2\n    slots: 2' }), {
      rate: 3,
      seconds: 60,
      faults: [fault('pause', 20, 'worker', 0, { forSeconds: 20 })],
    })
    expect(tasks(result).redelivered).toBe(0)
    // Two of four places are left for three messages a second.
    expect(lengthAt(result, 40) - lengthAt(result, 20)).toBeGreaterThan(10)
    expect(result.requests.submit?.completion?.max).toBeGreaterThan(20)
  })

  it('a worker of a topic is missed after ten seconds, its partitions dealt out, and dealt out again when it is back', () => {
    const result = run(
      topology({ broker: kafka(4), worker: 'replicas: 2\n    slots: 2', work: '{ wait: { const: 100ms } }' }),
      {
        rate: 8,
        seconds: 90,
        faults: [fault('pause', 20.05, 'worker', 0, { forSeconds: 30 })],
        invariants: ['no-lost-messages'],
      },
    )
    expect(lengthAt(result, 30)).toBeGreaterThan(30) // half of what came
    expect(lengthAt(result, 45)).toBeLessThan(10) // taken over
    expect(lengthAt(result, 53)).toBeGreaterThan(12) // nobody works while members come together
    expect(lengthAt(result, 80)).toBeLessThan(5)
    expect(result.faults[0]?.detectionSeconds).toBeCloseTo(10, 6)
    expect(result.invariants[0]?.verdict).toBe('pass')
  })

  it('one that can be heard again in time goes on as if nothing had been', () => {
    const result = run(topology({ broker: kafka(4), worker: 'slots: 4', work: '{ wait: { const: 100ms } }' }), {
      rate: 8,
      seconds: 60,
      faults: [fault('pause', 20.05, 'worker', 0, { forSeconds: 5 })],
    })
    expect(tasks(result).redelivered).toBe(0)
    expect(lengthAt(result, 25)).toBeGreaterThan(20)
    expect(lengthAt(result, 30)).toBeLessThan(5)
  })

  it('a broker of a cluster is replaced like a lost one', () => {
    const result = run(
      topology({
        broker: kafka(3, ', replicas: 3, replicationFactor: 3'),
        worker: 'slots: 3',
        work: '{ wait: 10ms }',
        publish: ', timeout: 30s',
      }),
      { rate: 10, seconds: 60, faults: [fault('pause', 20, 'broker', 0, { forSeconds: 30 })] },
    )
    // What had been sent to it hangs until it goes on; the rest waits nine seconds at most.
    const late = result.series.filter(({ at }) => at > 31 && at < 50)
    expect(late.reduce((sum, { requests }) => sum + (requests.submit?.ok ?? 0), 0)).toBeGreaterThan(150)
    expect(result.faults[0]?.detectionSeconds).toBeCloseTo(9.1, 6)
  })
})

describe('what dies together', () => {
  it('is not handed what the others had: each message is redelivered once', () => {
    for (const [worker, what] of [
      ['replicas: 3\n    slots: 3', fault('kill', 30, 'worker', undefined, { restartAfterSeconds: 2 })],
      ['replicas: 3\n    slots: 3', fault('kill', 30, 'worker', 0, { restartAfterSeconds: 2 })],
    ] as const) {
      const result = run(
        topology({
          broker: 'engine: rabbitmq, queues: { tasks: { maxDeliveries: 2, deadLetter: failed }, failed: {} }',
          worker,
          work: '{ wait: { const: 10s } }',
        }),
        { rate: 2, seconds: 100, faults: [what] },
      )
      const { index } = what.target as { index?: number }
      expect(tasks(result)).toMatchObject({ redelivered: index === undefined ? 9 : 3, exhausted: 0 })
    }
  })
})

describe('when a broker comes back', () => {
  it('what its workers had in hand is redelivered once', () => {
    const result = run(
      topology({ broker: redis, worker: 'replicas: 3\n    slots: 3', work: '{ wait: { const: 10s } }' }),
      {
        rate: 2,
        seconds: 100,
        faults: [fault('kill', 30, 'broker', undefined, { restartAfterSeconds: 2 })],
      },
    )
    expect(tasks(result).redelivered).toBe(9)
  })
})

describe('what moves', () => {
  it('a queue on a replicated Redis fails over with its store, less what was not copied', () => {
    const sentinel = (lag: string): string =>
      `engine: redis, mode: sentinel, replicas: 2, persistence: aof, replication: { mode: async, lag: ${lag} }, failover: { detect: 3s, promote: 1s }, queues: { tasks: {} }`
    const plan: Plan = {
      rate: 10,
      seconds: 60,
      faults: [fault('kill', 20, 'broker', 0)],
      invariants: ['no-lost-messages'],
    }
    const exact = run(topology({ broker: sentinel('0s') }), plan)
    expect(tasks(exact).wiped).toBe(0)
    expect(exact.invariants[0]?.verdict).toBe('pass')
    const failed = exact.requests.submit?.errors['502'] ?? 0
    expect(failed).toBeGreaterThan(25)
    expect(failed).toBeLessThan(60)
    // Consumers go on at the new primary.
    expect(tasks(exact).acked).toBeGreaterThan(100)
    const lagging = run(topology({ broker: sentinel('2s') }), plan)
    expect(tasks(lagging).wiped).toBeGreaterThan(8)
    expect(tasks(lagging).wiped).toBeLessThan(35)
    expect(lagging.invariants[0]).toMatchObject({ verdict: 'fail', observed: tasks(lagging).wiped })
  })

  it('with its machine an append-only log loses the last second at most', () => {
    const result = run(`${topology({ broker: `${redis}, host: box` })}hosts: { box: { cpu: 2 } }\n`, {
      rate: 10,
      seconds: 40,
      faults: [{ kind: 'lose-host', atSeconds: 20.9, target: { kind: 'host', host: 'box' }, restartAfterSeconds: 2 }],
    })
    expect(tasks(result).wiped).toBeGreaterThan(2)
    expect(tasks(result).wiped).toBeLessThan(20)
  })
})

describe('workers that come and go', () => {
  const scaling =
    'slots: 2\n    scaling: { min: 1, max: 4, triggers: [{ queueLengthPerReplica: 10 }], stabilization: { down: 30s } }'
  const stages: Plan['stages'] = [
    { fromLevel: 1, toLevel: 1, durationSeconds: 60 },
    { fromLevel: 6, toLevel: 6, durationSeconds: 200 },
    { fromLevel: 1, toLevel: 1, durationSeconds: 200 },
  ].map((stage) => ({ ...stage, kind: 'hold' as const }))

  it('as many as the messages that wait ask for, without losing or redelivering any', () => {
    for (const broker of [redis, kafka(8)]) {
      const result = run(topology({ broker, worker: scaling }), {
        seconds: 460,
        stages,
        invariants: ['no-lost-messages'],
      })
      const ready = result.series.map(({ components }) => components.worker?.ready ?? 0)
      expect(Math.max(...ready)).toBe(4)
      expect(ready.at(-1)).toBe(1)
      expect(tasks(result)).toMatchObject({ redelivered: 0, lost: 0 })
      // They have worked off the flood.
      expect(lengthAt(result, 450)).toBeLessThan(15)
    }
  })
})

describe('memory of brokers', () => {
  it('blocks RabbitMQ’s publishers above its watermark, and makes Redis refuse', () => {
    // 1120 bytes a message: 40 % of 280 KiB are 102 of them.
    const rabbit = run(
      topology({ broker: 'engine: rabbitmq, memory: 280KiB, queues: { tasks: {} }', publish: ', timeout: 1s' }),
      {
        rate: 20,
        seconds: 60,
      },
    )
    expect(tasks(rabbit).length.max).toBeGreaterThan(95)
    expect(tasks(rabbit).length.max).toBeLessThan(103)
    expect(rabbit.requests.submit?.errors['504']).toBeGreaterThan(800)
    const refusing = run(topology({ broker: 'engine: redis, memory: 112KiB, queues: { tasks: {} }' }), {
      rate: 20,
      seconds: 60,
    })
    expect(tasks(refusing).length.max).toBeGreaterThan(95)
    expect(tasks(refusing).length.max).toBeLessThan(103)
    expect(refusing.requests.submit?.errors['503']).toBe(tasks(refusing).rejected)
  })
})

describe('messages that go on', () => {
  it('a worker that publishes prolongs the work of its request', () => {
    const result = run(
      topology({
        broker: 'engine: rabbitmq, queues: { tasks: {}, second: {} }',
        work: '{ wait: { const: 1s } }, { publish: broker.second }',
        more: '  other: { engine: service, consumes: broker.second, slots: 9, flow: [{ wait: { const: 2s } }] }',
      }),
      { rate: 1, seconds: 200 },
    )
    expect(result.requests.submit?.completion?.p50).toBeGreaterThan(2.99)
    expect(result.components.broker?.queues?.second?.published).toBe(tasks(result).acked)
  })

  it('tries again later by a queue in which nobody works, as often as it takes', () => {
    const result = run(
      topology({
        broker: 'engine: rabbitmq, queues: { tasks: {}, later: { ttl: 5s, deadLetter: tasks } }',
        worker: 'slots: 20',
        work: '{ choose: [{ weight: 50%, flow: [{ wait: { const: 100ms } }] }, { weight: 50%, flow: [{ publish: broker.later }] }] }',
      }),
      { rate: 5, seconds: 300, invariants: ['no-lost-messages'] },
    )
    const { tasks: first, later } = result.components.broker?.queues ?? {}
    // Half of all go round once more: as many again.
    expect((first?.received ?? 0) / (first?.published ?? 1)).toBeCloseTo(1, 0)
    expect(later?.expired).toBe(first?.received)
    expect(result.invariants[0]?.verdict).toBe('pass')
    expect((result.requests.submit?.completion?.mean ?? 0) / 5.05).toBeCloseTo(1, 0)
  })

  it('a redelivered message takes effect again, unless its request may be repeated', () => {
    const shape = (idempotent: boolean): string =>
      topology({
        broker: redis,
        work: '{ write: db, table: done, time: { wait: 10ms } }, { wait: { const: 1s } }',
        more: '  db: { engine: postgres }',
      }).replace('serve: api', `serve: api\n    idempotent: ${idempotent}`)
    const plan: Plan = {
      rate: 1.5,
      seconds: 40,
      faults: [fault('kill', 20, 'worker', undefined, { restartAfterSeconds: 1 })],
      invariants: ['no-double-effect'],
    }
    const again = run(shape(false), plan)
    expect(again.invariants[0]).toMatchObject({ verdict: 'fail', observed: tasks(again).redelivered })
    expect(tasks(again).redelivered).toBeGreaterThan(0)
    expect(run(shape(true), plan).invariants[0]?.verdict).toBe('pass')
  })
})
