import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseCalibration } from '../../src/topology/calibration-file.js'
import { walk } from '../../src/topology/flow.js'
import { stepKinds, stepShapes } from '../../src/topology/schema/steps.js'
import { fixture, flowOf, parse, scenario, told, topology, withFlow } from './problems.js'

const idsOf = (flow: string): readonly string[] => [...walk(flowOf(flow))].map((step) => step.id)
/** The only problem of a flow, without its place. */
const flawOf = (flow: string): string | undefined => {
  const all = told(withFlow(flow))
  expect(all).toHaveLength(1)
  return all[0]?.replace(/^\S+ /, '')
}

describe('distributions', () => {
  it.each([
    ['1ms', { shape: 'exponential', meanSeconds: 0.001 }],
    ['{ mean: 5.5s, cv: 0.05 }', { shape: 'gamma', meanSeconds: 5.5, cv: 0.05 }],
    ['{ p50: 20ms, p99: 60ms }', { shape: 'lognormal', p50Seconds: 0.02, p99Seconds: 0.06 }],
    ['{ const: 3us }', { shape: 'constant', seconds: 0.000003 }],
    ['{ uniform: [5s, 6s] }', { shape: 'uniform', lowSeconds: 5, highSeconds: 6 }],
  ])('%s', (written, cpu) => {
    expect(flowOf(`[{ compute: ${written} }]`)[0]).toMatchObject({ kind: 'compute', cpu })
  })

  it.each([
    ['5', 'compute: "5" has no unit: expected a duration such as 250ms'],
    ['-5ms', 'compute: "-5ms" is negative: expected a duration such as 250ms'],
    ['1e999s', 'compute: "1e999s" is larger than anything that can be meant by a duration'],
    ['5 parsec', 'compute: unknown unit "parsec" in "5 parsec": expected a duration such as 250ms'],
    ['soon', 'compute: expected a duration such as 250ms, got "soon"'],
    ['.inf', 'compute: expected a duration such as 250ms, got ".inf"'],
    ['[1ms]', 'compute: expected a duration such as 250ms, got a list'],
    ['{ mean: 1ms }', 'a distribution needs "cv"'],
    ['{ mean: 1ms, cv: -1 }', 'cv: expected a number of at least 0, got -1'],
    ['{ p50: 2ms, p99: 1ms }', 'p99: the 99th percentile is below the median'],
    ['{ uniform: [1ms] }', 'uniform: expected two durations [a, b], got 1'],
    ['{ median: 2ms }', 'unknown key "median" in a distribution'],
    ['{ low: 1ms, mid: 2ms, top: 3ms }', 'unknown key "low" in a distribution'],
    ['{}', 'an empty map is no time'],
  ])('%s is refused', (written, message) => {
    expect(flawOf(`[{ compute: ${written} }]`)).toBe(message)
  })

  it('a bare time of work is CPU', () => {
    expect(flowOf('[{ query: db, time: 2ms }]')[0]).toMatchObject({
      time: { cpu: { shape: 'exponential', meanSeconds: 0.002 } },
    })
    expect(flowOf('[{ query: db, time: { const: 2ms } }]')[0]).toMatchObject({
      time: { cpu: { shape: 'constant', seconds: 0.002 } },
    })
    expect(flowOf('[{ query: db, time: { wait: 2ms } }]')[0]).toMatchObject({
      time: { wait: { shape: 'exponential' } },
    })
  })
})

