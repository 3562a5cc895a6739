/** Known answers (oracles 22 to 25), and what the rules must not say. */
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { topologyFile, topologyFrom } from '../support/topology.js'

const findings = (text: string) => capacityPlan(topologyFrom(text)).findings
const of = (rule: string, text: string) => findings(text).filter((finding) => finding.rule === rule)

describe('the flash sale (oracle 22)', () => {
  const { findings: found } = capacityPlan(topologyFile('scenarios/flash-sale/topology.yaml'))
  const told = (rule: string) => found.filter((finding) => finding.rule === rule)

  it('demands 600 connections of 300, and 1800 when its autoscaler has had its way', () => {
    const [primary, replica] = told('pool-oversubscription')
    expect(primary?.arithmetic).toBe(
      'app.primary 2 × 300 = 600 > 300 − 1 reserved = 299; app.primary 6 (its maximum) × 300 = 1800',
    )
    expect(replica?.arithmetic).toContain('app.replica 2 × 300 = 600')
  })

  it('has two Kafka voters that survive the loss of none, and two Redis masters that elect nobody', () => {
    const quorums = told('quorum-of-two')
    expect(quorums.map(({ subject, severity }) => [subject, severity])).toEqual([
      ['cache', 'error'],
      ['events', 'error'],
    ])
    expect(quorums[0]?.message).toContain('elects nobody')
    expect(quorums[1]?.message).toBe(
      'two KRaft voters survive the loss of none: the one that is left is no majority and elects nobody',
    )
  })

  it('multiplies the reads of its replica by 1/(1 − 0.83) = 5.88 without its cache', () => {
    const [loss] = told('cache-loss')
    expect(loss?.arithmetic).toContain('1/(1 − 83 %) = 5.88')
  })

  it('says which share of purchases meets a product whose lock is saturated', () => {
    const [lock] = told('lock-across-slow-call')
    expect(lock?.arithmetic).toMatch(/ceiling of one key 1\/6\.\d+ ms = 1[56]\d\/s/)
    expect(lock?.arithmetic).toContain('9.78 % of requests meet a saturated key')
  })

  it('has a number of the file, and a place in it, in every finding', () => {
    for (const { arithmetic, position } of found) {
      expect(arithmetic).toMatch(/\d/)
      expect(position?.file).toBe('scenarios/flash-sale/topology.yaml')
      expect(Math.min(position?.line ?? 0, position?.column ?? 0)).toBeGreaterThan(0)
    }
  })
})

const taskQueue = (worker: string, queue: string) => `
components:
  api: { engine: service, replicas: 3 }
  broker: { engine: redis, persistence: aof, queues: { tasks: { ${queue}, deadLetter: failed }, failed: { maxLength: 10000 } } }
  worker:
    engine: service
    replicas: 3
    consumes: broker.tasks
    slots: 4
    ${worker}
    flow: [{ compute: { uniform: [5s, 6s] } }]
requests:
  submit: { share: 100%, serve: api, route: POST /tasks, slo: { queueDelay: { p95: 100ms } }, flow: [{ publish: broker.tasks }] }
traffic: { rate: 2/s }
`

describe('the task queue (oracle 23)', () => {
  it('carries 2.0 to 2.4 tasks a second, not the 12 that are claimed', () => {
    const [claim] = of('throughput-claim', taskQueue('claims: { throughput: 12/s }', 'maxLength: 500'))
    expect(claim?.severity).toBe('error')
    expect(claim?.arithmetic).toBe(
      '3 × 4 slots / 5.5 s = 2.18/s < 12/s; tasks of 5.03 to 5.98 s (9 of 10): 2.0 to 2.4/s',
    )
    expect(claim?.decision).toContain('17 replicas instead of 3')
  })

  it('holds 229 s of work in a queue of 500, not 100 ms', () => {
    const [queue] = of('queue-holds-too-long', taskQueue('', 'maxLength: 500'))
    expect(queue?.severity).toBe('error')
    expect(queue?.message).toContain('holds 229 s of work')
    expect(queue?.arithmetic).toContain('500 / (3 × 4 slots / 5.5 s) = 500 / 2.18/s = 229 s > 100 ms')
  })
})

