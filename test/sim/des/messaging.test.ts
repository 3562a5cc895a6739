import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseCondition } from '../../../src/experiment/condition.js'
import { parseRunResult } from '../../../src/result/parse.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { mergeReplications } from '../../../src/result/statistics/replications.js'
import { mmc } from '../../../src/sim/analytic/mmc.js'
import { type Plan, run, topologyOf } from './support.js'

const fixture = readFileSync(new URL('../../fixtures/topologies/task-queue.yaml', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => !/^(apiVersion|kind):/.test(line))
  .join('\n')

interface Shape {
  readonly engine?: string
  readonly broker?: string
  readonly queue?: string
  readonly topic?: string
  readonly worker?: string
  readonly work?: string
  readonly request?: string
  readonly publish?: string
  readonly more?: string
}

/** Submissions that cost next to nothing, a broker, and one worker with one slot that needs 0.1 s on average. */
const topology = (shape: Shape): string => `
name: queue
data: { item: { keys: 100 } }
components:
  api: { engine: service }
  broker: { engine: ${shape.engine ?? 'redis'}${shape.engine === 'kafka' ? '' : `, queues: { tasks: {${shape.queue ?? ''}}${shape.more ?? ''} }`}${
    shape.topic === undefined ? '' : `, topics: { tasks: {${shape.topic}} }`
  }${shape.broker ?? ''}, demand: { cpu: { const: 1us } } }
  worker:
    engine: service
    consumes: broker.tasks
    ${shape.worker ?? 'slots: 1'}
    flow: [${shape.work ?? '{ wait: 100ms }'}]
requests:
  submit:
    share: 100%
    serve: api
    route: POST /tasks/{item}
    flow: [{ publish: broker.tasks${shape.publish ?? ''} }]
    ${shape.request ?? ''}
`

const of = (result: RunResult, queue = 'tasks') => {
  const found = result.components.broker?.queues?.[queue]
  if (found === undefined) throw new Error(`no queue ${queue}`)
  return found
}

const class_ = (result: RunResult) => {
  const found = result.requests.submit
  if (found === undefined) throw new Error('no class')
  return found
}

const kill = (
  instance: { readonly component: string; readonly index?: number },
  atSeconds: number,
  restartAfterSeconds: number,
): NonNullable<Plan['faults']>[number] => ({
  kind: 'kill',
  atSeconds,
  restartAfterSeconds,
  target:
    instance.index === undefined
      ? { kind: 'component', component: instance.component }
      : { kind: 'instance', component: instance.component, index: instance.index },
})

describe('workers behind a queue', () => {
  it('are an M/M/c queue when publishing costs nothing: delay, completion and length', () => {
    const result = run(topology({ worker: 'slots: 4' }), { rate: 32, seconds: 8000, warmup: 500 })
    const theory = mmc({ arrivalRatePerSecond: 32, serviceSeconds: 0.1, servers: 4 })
    const { queueDelay, completion } = class_(result)
    expect(queueDelay?.mean).toBeGreaterThan(theory.waitSeconds * 0.95)
    expect(queueDelay?.mean).toBeLessThan(theory.waitSeconds * 1.05)
    expect((completion?.mean ?? 0) / (theory.waitSeconds + 0.1)).toBeCloseTo(1, 1)
    expect(of(result).length.mean / (32 * theory.waitSeconds)).toBeCloseTo(1, 1)
    // Little's law: what waits is what comes times how long it waits.
    expect(of(result).length.mean / ((of(result).delivered / 7500) * (queueDelay?.mean ?? 0))).toBeCloseTo(1, 2)
  })

  it('visit the broker three times per message: publish, delivery, acknowledgement', () => {
    const result = run(topology({ worker: 'slots: 50' }), { rate: 20, seconds: 200 })
    const { published } = of(result)
    const visits = (result.components.broker?.throughputPerSecond ?? 0) * 200
    expect(Math.abs(visits - 3 * published)).toBeLessThan(10)
    expect(result.edges['api -> broker']?.count).toBe(published)
  })

  it('of one replica work on as many tasks at once as they have slots, whatever its processes', () => {
    const result = run(
      topology({
        worker: 'slots: 5, execution: { model: event-loop, processes: 2 }'.replace(', e', '\n    e'),
        work: '{ compute: { const: 1s } }',
      }),
      {
        rate: 20,
        seconds: 100,
      },
    )
    expect(of(result).acked).toBeGreaterThan(480)
    expect(of(result).acked).toBeLessThanOrEqual(500)
  })

  it('share a queue fairly between components, and each get every message of a topic', () => {
    const two = (engine: string, what: string): string => `
name: two
components:
  api: { engine: service }
  broker: { engine: ${engine}, ${what} }
  one: { engine: service, consumes: broker.tasks, slots: 10, flow: [{ wait: 10ms }] }
  two: { engine: service, consumes: broker.tasks, slots: 10, flow: [{ wait: 10ms }] }
requests: { submit: { share: 100%, serve: api, flow: [{ publish: broker.tasks }] } }
`
    const shared = run(two('rabbitmq', 'queues: { tasks: {} }'), { rate: 50, seconds: 100 })
    const [one, other] = [shared.components.one, shared.components.two].map((each) => each?.throughputPerSecond ?? 0)
    expect(one).toBeGreaterThan(24)
    expect(other).toBeGreaterThan(24)
    const all = run(two('kafka', 'topics: { tasks: { partitions: 10 } }'), { rate: 50, seconds: 100 })
    for (const id of ['one', 'two']) expect(all.components[id]?.throughputPerSecond).toBeGreaterThan(48)
    expect(class_(all).completion?.mean).toBeGreaterThan(0.01)
  })
})

describe('the task queue of the documents', () => {
  const unlimited = fixture.replace(', rateLimit: { per: api-key, rate: 50/s, burst: 100 }', '')

  it('spends its rate limit on polls: a hundred tasks that wait are twice what it lets through', () => {
    const result = run(fixture.replace('min: 3, max: 12', 'min: 3, max: 3'), { rate: 6, seconds: 600, warmup: 300 })
    expect(Object.keys(class_(result).errors)).toEqual(['429'])
    expect(result.requests['submit.poll']?.errors['429']).toBeGreaterThan(10_000)
    expect(of(result).length.max).toBeLessThan(150)
  })

  it('carries 2.0 to 2.4 tasks a second, answers 503 when it holds 500, and lets those wait 229 s', () => {
    const result = run(unlimited.replace('min: 3, max: 12', 'min: 3, max: 3'), { rate: 6, seconds: 1200, warmup: 600 })
    const rate = of(result).acked / 600
    expect(rate).toBeGreaterThan(2.0)
    expect(rate).toBeLessThan(2.4)
    expect(of(result).length.max).toBe(500)
    expect(of(result).length.mean).toBeGreaterThan(495)
    const { errors, offered, queueDelay } = class_(result)
    expect((errors['503'] ?? 0) / offered).toBeGreaterThan(0.6)
    expect(Object.keys(errors)).toEqual(['503'])
    expect(queueDelay?.p50).toBeGreaterThan(220)
    expect(queueDelay?.p50).toBeLessThan(240)
  })

  it('is polled every second until the work is done, half a second longer on average', () => {
    const result = run(fixture, { rate: 1, seconds: 2000, warmup: 100 })
    const polls = result.requests['submit.poll']
    const { ok, completion } = class_(result)
    // The first comes a second after the answer.
    expect((polls?.offered ?? 0) / ok / ((completion?.mean ?? 0) + 0.5)).toBeCloseTo(1, 1)
    expect(result.requests.all?.offered).toBe(class_(result).offered)
    expect(completion?.p95).toBeLessThan(8)
  })

  it('scales its workers by the messages that wait', () => {
    const result = run(unlimited, { rate: 4, seconds: 900 })
    expect(result.components.worker?.replicas).toBeGreaterThan(5)
    expect(of(result).length.max).toBeLessThan(500)
  })
})

describe('results of work behind queues', () => {
  const text = topology({
    worker: 'slots: 2',
    request: 'slo: { completion: { p95: 2s }, queueDelay: { p95: 1ms } }',
  })

  it('have objectives, half-widths, and what goes on per second', () => {
    const result = run(text, { rate: 16, seconds: 3000, warmup: 100 })
    const { halfWidth, completion, queueDelay } = class_(result)
    expect(result.slo.map(({ name, verdict }) => `${verdict} ${name}`)).toEqual([
      'fail submit.queueDelay.p95 <= 1 ms',
      'pass submit.completion.p95 <= 2 s',
    ])
    expect((halfWidth?.['completion.mean'] ?? 1) / (completion?.mean ?? 0)).toBeLessThan(0.2)
    expect((halfWidth?.['queueDelay.p95'] ?? 1) / (queueDelay?.p95 ?? 0)).toBeLessThan(0.3)
    expect(result.components.broker?.halfWidth?.['queues.tasks.length.mean']).toBeGreaterThan(0)
    const seconds = result.series.map(({ components }) => components.broker?.queues?.tasks)
    const published = seconds.reduce((sum, second) => sum + (second?.published ?? 0), 0)
    expect(published).toBeGreaterThan(of(result).published)
    const mean = seconds.slice(100).reduce((sum, second) => sum + (second?.length ?? 0), 0) / 2900
    expect(mean).toBeCloseTo(of(result).length.mean, 6)
  })

  it('of several replications are those of all together', () => {
    const results = [1, 2, 3].map((seed) => run(text, { rate: 16, seconds: 300 }, { seed }))
    const merged = mergeReplications(results)
    const total = (value: (result: RunResult) => number): number =>
      results.reduce((sum, result) => sum + value(result), 0)
    expect(of(merged).published).toBe(total((result) => of(result).published))
    expect(of(merged).length.max).toBe(Math.max(...results.map((result) => of(result).length.max)))
    expect(class_(merged).completion?.max).toBe(
      Math.max(...results.map((result) => class_(result).completion?.max ?? 0)),
    )
    expect(class_(merged).halfWidth?.['completion.mean']).toBeGreaterThan(0)
    expect(parseRunResult(JSON.stringify(merged), 'result.json')).toEqual(merged)
  })

  it('can be asked for in conditions', () => {
    const parsed = (condition: string) => parseCondition(condition, topologyOf(text))
    for (const condition of [
      'broker.queues.tasks.length < 10',
      'broker.queues.tasks.length.max < 10',
      'broker.queues.tasks.lost <= 0',
      'submit.completion.p95 < 8s',
      'all.queueDelay.p50 < 8s',
    ])
      expect(parsed(condition)).toMatchObject({ ok: true })
    expect(parsed('broker.queues.task.length < 10')).toMatchObject({
      ok: false,
      flaws: [{ hint: 'did you mean "queues.tasks.length"?' }],
    })
  })
})

describe('a full queue', () => {
  const slow = { worker: 'slots: 1', work: '{ wait: { const: 1s } }' }

  it('that rejects fails the step at once: the client sees 503', () => {
    const result = run(topology({ ...slow, queue: 'maxLength: 5' }), { rate: 10, seconds: 60 })
    expect(of(result).acked).toBeGreaterThanOrEqual(59)
    expect(class_(result).errors).toEqual({ '503': of(result).rejected })
    expect(class_(result).latency?.max).toBeLessThan(0.01)
  })

  it('that blocks makes publishers wait, which their own timeouts may end', () => {
    const blocked = run(topology({ ...slow, queue: 'maxLength: 5, overflow: block' }), { users: 20, seconds: 100 })
    // One by one, as messages are taken.
    expect(class_(blocked).errors).toEqual({})
    expect(class_(blocked).latency?.p50).toBeGreaterThan(18)
    expect(class_(blocked).latency?.p50).toBeLessThan(21)
    const impatient = run(topology({ ...slow, queue: 'maxLength: 5, overflow: block', publish: ', timeout: 2s' }), {
      rate: 5,
      seconds: 100,
    })
    expect(class_(impatient).errors['504']).toBeGreaterThan(350)
    // Who has gone is not let in later.
    const letInAfterTheLoad = class_(impatient).ok - of(impatient).published
    expect(letInAfterTheLoad).toBeGreaterThanOrEqual(0)
    expect(letInAfterTheLoad).toBeLessThanOrEqual(3)
    expect(of(impatient).blocked).toBeGreaterThan(350)
  })

  it('that drops the oldest keeps the newest, and says that messages were lost', () => {
    const result = run(topology({ ...slow, queue: 'maxLength: 5, overflow: drop-oldest' }), {
      rate: 10,
      seconds: 60,
      invariants: ['no-lost-messages'],
    })
    expect(class_(result).errors).toEqual({})
    expect(of(result).dropped).toBeGreaterThan(450)
    expect(class_(result).queueDelay?.max).toBeLessThan(6)
    expect(result.invariants).toEqual([
      expect.objectContaining({ name: 'no-lost-messages', verdict: 'fail', observed: of(result).lost }),
    ])
  })

  it('hands on what has waited too long as dead letters', () => {
    const result = run(topology({ ...slow, queue: 'ttl: 3s, deadLetter: failed', more: ', failed: {}' }), {
      rate: 5,
      seconds: 60,
      invariants: ['no-lost-messages'],
    })
    expect(class_(result).queueDelay?.max).toBeLessThanOrEqual(3)
    expect(of(result).expired).toBeGreaterThan(150)
    expect(of(result).deadLettered).toBe(of(result).expired)
    expect(of(result, 'failed').received).toBe(of(result).expired)
    expect(result.invariants[0]?.verdict).toBe('pass')
  })

  it('takes higher priorities first', () => {
    const text = `
name: priorities
components:
  api: { engine: service }
  broker: { engine: rabbitmq, queues: { tasks: { priorities: 2 } } }
  worker: { engine: service, consumes: broker.tasks, slots: 1, flow: [{ wait: 100ms }] }
requests:
  urgent: { share: 50%, serve: api, flow: [{ publish: broker.tasks, priority: 1 }] }
  patient: { share: 50%, serve: api, flow: [{ publish: broker.tasks }] }
`
    const result = run(text, { rate: 8, seconds: 20_000, warmup: 500 })
    // Cobham: W0/(1 − ρ₁) and W0/((1 − ρ₁)(1 − ρ)), W0 = 0.08 s.
    expect((result.requests.urgent?.queueDelay?.mean ?? 0) / 0.1333).toBeCloseTo(1, 1)
    expect((result.requests.patient?.queueDelay?.mean ?? 0) / 0.6667).toBeCloseTo(1, 1)
  })
})

describe('when a worker dies', () => {
  const two = { worker: 'replicas: 2\n    slots: 2', work: '{ wait: { const: 1s } }' }
  const plan: Plan = {
    rate: 3,
    seconds: 60,
    faults: [kill({ component: 'worker', index: 0 }, 20.5, 5)],
    invariants: ['no-lost-messages'],
  }

  it('what it had in hand is redelivered, and nothing is lost', () => {
    const result = run(topology(two), plan)
    expect(of(result).redelivered).toBe(2)
    expect(of(result).lost).toBe(0)
    expect(result.invariants[0]?.verdict).toBe('pass')
    const inHand = of(result).delivered - of(result).acked - of(result).redelivered
    expect(inHand).toBeGreaterThanOrEqual(0)
    expect(inHand).toBeLessThanOrEqual(4)
    // The broker sees its connection close.
    expect(result.faults[0]?.detectionSeconds).toBe(0)
  })

  it('what it had acknowledged before the work is lost', () => {
    const result = run(topology({ ...two, worker: `${two.worker}\n    acknowledge: before-work` }), plan)
    expect(of(result).redelivered).toBe(0)
    expect(result.invariants[0]).toMatchObject({ verdict: 'fail', observed: 2 })
  })

  it('a message that it is delivered too often becomes a dead letter', () => {
    const result = run(topology({ ...two, queue: 'maxDeliveries: 1, deadLetter: failed', more: ', failed: {}' }), plan)
    expect(of(result).exhausted).toBe(2)
    expect(of(result, 'failed')).toMatchObject({ received: 2 })
  })

  it('one that is stopped finishes what it has and takes nothing more', () => {
    const result = run(topology(two), {
      ...plan,
      faults: [{ ...kill({ component: 'worker', index: 0 }, 20.5, 5), kind: 'stop' }],
    })
    expect(of(result).redelivered).toBe(0)
    const stopped = result.events.find((event) => event.type === 'instance' && event.state === 'stopped')
    expect(stopped?.at).toBeGreaterThan(20.5)
    expect(stopped?.at).toBeLessThan(21.6)
  })
})

describe('when a broker dies', () => {
  const shape = { worker: 'slots: 2', work: '{ wait: { const: 1s } }' }
  const plan: Plan = {
    rate: 4,
    seconds: 60,
    faults: [kill({ component: 'broker' }, 20, 2)],
    invariants: ['no-lost-messages'],
  }

  it('it loses all messages without persistence, and none with a log', () => {
    const none = run(topology({ ...shape, broker: ', persistence: none' }), plan)
    expect(of(none).wiped).toBeGreaterThan(30)
    expect(none.invariants[0]).toMatchObject({ verdict: 'fail', observed: of(none).wiped })
    const aof = run(topology({ ...shape, broker: ', persistence: aof' }), plan)
    expect(of(aof).wiped).toBe(0)
    expect(aof.invariants[0]?.verdict).toBe('pass')
    // Workers could not acknowledge what they had: it is done again.
    expect(of(aof).redelivered).toBe(2)
    expect(class_(aof).errors['502']).toBeGreaterThan(3)
  })

  it('it loses what came since the last snapshot', () => {
    // 1200 messages in 300 s: saved after 300 s, when 100 had changed.
    const result = run(topology({ ...shape, broker: ', persistence: rdb' }), {
      ...plan,
      seconds: 360,
      faults: [kill({ component: 'broker' }, 320, 2)],
    })
    expect(of(result).wiped).toBeGreaterThan(60)
    expect(of(result).wiped).toBeLessThan(100)
  })

  it('a durable one keeps its messages, and consumers come back by themselves', () => {
    const result = run(topology({ ...shape, engine: 'rabbitmq', broker: ', startup: 3s' }), plan)
    expect(of(result).lost).toBe(0)
    expect(of(result).acked).toBeGreaterThan(100)
  })

  it('of three with quorum queues loses nothing and fails few, two of three down cost all', () => {
    const three = { ...shape, engine: 'rabbitmq', broker: ', replicas: 3, startup: 1s' }
    const one = run(topology(three), { ...plan, faults: [kill({ component: 'broker', index: 0 }, 20, 2)] })
    expect(one.requests.all?.ok).toBeGreaterThan(0.98 * (one.requests.all?.offered ?? 0))
    expect(of(one).lost).toBe(0)
    const most = run(topology(three), {
      ...plan,
      faults: [kill({ component: 'broker', index: 0 }, 20, 9), kill({ component: 'broker', index: 2 }, 20, 9)],
    })
    expect(class_(most).errors['502']).toBeGreaterThan(30)
    expect(of(most).lost).toBe(0)
  })
})

describe('disks of brokers', () => {
  const fault = (kind: 'slow-disk' | 'disk-full', parameters: Record<string, number>): Plan => ({
    rate: 20,
    seconds: 30,
    faults: [{ kind, atSeconds: 10, forSeconds: 10, target: { kind: 'component', component: 'broker' }, parameters }],
  })

  it('that are slow delay RabbitMQ’s confirms', () => {
    const result = run(topology({ engine: 'rabbitmq', worker: 'slots: 9' }), fault('slow-disk', { add: 0.2 }))
    expect(class_(result).latency?.p50).toBeLessThan(0.001)
    expect(class_(result).latency?.p95).toBeGreaterThan(0.199)
    expect(class_(result).latency?.max).toBeLessThan(0.22)
  })

  it('that are full take no messages', () => {
    const result = run(topology({ engine: 'rabbitmq', worker: 'slots: 9' }), fault('disk-full', {}))
    expect(class_(result).errors['502']).toBeGreaterThan(170)
    expect(of(result).published).toBe(class_(result).ok)
  })
})

describe('poison', () => {
  it('goes round until its deliveries are used up, then it is a dead letter', () => {
    const result = run(topology({ queue: 'maxDeliveries: 4, deadLetter: failed', more: ', failed: {}' }), {
      rate: 2,
      seconds: 30,
      faults: [
        { kind: 'poison', atSeconds: 10, target: { kind: 'component', component: 'broker' }, parameters: { count: 3 } },
      ],
      invariants: ['no-lost-messages'],
    })
    expect(of(result)).toMatchObject({ redelivered: 9, exhausted: 3, deadLettered: 3 })
    expect(result.faults[0]).toMatchObject({ kind: 'poison', injectedAt: 10 })
    expect(result.invariants[0]?.verdict).toBe('pass')
  })

  it('without a limit keeps the worker busy for ever', () => {
    const result = run(
      topology({ broker: '', work: '{ wait: { const: 100ms } }' }).replace('const: 1us', 'const: 1ms'),
      {
        rate: 2,
        seconds: 30,
        faults: [{ kind: 'poison', atSeconds: 10, target: { kind: 'component', component: 'worker' } }],
      },
    )
    expect(of(result).redelivered).toBeGreaterThan(1000)
    expect(of(result).acked).toBeLessThan(40)
  })

  it('in a topic stops its partition, and no other', () => {
    const result = run(
      topology({ engine: 'kafka', topic: 'partitions: 2', worker: 'slots: 2' }).replace('const: 1us', 'const: 1ms'),
      {
        rate: 4,
        seconds: 60,
        faults: [{ kind: 'poison', atSeconds: 20, target: { kind: 'component', component: 'broker' } }],
      },
    )
    // Half of what came after it waits behind it.
    expect(of(result).length.max).toBeGreaterThan(60)
    expect(of(result).length.max).toBeLessThan(110)
  })
})

describe('a topic', () => {
  it('is worked on by at most one member per partition', () => {
    const result = run(
      topology({ engine: 'kafka', topic: 'partitions: 3', worker: 'slots: 8', work: '{ wait: { const: 1s } }' }),
      {
        rate: 10,
        seconds: 60,
      },
    )
    expect(of(result).acked).toBeGreaterThan(170)
    expect(of(result).acked).toBeLessThanOrEqual(180)
  })

  it('sends a key always to the same partition', () => {
    const result = run(
      topology({ engine: 'kafka', topic: 'partitions: 6', worker: 'slots: 6', publish: ', key: item' }).replace(
        'keys: 100',
        'keys: 1',
      ),
      { rate: 20, seconds: 60 },
    )
    // One partition carries it all, at 10 a second.
    expect(of(result).acked).toBeLessThan(660)
    expect(of(result).length.mean).toBeGreaterThan(100)
  })

  it('waits for a dead worker until its session ends', () => {
    const result = run(topology({ engine: 'kafka', topic: 'partitions: 4', worker: 'replicas: 2\n    slots: 2' }), {
      rate: 4,
      seconds: 60,
      faults: [kill({ component: 'worker', index: 0 }, 20, 60)],
      invariants: ['no-lost-messages'],
    })
    // 10 s until it is missed, 3 s until the others have joined again.
    expect(class_(result).queueDelay?.max).toBeGreaterThan(11)
    expect(class_(result).queueDelay?.max).toBeLessThan(14)
    expect(result.invariants[0]?.verdict).toBe('pass')
  })

  const cluster = (brokers: number) => ({
    engine: 'kafka',
    topic: 'partitions: 6',
    broker: `, replicas: ${brokers}, replicationFactor: ${brokers}, startup: 5s`,
    worker: 'slots: 6',
  })
  const loss: Plan = {
    rate: 20,
    seconds: 60,
    faults: [kill({ component: 'broker', index: 0 }, 20, 20)],
    invariants: ['no-lost-messages'],
  }

  it('on three brokers is written again within ten seconds of the loss of one', () => {
    const result = run(topology(cluster(3)), loss)
    expect(class_(result).errors).toEqual({})
    expect(class_(result).latency?.max).toBeGreaterThan(8)
    expect(class_(result).latency?.max).toBeLessThan(10)
    expect(result.faults[0]?.detectionSeconds).toBeCloseTo(9.1, 6)
    expect(of(result).lost).toBe(0)
  })

  it('on two, which are also its two voters, waits until the lost one is back', () => {
    const result = run(topology(cluster(2)), loss)
    expect(class_(result).latency?.max).toBeGreaterThan(24)
    expect(class_(result).latency?.max).toBeLessThan(26)
    expect(of(result).lost).toBe(0)
  })
})