describe('steps', () => {
  it('have zero-based paths as ids, through every kind of nesting', () => {
    expect(
      idsOf(`[
        { lookup: cache, key: product, miss: [{ query: db }, { query: db }], fallback: [{ compute: 1ms }] },
        { saga: [{ write: db, undo: [{ write: db }] }, { call: pay }] },
        { parallel: [[{ compute: 1ms }], [{ compute: 1ms }, { compute: 1ms }]] },
        { choose: [{ weight: 70%, flow: [{ compute: 1ms }] }, { weight: 30%, flow: [] }] },
        { repeat: 3, do: [{ transaction: app.main, do: [{ query: app.main }] }] },
        { lock: cache, key: product, ttl: 5s, do: [{ publish: queue.tasks, id: send }] }]`),
    ).toEqual([
      'get/0',
      'get/0.miss.0',
      'get/0.miss.1',
      'get/0.fallback.0',
      'get/1',
      'get/1.saga.0',
      'get/1.saga.0.undo.0',
      'get/1.saga.1',
      'get/2',
      'get/2.parallel.0.0',
      'get/2.parallel.1.0',
      'get/2.parallel.1.1',
      'get/3',
      'get/3.choose.0.flow.0',
      'get/4',
      'get/4.do.0',
      'get/4.do.0.do.0',
      'get/5',
      'send',
    ])
  })

  it('of workers, operations and polls begin with what they belong to', () => {
    const { components, requests } = parse(fixture('task-queue'))
    const worker = components.worker
    expect(worker?.role === 'service' && worker.flow.map((step) => step.id)).toEqual(['worker/flow.0', 'worker/flow.1'])
    expect(requests['submit.poll']?.flow.map((step) => step.id)).toEqual(['submit.poll/0'])
    const stock = parse(topology()).components.stock
    expect(stock?.role === 'service' && stock.operations.hold?.flow[0]?.id).toBe('stock.hold/0')
  })

  it('an id of its own replaces the path, and collides with another', () => {
    expect(idsOf('[{ compute: 1ms, id: think }, { compute: 2ms }]')).toEqual(['think', 'get/1'])
    expect(flawOf('[{ compute: 1ms, id: think }, { compute: 2ms, id: think }]')).toBe(
      'id: "think" is the id of another step already',
    )
  })

  it('modifiers are in fields, whatever order they were written in', () => {
    const written =
      'timeout: 1s, breaker: { errors: 50%, window: 10s, open: 5s }, retry: { attempts: 3, max: 1s, backoff: 100ms, jitter: full, budget: 20% }, deadline: 3s, fallback: empty'
    const [step] = flowOf(`[{ call: pay, ${written} }]`)
    const [reversed] = flowOf(
      `[{ ${written
        .split(/, (?=[a-z]+:(?! \d))(?![^{]*\})/)
        .reverse()
        .join(', ')}, call: pay }]`,
    )
    expect(step).toEqual({
      id: 'get/0',
      path: ['requests', 'get', 'flow', 0],
      kind: 'call',
      target: { component: 'pay' },
      fallback: 'empty',
      deadlineSeconds: 3,
      retry: { attempts: 3, backoffSeconds: 0.1, maxBackoffSeconds: 1, jitter: 'full', budget: 0.2 },
      breaker: { errors: 0.5, windowSeconds: 10, openSeconds: 5, probes: 1 },
      timeoutSeconds: 1,
    })
    expect(reversed).toEqual(step)
  })

  it('have the defaults that docs/topology.md gives', () => {
    expect(flowOf('[{ lookup: cache }]')[0]).toMatchObject({
      key: undefined,
      ttlSeconds: undefined,
      hitRatio: undefined,
      staleForSeconds: undefined,
      miss: [],
      writes: 'aside',
    })
    expect(flowOf('[{ reserve: product.stock, via: app.main }]')[0]).toMatchObject({
      data: 'product',
      counter: 'stock',
      via: { component: 'db', pool: 'main' },
      guard: 'row-lock',
      amount: 1,
      time: {},
    })
    expect(flowOf('[{ reserve: product.stock, via: cache }]')[0]).toMatchObject({ guard: 'lua' })
    expect(flowOf('[{ lock: cache, ttl: 5s, do: [] }]')[0]).toMatchObject({ waitSeconds: undefined, fencing: false })
    expect(flowOf('[{ publish: queue.tasks }]')[0]).toMatchObject({
      target: { component: 'queue', queue: 'tasks' },
      priority: 0,
    })
    expect(flowOf('[{ saga: [] }]')[0]).toMatchObject({ style: 'orchestrated', entries: [] })
    expect(flowOf('[{ parallel: [[]] }]')[0]).toMatchObject({ join: 'all' })
    expect(flowOf('[{ call: pay, retry: { attempts: 2 } }]')[0]?.retry).toEqual({
      attempts: 2,
      backoffSeconds: 0,
      maxBackoffSeconds: undefined,
      jitter: 'none',
      budget: undefined,
    })
  })

  it('a query in a lookup is about the key of the lookup', () => {
    const [lookup] = flowOf('[{ lookup: cache, key: product, miss: [{ query: app.main }] }]')
    expect(lookup?.kind === 'lookup' && lookup.miss[0]).toMatchObject({ kind: 'query', key: 'product' })
  })

  it('{ lock, wait } is a lock that waits; { compute, wait } is two steps in one', () => {
    expect(flowOf('[{ wait: 1s, lock: cache, ttl: 5s, do: [] }]')[0]).toMatchObject({ kind: 'lock', waitSeconds: 1 })
    expect(flawOf('[{ compute: 1ms, wait: 1ms }]')).toBe('a step has one name: this one has "compute" and "wait"')
  })

  it.each([
    ['[{ looup: cache }]', 'unknown step "looup"'],
    ['[compute]', 'flow[0]: expected a step such as { compute: 2ms }, got "compute"'],
    ['{ compute: 1ms }', 'flow: expected a list of steps, got a map'],
    ['[{}]', 'an empty step'],
    ['[{ timeout: 1s }]', 'unknown step "timeout"'],
    ['[{ query: app.mian }]', '"app" has no pool "mian"'],
    ['[{ query: app }]', '"query" cannot go to "app", which is a service'],
    [
      '[{ query: edge }]',
      '"query" cannot go to "edge": engine nginx (reverse proxy and load balancer) does not take it',
    ],
    [
      '[{ lookup: db }]',
      '"lookup" cannot go to "db": engine postgres (PostgreSQL, a relational database) does not take it',
    ],
    ['[{ query: db.secondary }]', '"db" (postgres) has no role "secondary"'],
    ['[{ query: db.replica }]', '"db" has no replicas'],
    ['[{ query: db.a.b }]', '"db.a.b" is no target'],
    ['[{ transaction: db, do: [] }]', '"transaction" needs a pool of the service that runs it, got "db"'],
    ['[{ publish: queue }]', '"queue" is a broker: name one of its queues or topics'],
    ['[{ publish: queue.task }]', '"queue" has no queue or topic "task"'],
    ['[{ publish: queue.tasks, priority: 3 }]', 'priority: 3 does not exist: queue "tasks" has 3 (0 to 2)'],
    ['[{ lookup: cache, writes: through }]', 'writes: through needs "key"'],
    ['[{ lookup: cache, key: product, flushAfter: 1s }]', '"flushAfter" has a meaning only beside "writes: back"'],
    ['[{ publish: log.orders, priority: 1 }]', 'priority: 1 does not exist: topic "orders" has none'],
    ['[{ call: stock.hodl }]', '"stock" has no operation "hodl"'],
    [
      '[{ call: db }]',
      '"call" cannot go to "db": engine postgres (PostgreSQL, a relational database) does not take it',
    ],
    ['[{ reserve: product.stok, via: db }]', '"product" has no counter "stok"'],
    ['[{ reserve: product, via: db }]', '"product" is no counter'],
    ['[{ reserve: product.stock, via: db, guard: lua }]', 'guard: lua has no meaning for "db" (postgres)'],
    ['[{ compute: 1ms, fallback: stale }]', '"fallback: stale" has a meaning only beside "lookup", not "compute"'],
    ['[{ compute: 1ms, undo: [] }]', '"undo" has a meaning only in the entries of a saga'],
    ['[{ choose: [{ weight: 50%, flow: [] }] }]', 'the weights of "choose" sum to 50%, not 100%'],
    ['[{ choose: [] }]', 'choose: needs at least one { weight, flow }'],
    ['[{ parallel: [] }]', 'parallel: needs at least one list of steps'],
    ['[{ repeat: 1e9, do: [] }]', 'repeat: expected a whole number of at most 10000, got 1e9'],
    ['[{ repeat: 2.5, do: [] }]', 'repeat: expected a whole number, got 2.5'],
    ['[{ compute: 1ms, retry: { attempts: 0 } }]', 'attempts: expected a whole number of at least 1, got 0'],
    ['[{ compute: 1ms, timeout: 0s }]', 'timeout: expected a duration above zero, got "0s"'],
    [
      '[{ lookup: cache, hitRatio: 120% }]',
      'hitRatio: "120%" is more than 100%: expected a percentage from 0% to 100%',
    ],
    ['[{ lookup: cache, hitRatio: 0.8 }]', 'hitRatio: "0.8" has no unit: expected a percentage such as 80%'],
  ])('%s is refused', (flow, message) => {
    expect(flawOf(flow)).toBe(message)
  })

  it('a pool belongs to its service', () => {
    const text = topology({
      components: `  one: { engine: service, pools: { main: { to: db, size: 1 } } }
  two: { engine: service }
  db: { engine: postgres }`,
      requests: '  get: { share: 100%, serve: two, flow: [{ query: one.main }] }',
    })
    expect(told(text)).toEqual(['13:51 "one.main" is a pool of another component'])
  })
})