describe('container routing (oracle 24)', () => {
  const routing = (queueLimit: number, headroom: string) => `
hosts: { api: { count: 3, cpu: 2 } }
components:
  edge: { engine: nginx, upstream: api, balance: least_conn, replicas: 2 }
  api:
    engine: service
    host: api
    replicas: 3
    execution: { model: virtual-threads }
    maxInFlight: 1000
    resources: { cpu: 2, memory: { base: 256MiB, perRequest: 512KiB } }
    scaling: { min: 3, max: 9, triggers: [{ cpu: 70% }, { memory: 80% }] }
  broker: { engine: rabbitmq, replicas: 3, queues: { routes: { maxLength: ${queueLimit}, deadLetter: failed }, failed: { maxLength: 100 } } }
  worker:
    engine: service
    replicas: 3
    consumes: broker.routes
    slots: 10
    scaling: { min: 3, max: 9, triggers: [{ queueLength: 1000 }] }
    flow: [{ compute: { const: 100ms } }]
requests:
  route: { share: 100%, enter: edge, serve: api, route: POST /routes, flow: [{ compute: 10ms }, { publish: broker.routes }] }
traffic: { rate: 250/s }
policy: { headroom: ${headroom}, survive: one-node }
`
  it('scales at 70 % CPU, 80 % memory and 1000 messages: all of them can be reached, when the queue may be that long', () => {
    const rules = findings(routing(5000, '10%')).map(({ rule }) => rule)
    expect(rules).not.toContain('scaling-metric-cannot-move')
    expect(rules).not.toContain('trigger-beyond-queue')
  })

  it('never scales by more than 1000 messages when its queue refuses at 1000', () => {
    const [trigger] = of('trigger-beyond-queue', routing(1000, '10%'))
    expect(trigger?.arithmetic).toBe('1000 × (1 + 10 %) = 1100 ≥ maxLength 1000')
  })

  it('wants 25 % of headroom, and has 16.6 %', () => {
    const [headroom] = of('headroom', routing(5000, '25%'))
    expect(headroom?.arithmetic).toContain('1 − 250/s / 300/s = 16.6 %')
  })
})

describe('the size of a pool (oracle 25)', () => {
  const pooled = (threads: number, each: number, size: number) => `
components:
  app: { engine: service, image: mine, probes: { readiness: { path: /ready } }, execution: { model: threads, threads: ${threads} }, pools: { main: { to: db, size: ${size}, connectionsPerRequest: ${each} } } }
  db: { engine: postgres }
`
  it.each([
    [3, 4, 10],
    [8, 3, 17],
  ])('with %d threads that hold %d connections each is %d', (threads, each, least) => {
    const [finding] = of('pool-deadlock', pooled(threads, each, least - 1))
    expect(finding?.arithmetic).toBe(
      `Tn × (Cm − 1) + 1 = ${threads} threads × (${each} − 1) + 1 = ${least} > ${least - 1}`,
    )
    expect(of('pool-deadlock', pooled(threads, each, least))).toEqual([])
  })

  it('counts a second connection that an operation takes under a transaction', () => {
    const text = `
components:
  app:
    engine: service
    maxInFlight: 8
    pools: { main: { to: db, size: 8 } }
    operations: { audit: { flow: [{ write: app.main, table: audit, time: 1ms }] } }
  db: { engine: postgres }
requests:
  r: { share: 100%, serve: app, flow: [{ transaction: app.main, do: [{ write: app.main, table: t, time: 1ms }, { call: app.audit }] }] }
`
    const [finding] = of('pool-deadlock', text)
    expect(finding?.arithmetic).toBe('Tn × (Cm − 1) + 1 = 8 requests in flight × (2 − 1) + 1 = 9 > 8')
    expect(of('pool-deadlock', text.replace('size: 8', 'size: 9'))).toEqual([])
  })
})