describe('names', () => {
  it('are unique among components, data and requests; hosts stand apart', () => {
    const text = topology({
      hosts: '  app: { cpu: 2 }',
      requests: '  app: { share: 50%, serve: app }\n  product: { share: 50%, serve: app }',
    })
    expect(told(text)).toEqual([
      '18:3 the name "app" is taken: it is a component already',
      '19:3 the name "product" is taken: it is a data set already',
    ])
  })

  it('are unique among the parts of a component', () => {
    const text = topology({
      components: `  app: { engine: service, pools: { main: { to: db, size: 1 } }, operations: { main: { flow: [] } } }
  db: { engine: redis, queues: { primary: {} } }`,
      requests: '  get: { share: 100%, serve: app }',
    })
    expect(told(text)).toEqual([
      '9:79 the name "main" is taken: it is a pool already',
      '10:34 the name "primary" is taken: it is a role already',
    ])
  })

  it('a host may be written host:name', () => {
    const text = topology({
      components: '  app: { engine: service, host: host:box }\n  b: { engine: service, host: host:bax }',
      requests: '  get: { share: 100%, serve: app }',
    })
    expect(told(text)).toEqual(['10:31 unknown host "bax"'])
    expect(parse(text.replace('bax', 'box')).components.app?.host).toBe('box')
  })

  it.each(['App', '1a', 'a_b', 'a.b', '-a', 'a'.repeat(64), 'all', 'generator'])('%s cannot be one', (name) => {
    const all = told(topology({ hosts: `  ${name}: { cpu: 2 }` }))
    expect(all).toHaveLength(1)
    expect(all[0]).toMatch(/^5:3 .*cannot be a name$/)
  })
})

describe('components', () => {
  const one = (component: string): readonly string[] =>
    told(
      topology({
        components: `  app: { engine: service }\n  x: ${component}`,
        requests: '  get: { share: 100%, serve: app }',
      }),
    ).map((problem) => problem.replace(/^\S+ /, ''))

  it.each([
    ['{ engine: redis, upstream: app }', '"upstream" has no meaning for engine redis (component "x")'],
    ['{ engine: redis, evictoin: noeviction }', 'unknown key "evictoin" in component "x" (redis)'],
    ['{ engine: redis, masters: 2 }', 'masters: 2 needs "mode: cluster", but "x" has mode single'],
    ['{ engine: redis, mode: sentinel, replicasPerMaster: 0 }', 'mode sentinel needs at least one replica'],
    ['{ engine: redis, persistence: disk }', 'persistence: unknown value "disk"'],
    ['{ engine: redis, queues: { a: { deadLetter: b } } }', '"x" has no queue "b"'],
    ['{ engine: redis, queues: { a: { deadLetter: a } } }', '"a" cannot be its own dead letter queue'],
    ['{ engine: postgres, replicas: 3, readReplicas: 1 }', 'replicas: 3 is not 1 + readReplicas (1)'],
    ['{ engine: postgres, maxConnections: 3 }', '3 reserved of 3 connections leave none for the application'],
    ['{ engine: postgres, shards: { count: 4, key: nothing } }', 'unknown data set "nothing"'],
    [
      '{ engine: redis, shards: { count: 4, key: nothing } }',
      '"shards" has no meaning for engine redis (component "x")',
    ],
    ['{ engine: kafka, replicationFactor: 2 }', 'replicationFactor: 2 needs as many brokers, but "x" has 1'],
    ['{ engine: kafka, queues: {} }', '"queues" has no meaning for engine kafka (component "x")'],
    ['{ engine: service, flow: [] }', '"flow" of "x" has a meaning only beside "consumes"'],
    ['{ engine: service, consumes: app.tasks, flow: [] }', '"app" (service) has no queues or topics to consume'],
    [
      '{ engine: service, rollout: { strategy: canary } }',
      '"rollout" (how a new version replaces the old one) is not supported yet',
    ],
    [
      '{ engine: service, execution: { model: threads, processes: 2 } }',
      '"processes" has no meaning for execution model threads',
    ],
    ['{ engine: service, scaling: { min: 3, max: 2, triggers: [] } }', 'max: 2 is below min, which is 3'],
    [
      '{ engine: service, replicas: 9, scaling: { min: 1, max: 2, triggers: [] } }',
      'replicas: 9 is outside of scaling, which goes from 1 to 2',
    ],
    ['{ engine: service, scaling: { min: 1, max: 2, triggers: [{}] } }', 'a trigger needs a metric'],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [{ cpu: 70%, memory: 80% }] } }',
      'a trigger has one metric',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [{ cpu: 70%, activation: 5 }] } }',
      '"activation" has no meaning beside cpu',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [{ memory: 70% }] } }',
      'memory: a share of what? It needs resources.memory',
    ],
    [
      '{ engine: service, resources: { memory: { base: 1GiB, perRequest: 1MiB } }, scaling: { min: 1, max: 2, triggers: [{ memory: 70% }] } }',
      'memory: a share of what? With "perRequest" it needs maxInFlight',
    ],
    [
      '{ engine: service, scaling: { min: 0, max: 2, triggers: [{ cpu: 70% }] } }',
      'min: 0 needs something that waits while nothing runs',
    ],
    [
      '{ engine: service, scaling: { min: 2, max: 3, idle: 0, triggers: [{ queueLength: 5 }] } }',
      'idle: 0 needs something that waits while nothing runs',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], cooldown: 5m } }',
      '"cooldown" has a meaning only with min: 0 or idle: 0',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], policies: { up: [] } } }',
      'policies.up: expected at least one policy',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], policies: { up: [{ per: 15s }] } } }',
      'a policy needs either "pods" or "percent"',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], policies: { up: [{ pods: 1, percent: 5%, per: 15s }] } } }',
      'a policy needs either "pods" or "percent"',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], policies: { down: [{ pods: 1, per: 31m }] } } }',
      'per: expected at most 30m',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], stabilization: { down: 61m } } }',
      'down: expected at most 1h',
    ],
    [
      '{ engine: service, scaling: { min: 1, max: 2, triggers: [], select: { up: most } } }',
      'up: unknown value "most"',
    ],
    [
      '{ engine: nginx, upstream: app, health: { interval: 2s } }',
      '"interval" has no meaning for engine nginx: only nginx Plus checks actively',
    ],
    ['{ engine: haproxy, upstream: app, health: { rise: 2 } }', '"rise" has a meaning only beside "interval"'],
    [
      '{ engine: haproxy, upstream: app, rateLimit: { rate: 5/s, window: 1m } }',
      '"window" has no meaning for token-bucket',
    ],
    [
      '{ engine: haproxy, upstream: app, rateLimit: { algorithm: sliding-window, rate: 1/m, window: 1s } }',
      'window: at this rate not one request fits into it',
    ],
    ['{ engine: nginx }', 'component "x" (nginx) needs "upstream"'],
    ['{ engine: nginx, upstream: app, weights: { app: 100% } }', '"x" has both "upstream" and "weights"'],
    ['{ engine: nginx, weights: { app: 95% } }', 'the weights of "x" sum to 95%, not 100%'],
    ['{ engine: nginx, weights: { appp: 100% } }', 'unknown component "appp"'],
    ['{ engine: nginx, upstream: x }', 'requests go in a circle: x -> x'],
    ['{ engine: nginx, upstream: app, policy: geo }', '"policy" has no meaning for engine nginx (component "x")'],
    ['{ engine: external }', 'component "x" (external) needs "latency"'],
    ['{ engine: prometheus, targets: [appp] }', 'unknown component "appp"'],
    ['{ engine: service, replicas: 1e9 }', 'replicas: expected a whole number of at most 1000, got 1e9'],
    ['{ engine: service, replicas: two }', 'replicas: expected a whole number, got "two"'],
    ['{ engine: service, replicas: }', 'replicas: expected a whole number, got nothing'],
    ['nothing', 'x: expected a map, got "nothing"'],
    ['{ engine: oracle }', 'unknown engine "oracle"'],
    ['{ engine: 5 }', 'engine: expected a name, got "5"'],
  ])('%s is refused', (component, message) => {
    expect(one(component)).toEqual([message])
  })

  it('of every engine parse', () => {
    const engines = `  dns: { engine: dns, upstream: cdn, policy: failover }
  cdn: { engine: cdn, upstream: edge }
  edge: { engine: haproxy, weights: { app: 95%, canary: 5% } }
  app: { engine: service, pools: { main: { to: my.replica, size: 2 }, docs: { to: mongo, size: 2 } } }
  canary: { engine: service }
  redis: { engine: redis, mode: cluster, masters: 3, replicasPerMaster: 1 }
  my: { engine: mysql, readReplicas: 1 }
  mongo: { engine: mongodb, replicas: 3 }
  rabbit: { engine: rabbitmq, queues: { tasks: { deadLetter: dead }, dead: {} } }
  kafka: { engine: kafka, replicas: 3, replicationFactor: 3, topics: { orders: {} } }
  pay: { engine: external, latency: { p50: 1ms, p99: 5ms }, errors: 1%, rateLimit: { rate: 5/s } }
  prometheus: { engine: prometheus, scrapeInterval: 15s, targets: [app] }
  grafana: { engine: grafana, source: prometheus }
  alerts: { engine: alertmanager, source: prometheus }
  search: { engine: elasticsearch, retention: 7d }
  pipe: { engine: logstash, source: app, index: logs }
  kibana: { engine: kibana, source: search }
  loki: { engine: loki, retention: 7d }`
    const { components } = parse(
      topology({ components: engines, requests: '  get: { share: 100%, enter: [dns, cdn, edge], serve: app }' }),
    )
    expect(Object.keys(components)).toHaveLength(18)
    expect(components.redis).toMatchObject({ replicas: 6, mode: 'cluster', masters: 3, replicasPerMaster: 1 })
    expect(components.mongo).toMatchObject({ replicas: 3, readReplicas: 2 })
    expect(components.my).toMatchObject({ replicas: 2, maxConnections: 151, reservedConnections: 1 })
    expect(components.edge).toMatchObject({
      upstreams: [
        { component: 'app', weight: 0.95 },
        { component: 'canary', weight: 0.05 },
      ],
    })
    expect(components.dns).toMatchObject({ balance: 'failover' })
  })
})