/** Nothing is wrong with it. */
const wellDesigned = `
hosts:
  edge: { count: 2, cpu: 2, memory: 4GiB }
  app: { count: 3, cpu: 4, memory: 8GiB }
  db: { count: 3, cpu: 8, memory: 32GiB }
  state: { count: 3, cpu: 4, memory: 16GiB }
data:
  item: { keys: 20000, popularity: zipf(0.8), bytes: 1KiB, counters: { stock: 50 } }
  customer: { keys: 100000 }
components:
  edge: { engine: haproxy, host: edge, replicas: 2, upstream: app, balance: least_conn, health: { interval: 2s, maxFails: 3 } }
  app:
    engine: service
    host: app
    replicas: 3
    execution: { model: event-loop, processes: 4 }
    resources: { cpu: 4, memory: { base: 512MiB, perRequest: 256KiB } }
    maxInFlight: 2000
    restart: { after: 2s }
    env: { LOG_LEVEL: info, DB_PASSWORD: { secret: db-password } }
    probes: { liveness: { path: /healthz }, readiness: { path: /readyz } }
    pools:
      main: { to: db.primary, size: 20, acquireTimeout: 300ms }
      copies: { to: db.replica, size: 20, acquireTimeout: 300ms }
    scaling: { min: 3, max: 4, triggers: [{ cpu: 60% }] }
  cache: { engine: redis, host: state, mode: sentinel, replicasPerMaster: 2, memory: 4GiB, eviction: allkeys-lru }
  db: { engine: postgres, host: db, readReplicas: 2, maxConnections: 200, replication: { mode: async, lag: 50ms }, failover: { detect: 5s, promote: 10s } }
  broker: { engine: rabbitmq, host: state, replicas: 3, queues: { mails: { maxLength: 2000, ttl: 10m, maxDeliveries: 5, deadLetter: failed }, failed: { maxLength: 10000 } } }
  events: { engine: kafka, host: state, replicas: 3, replicationFactor: 3, topics: { orders: { partitions: 6 } } }
  mailer:
    engine: service
    host: app
    replicas: 3
    consumes: broker.mails
    slots: 10
    restart: { after: 2s }
    scaling: { min: 3, max: 6, triggers: [{ queueLengthPerReplica: 100 }] }
    flow: [{ compute: 5ms }, { call: mail, timeout: 2s, retry: { attempts: 2, backoff: 100ms, budget: 10% } }]
  mail: { engine: external, latency: { p50: 80ms, p99: 300ms }, errors: 0.1% }
requests:
  view:
    share: 90%
    enter: edge
    serve: app
    route: GET /items/{item}
    client: { timeout: 1s, retry: { attempts: 2, budget: 10% } }
    slo: { p95: 100ms, errors: 1%, availability: 99.9% }
    flow:
      - compute: 1ms
      - lookup: cache
        key: item
        ttl: 5m
        miss: [{ query: app.copies, time: { cpu: 0.5ms, wait: 2ms }, timeout: 500ms }]
        fallback: stale
  order:
    share: 10%
    enter: edge
    serve: app
    route: POST /orders
    client: { timeout: 2s }
    slo: { p95: 250ms, errors: 1% }
    flow:
      - compute: 2ms
      - lock: cache
        key: item
        ttl: 2s
        wait: 500ms
        do: [{ reserve: item.stock, via: app.main, time: { cpu: 0.5ms, wait: 2ms }, timeout: 500ms }]
      - write: app.main
        table: orders
        time: { cpu: 0.5ms, wait: 2ms }
        timeout: 500ms
      - publish: broker.mails
      - publish: events.orders
      - query: app.main
        table: orders
        consistency: read-your-writes
        time: { cpu: 0.2ms, wait: 1ms }
        timeout: 300ms
traffic: { rate: 400/s, surge: { factor: 1.5, within: 5m } }
policy: { headroom: 25%, survive: one-node }
`

describe('the rules', () => {
  it('have nothing to say against a system that is well designed, but that nobody measured it', () => {
    expect(findings(wellDesigned).map(({ rule, message }) => `${rule}: ${message}`)).toEqual([
      expect.stringMatching(/^uncalibrated: /),
    ])
  })

  it('tell the starter that it wants a node survived and has one edge and one database, and nothing else', () => {
    const { findings: found } = capacityPlan(topologyFile('scenarios/optimization-api/topology.yaml'))
    expect(found.map(({ rule, subject, severity }) => [rule, subject, severity])).toEqual([
      ['single-point-of-failure', 'edge', 'warning'],
      ['single-point-of-failure', 'db', 'warning'],
      ['uncalibrated', 'calibration', 'info'],
    ])
  })
})