describe('scaling', () => {
  const scalingOf = (scaling: string) => {
    const { components } = parse(
      topology({
        components: `  app: { engine: service, scaling: ${scaling} }`,
        requests: '  get: { share: 100%, serve: app }',
      }),
    )
    return components.app?.role === 'service' ? components.app.scaling : undefined
  }

  it('has the defaults of Kubernetes and KEDA', () => {
    expect(scalingOf('{ min: 2, max: 6, triggers: [{ cpu: 70% }, { queueLength: 1000 }] }')).toEqual({
      min: 2,
      max: 6,
      triggers: [
        { metric: 'cpu', target: 0.7, activation: 0 },
        { metric: 'queueLength', target: 1000, activation: 0 },
      ],
      everySeconds: 15,
      tolerance: 0.1,
      behavior: {
        stabilization: { upSeconds: 0, downSeconds: 300 },
        up: {
          select: 'max',
          policies: [
            { kind: 'pods', value: 4, periodSeconds: 15 },
            { kind: 'percent', value: 100, periodSeconds: 15 },
          ],
        },
        down: { select: 'max', policies: [{ kind: 'percent', value: 100, periodSeconds: 15 }] },
      },
      windowSeconds: 15,
      metricsLagSeconds: 15,
      pollingSeconds: 30,
      cooldownSeconds: 300,
      idle: undefined,
    })
  })

  it('is read as it is written, one direction without the other', () => {
    const scaling = scalingOf(`{ min: 1, max: 9, triggers: [{ ratePerReplica: 60/m }], every: 10s, tolerance: 5%,
      stabilization: { up: 1m }, policies: { down: [{ pods: 1, per: 1m }, { percent: 7%, per: 30s }] }, select: { down: min },
      window: 30s, metricsLag: 0s }`)
    expect(scaling).toMatchObject({
      triggers: [{ metric: 'ratePerReplica', target: 1 }],
      everySeconds: 10,
      tolerance: 0.05,
      windowSeconds: 30,
      metricsLagSeconds: 0,
    })
    expect(scaling?.behavior.stabilization).toEqual({ upSeconds: 60, downSeconds: 300 })
    expect(scaling?.behavior.up.policies).toHaveLength(2)
    expect(scaling?.behavior.down).toEqual({
      select: 'min',
      policies: [
        { kind: 'pods', value: 1, periodSeconds: 60 },
        { kind: 'percent', value: 7, periodSeconds: 30 },
      ],
    })
  })

  it('a worker may scale to nothing: it begins with one replica', () => {
    const { components } = parse(
      topology({
        components: `  app: { engine: service }
  broker: { engine: rabbitmq, queues: { tasks: {} } }
  worker:
    engine: service
    consumes: broker.tasks
    flow: []
    scaling: { min: 0, max: 5, cooldown: 1m, polling: 10s, triggers: [{ queueLengthPerReplica: 5, activation: 2 }] }`,
        requests: '  get: { share: 100%, serve: app }',
      }),
    )
    expect(components.worker).toMatchObject({
      replicas: 1,
      scaling: { min: 0, cooldownSeconds: 60, pollingSeconds: 10, triggers: [{ activation: 2 }] },
    })
  })
})

describe('requests and the rest', () => {
  const flaw = (request: string, rest = ''): string | undefined => {
    const all = told(topology({ requests: `  get: { share: 100%, ${request} }`, rest }))
    expect(all).toHaveLength(1)
    return all[0]?.replace(/^\S+ /, '')
  }

  it.each([
    ['serve: db', 'serve: "db" is a store (postgres), not a service'],
    ['serve: app, enter: cache', 'enter: "cache" is a store (redis), not a balancer'],
    ['serve: stock, enter: edge', 'enter: "edge" hands requests on to "app", not to "stock"'],
    ['serve: app, route: /x', 'route: expected a route such as GET /products/{product}, got "/x"'],
    ['serve: app, route: GET x', 'route: "x" is not a path'],
    ['serve: app, route: "GET /p/{prodct}"', 'route: {prodct} is no data set, so nothing can be filled in'],
    [
      'serve: app, slo: { hit: { p95: 1ms } }, flow: [{ compute: 1ms }]',
      'slo: "hit" has no meaning for a flow without "lookup"',
    ],
    ['serve: app, slo: { p42: 1ms }', 'unknown key "p42" in "slo"'],
    ['serve: app, priority: 255', 'priority: expected a whole number of at most 254, got 255'],
    ['serve: app, poll: { flow: [] }', '"poll" needs "every"'],
  ])('%s is refused', (request, message) => {
    expect(flaw(request)).toBe(message)
  })

  it.each([
    ['traffic: { users: 5 }', 'traffic: "users" needs "thinkTime"'],
    ['traffic: { thinkTime: 1s }', 'traffic: "thinkTime" needs "users"'],
    ['traffic: {}', 'traffic: needs "rate", or "users" and "thinkTime"'],
    ['traffic: { rate: 0/s }', 'rate: expected a rate above zero, got "0/s"'],
    ['traffic: { rate: 5/s, origins: { eu: 50% } }', 'the shares of origins sum to 50%, not 100%'],
    ['traffic: { rate: 5/s, clients: 3 }', 'clients: expected a map, got "3"'],
    ['policy: { headroom: 100% }', 'headroom: 100% leaves no capacity to use'],
    [
      'growth: { rate: 8% / year, horizon: 12 months }',
      'rate: unknown unit "% / year" in "8% / year": expected a growth rate such as 8%/month',
    ],
    ['currency: dollars', 'currency: "dollars" is not a currency'],
    [
      'generate: { ngnix: { patches: [] } }',
      'ngnix: unknown value "ngnix": expected one of nginx, haproxy, compose, kubernetes, helm, terraform, redis, postgres, mysql, prometheus, alertmanager, grafana, ci',
    ],
    ['polices: {}', 'unknown key "polices" in a topology'],
  ])('%s is refused', (rest, message) => {
    expect(flaw('serve: app', rest)).toBe(message)
  })

  it('a poll becomes a class of its own outside of the shares', () => {
    const { requests } = parse(fixture('task-queue'))
    expect(requests['submit.poll']).toMatchObject({
      share: 0,
      derivedFrom: 'submit',
      everySeconds: 1,
      serve: 'api',
      enter: ['proxy'],
      idempotent: true,
      route: { method: 'GET', path: '/tasks/{id}', parameters: [] },
    })
    expect(requests.submit?.slo).toEqual([
      { path: 'latency.p95', op: '<=', bound: 0.05 },
      { path: 'queueDelay.p95', op: '<=', bound: 0.1 },
      { path: 'completion.p95', op: '<=', bound: 8 },
    ])
  })

  it('objectives of outcomes, growth, traffic and policy of the flash sale', () => {
    const { requests, growth, traffic, policy, currency } = parse(scenario('flash-sale'))
    expect(requests['view-product']?.slo).toEqual([
      { path: 'outcomes.hit.latency.p95', op: '<=', bound: 0.01 },
      { path: 'outcomes.miss.latency.p95', op: '<=', bound: 0.05 },
      { path: 'errors', op: '<=', bound: 0.001 },
    ])
    expect(growth).toMatchObject({ ratePerMonth: 0.08, horizonMonths: 24 })
    expect(growth?.phases?.map(({ at }) => at.users)).toEqual([6000, 12_000, 15_000, 20_000, 30_000])
    expect(growth?.phases?.[0]?.set).toContain('components.app.replicas=4')
    expect(traffic).toEqual({ mode: 'closed', users: 6000, thinkTime: { shape: 'exponential', meanSeconds: 0 } })
    expect([policy, currency]).toEqual([{ headroom: 0.25, survive: 'one-node' }, 'USD'])
  })
})

describe('calls in a circle', () => {
  const stock = (flow: string): readonly string[] =>
    told(
      topology({
        components: `  app: { engine: service, operations: { a: { flow: [{ call: stock.b }] } } }
  stock: { engine: service, operations: { b: { flow: ${flow} }, c: { flow: [] } } }`,
        requests: '  get: { share: 100%, serve: app, flow: [{ call: app.a }] }',
      }),
    ).map((problem) => problem.replace(/^\S+ /, ''))

  it('are refused, with or without an end; calls that lead on are not', () => {
    expect(stock('[{ call: app.a }]')).toEqual(['calls go in a circle without an end: app.a -> stock.b -> app.a'])
    expect(stock('[{ saga: [{ call: app.a }] }]')).toEqual([
      'calls go in a circle without an end: app.a -> stock.b -> app.a',
    ])
    expect(stock('[{ choose: [{ weight: 50%, flow: [{ call: app.a }] }, { weight: 50%, flow: [] }] }]')).toEqual([
      'calls in a circle that ends by chance are not supported yet: app.a -> stock.b -> app.a',
    ])
    expect(stock('[{ call: stock.c }]')).toEqual([])
  })
})

describe('docs/topology.md', () => {
  const blocks = [...readFileSync('docs/topology.md', 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    (match) => match[1] ?? '',
  )

  it('shows a topology that parses and a calibration that fits it', () => {
    const [shop = '', calibration = ''] = blocks
    expect(blocks).toHaveLength(2)
    expect(told(shop)).toEqual([])
    const read = parseCalibration(calibration, {
      file: 'c',
      components: ['app', 'edge'],
      requests: ['view', 'buy'],
      steps: ['view/1'],
    })
    expect([read.hitRatios['view/1'], read.steps['view/1']?.wait?.demand]).toEqual([
      0.825,
      { law: 'constant', seconds: 0.002 },
    ])
  })

  it('names every engine, every option of each, every step and every modifier', () => {
    const text = readFileSync('docs/topology.md', 'utf8')
    const words = [...engineRegistry.values()].flatMap(({ engine, options, notYet }) => [
      engine,
      ...Object.keys(options),
      ...Object.keys(notYet ?? {}),
    ])
    const missing = [
      ...words,
      ...stepKinds,
      ...Object.values(stepShapes).flatMap((shape) => Object.keys(shape)),
    ].filter((word) => !new RegExp(`[\`( {,]${word}[\`: ,)}.]`).test(text))
    expect([...new Set(missing)]).toEqual([])
  })
})

describe('messages that feed themselves', () => {
  const broker = (flow: string): readonly string[] =>
    told(
      topology({
        components: `  app: { engine: service }
  rabbit: { engine: rabbitmq, queues: { tasks: {} } }
  worker: { engine: service, consumes: rabbit.tasks, flow: ${flow} }`,
        requests: '  get: { share: 100%, serve: app, flow: [{ publish: rabbit.tasks }] }',
      }),
    )

  it('without an end are refused; those that end by chance are not', () => {
    expect(broker('[{ publish: rabbit.tasks }]')).toEqual([
      '11:72 messages go in a circle without an end: rabbit.tasks -> worker (flow) -> rabbit.tasks',
    ])
    expect(
      broker('[{ choose: [{ weight: 90%, flow: [] }, { weight: 10%, flow: [{ publish: rabbit.tasks }] }] }]'),
    ).toEqual([])
  })
})

describe('the parsed topology', () => {
  it('is frozen through and through', () => {
    const check = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      for (const inner of Object.values(value)) check(inner)
    }
    check(parse(scenario('flash-sale')))
  })

  it('has a digest of its meaning: not of comments, order, quotes or the way units are written', () => {
    const { digest } = parse(scenario())
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    const rewritten = scenario()
      .replace(/^ *#.*\n/gm, '')
      .replace('500ms', '0.5s')
      .replace('2KiB', '2048B')
      .replace('10m', '600 s')
      .replace('engine: redis, host: state', 'host: "state", engine: "redis"')
    expect(rewritten).not.toBe(scenario())
    expect(parse(rewritten).digest).toBe(digest)
    expect(parse(scenario().replace('500ms', '501ms')).digest).not.toBe(digest)
    expect(parse(scenario().replace('name: optimization-api', 'name: other')).digest).not.toBe(digest)
  })

  it('locates what stands in it, and the nearest around what does not', () => {
    const { source } = parse(scenario())
    const at = (...path: (string | number)[]) => {
      const { line, column } = source.locate(path)
      return `${line}:${column}`
    }
    expect(at('components', 'app', 'replicas')).toBe('27:15')
    expect(at('components', 'app')).toBe('24:3')
    expect(at('components', 'app', 'maxQueue')).toBe('24:3')
    expect(at('components', 'app', 'pools', 'main', 'size')).toBe('32:29')
    expect(at('requests', 'get-route', 'flow', 1, 'miss', 0)).toBe('54:13')
    expect(at('nowhere')).toBe('4:1')
  })

  it('resolves the scenario as test/golden has it', async () => {
    const { source, ...resolved } = parse(scenario())
    expect(source.text).toBe(scenario())
    await expect(`${JSON.stringify(resolved, null, 2)}\n`).toMatchFileSnapshot(
      '../golden/topology/optimization-api.json',
    )
  })
})
