/** For each rule a topology without its mistake, and the one change that plants it. */
import type { RuleId } from '../../../src/plan/rules/index.js'

export interface Twin {
  readonly good: string
  /** What is replaced in `good` by what. */
  readonly planted: readonly [from: string, to: string]
  /** Beside the good one. */
  readonly calibration?: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly subject: string
  /** In the arithmetic. */
  readonly says: string
  /** `--fix` mends it; else it names a decision, or is advice. */
  readonly mended?: true
}

const simple = `
components:
  app: { engine: service, replicas: 2, pools: { main: { to: db, size: 10 } } }
  db: { engine: postgres }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 10ms }, { query: app.main, table: t, time: 1ms }] }
traffic: { rate: 100/s }
policy: { headroom: 25% }
`

const calibration = `
apiVersion: plimsoll/v1
kind: Calibration
origin: { runs: [a], measuredAt: "2026-01-01T00:00:00Z", topologyDigest: "00", machine: m }
components:
  app: { demand: 0.1ms, samples: 100 }
`

const behindQueue = (queue: string, worker: string, slo = ''): string => `
components:
  api: { engine: service }
  broker: { engine: rabbitmq, queues: { tasks: { ${queue} }, failed: { maxLength: 1000 } } }
  worker: { engine: service, replicas: 2, consumes: broker.tasks, slots: 5, ${worker} flow: [{ wait: { const: 1s } }] }
requests:
  submit: { share: 100%, serve: api, flow: [{ publish: broker.tasks }]${slo} }
traffic: { rate: 5/s }
`

const locked = (ttl: string, inside: string, acquire = '200ms'): string => `
data: { product: { keys: 1000, popularity: zipf(1), counters: { stock: 10 } } }
components:
  app: { engine: service, replicas: 4, pools: { main: { to: db, size: 20, acquireTimeout: ${acquire} } } }
  locks: { engine: redis }
  db: { engine: postgres }
  payment: { engine: external, latency: { const: 200ms } }
requests:
  buy:
    share: 100%
    serve: app
    route: POST /buy
    flow:
      - lock: locks
        key: product
        ttl: ${ttl}
        do:
          - { reserve: product.stock, via: app.main, time: { cpu: 0.1ms, wait: 1ms } }
${inside}
traffic: { rate: 100/s }
`

const cached = (lookup: string, more = ''): string => `
data: { page: { keys: 1000, popularity: zipf(1), bytes: 1KiB } }
hosts: { db: { cpu: 4 } }
components:
  app: { engine: service, replicas: 8, pools: { main: { to: db, size: 30 } } }
  cache: { engine: redis, memory: 64MiB, eviction: allkeys-lru }
  db: { engine: postgres, host: db, maxConnections: 300 }
requests:
  view:
    share: 100%
    serve: app
    route: GET /{page}
    flow:
      - lookup: cache
        key: page
        ttl: 60s
${lookup}
        miss: [{ query: app.main, time: { cpu: 2ms, wait: 20ms } }]
${more}`

export const twins: Readonly<Record<RuleId, Twin>> = {
  saturated: {
    good: simple,
    planted: ['rate: 100/s', 'rate: 250/s'],
    severity: 'error',
    subject: 'app',
    says: '2 event loops, 10 ms of CPU per request: at most 200/s; utilization 125 %',
  },
  headroom: {
    good: simple.replace('100/s', '160/s').replace('25%', '15%'),
    planted: ['15%', '25%'],
    severity: 'warning',
    subject: 'app',
    says: '1 − 160/s / 200/s = 20 %',
  },
  uncalibrated: {
    good: simple,
    planted: ['100/s', '90/s'],
    calibration,
    severity: 'info',
    subject: 'calibration',
    says: 'app 10 ms declared',
  },
  'pool-oversubscription': {
    good: simple.replace('size: 10 } }', 'size: 16 } }, scaling: { min: 2, max: 6, triggers: [{ cpu: 70% }] }'),
    planted: ['size: 16', 'size: 17'],
    severity: 'error',
    subject: 'db',
    says: 'app.main 6 (its maximum) × 17 = 102 > 100 − 3 reserved = 97; before they scale app.main 2 × 17 = 34',
    mended: true,
  },
  'pool-deadlock': {
    good: simple
      .replace('replicas: 2,', 'execution: { model: threads, threads: 3 }, image: mine,')
      .replace('size: 10', 'size: 10, connectionsPerRequest: 4'),
    planted: ['size: 10', 'size: 9'],
    severity: 'error',
    subject: 'app.main',
    says: 'Tn × (Cm − 1) + 1 = 3 threads × (4 − 1) + 1 = 10 > 9',
    mended: true,
  },
  'pool-beyond-cores': {
    good: simple
      .replace('{ engine: postgres }', '{ engine: postgres, host: db, maxConnections: 500 }')
      .replace('components:', 'hosts: { db: { cpu: 4 } }\ncomponents:'),
    planted: ['size: 10', 'size: 100'],
    severity: 'warning',
    subject: 'db',
    says: 'app.main 2 × 100 = 200 > 4 × 9',
    mended: true,
  },
  'quorum-of-two': {
    good: `
hosts: { stream: { count: 3, cpu: 4 } }
components:
  app: { engine: service }
  events: { engine: kafka, replicas: 3, topics: { orders: {} }, host: stream }
requests:
  r: { share: 100%, serve: app, route: POST /, flow: [{ publish: events.orders }] }
`,
    planted: ['replicas: 3', 'replicas: 2'],
    severity: 'error',
    subject: 'events',
    says: '2 voters, majority ⌊2/2⌋ + 1 = 2: 2 − 2 = 0 may be lost',
    mended: true,
  },
  'no-automatic-promotion': {
    good: simple.replace(
      '{ engine: postgres }',
      '{ engine: postgres, readReplicas: 1, failover: { detect: 5s, promote: 20s } }',
    ),
    planted: [', failover: { detect: 5s, promote: 20s }', ''],
    severity: 'warning',
    subject: 'db',
    says: '1 primary + 1 copy, mode replicated, no failover',
  },
  'single-point-of-failure': {
    good: `
components:
  edge: { engine: nginx, upstream: app, replicas: 2 }
  app: { engine: service, replicas: 2 }
requests:
  r: { share: 100%, enter: edge, serve: app, flow: [{ compute: 1ms }] }
policy: { survive: one-node }
`,
    planted: ['upstream: app, replicas: 2', 'upstream: app'],
    severity: 'warning',
    subject: 'edge',
    says: '1 instance − 1 lost = 0 left for r (100 % of requests)',
    mended: true,
  },
  'correlated-failure': {
    good: simple
      .replace(
        '{ engine: postgres }',
        '{ engine: postgres, host: db, readReplicas: 1, failover: { detect: 5s, promote: 9s } }',
      )
      .replace('components:', 'hosts: { db: { count: 2, cpu: 4 } }\ncomponents:'),
    planted: ['count: 2', 'count: 1'],
    severity: 'warning',
    subject: 'db',
    says: '2 copies on 1 machine: ⌈2/1⌉ = 2 lost at once, 0 left, 1 needed',
    mended: true,
  },
  'cache-loss': {
    good: cached('        hitRatio: 95%', 'traffic: { rate: 1500/s }'),
    planted: ['rate: 1500/s', 'rate: 2500/s'],
    severity: 'warning',
    subject: 'db',
    says: '1/(1 − 95 %) = 20: 125/s × 20 = 2500/s; utilization 6.72 % → 134 % of 4 cores',
  },
  'cache-stampede': {
    good: cached('        renew: true', 'traffic: { rate: 8000/s }').replace('size: 30', 'size: 1'),
    planted: ['        renew: true\n', ''],
    severity: 'warning',
    subject: 'view/0',
    says: '8000/s × 13.4 % × 22.1 ms = 23.7 > 8 connections of app.main',
  },
  'shard-skew': {
    good: simple
      .replace('{ engine: postgres }', '{ engine: postgres, shards: { count: 4, key: customer } }')
      .replace('components:', 'data: { customer: { keys: 10000, popularity: zipf(0.5) } }\ncomponents:'),
    planted: ['zipf(0.5)', 'zipf(1.4)'],
    severity: 'warning',
    subject: 'db',
    says: '10000 keys of customer, zipf(1.4), by hash',
  },
  'timeout-inversion': {
    good: simple
      .replace('serve: app,', 'serve: app, client: { timeout: 2s },')
      .replace('time: 1ms', 'time: 1ms, timeout: 1s'),
    planted: ['timeout: 1s', 'timeout: 5s'],
    severity: 'error',
    subject: 'timeout of r/1',
    says: '5 s > 2 s of the client of r',
    mended: true,
  },
  'retry-amplification': {
    good: `
components:
  front: { engine: service }
  back: { engine: service, operations: { get: { flow: [{ compute: 1ms }] } } }
requests:
  r:
    share: 100%
    serve: front
    client: { timeout: 2s, retry: { attempts: 3 } }
    flow: [{ call: back.get, timeout: 100ms, retry: { attempts: 3, budget: 10% } }]
traffic: { rate: 10/s }
`,
    planted: [', budget: 10%', ''],
    severity: 'warning',
    subject: 'r/0',
    says: 'client: 3 attempts × r/0: 3 attempts = 9',
    mended: true,
  },
  'metastable-retries': {
    good: simple
      .replace('serve: app,', 'serve: app, client: { timeout: 1s, retry: { attempts: 4, budget: 10% } },')
      .replace('rate: 100/s', 'rate: 60/s'),
    planted: [', budget: 10%', ''],
    severity: 'warning',
    subject: 'app',
    says: 'λ(1 + k)/μ = 60/s × (1 + 3) / 200/s = 120 %; without retries 30 %',
    mended: true,
  },
  'unbounded-queue': {
    good: behindQueue('maxLength: 100, deadLetter: failed', ''),
    planted: ['maxLength: 100, ', ''],
    severity: 'warning',
    subject: 'broker.tasks',
    says: 'maxLength = ∞; it is emptied at 2 × 5 slots / 1 s = 10/s, so 60 s are 599 messages',
    mended: true,
  },
  'queue-holds-too-long': {
    good: behindQueue('maxLength: 500, ttl: 1m, deadLetter: failed', ''),
    planted: ['ttl: 1m', 'ttl: 40s'],
    severity: 'error',
    subject: 'broker.tasks',
    says: '500 / (2 × 5 slots / 1 s)',
    mended: true,
  },
  'missing-dead-letter': {
    good: behindQueue('maxLength: 100, deadLetter: failed', ''),
    planted: [', deadLetter: failed', ''],
    severity: 'warning',
    subject: 'broker.tasks',
    says: 'worker: 2 × 5 slots; ∞ deliveries, no deadLetter',
    mended: true,
  },
  'missing-health-check': {
    good: `
components:
  edge: { engine: nginx, upstream: app, health: { maxFails: 2, failTimeout: 5s } }
  app: { engine: service, replicas: 4 }
requests:
  r: { share: 100%, enter: edge, serve: app, flow: [{ compute: 1ms }] }
`,
    planted: ['maxFails: 2', 'maxFails: 0'],
    severity: 'warning',
    subject: 'edge',
    says: 'maxFails 0: 1 dead of 4 gets 1/4 = 25 % of requests',
    mended: true,
  },
  'liveness-equals-readiness': {
    good: simple.replace(
      'replicas: 2,',
      'replicas: 2, probes: { liveness: { path: /healthz }, readiness: { path: /readyz } },',
    ),
    planted: ['/healthz', '/readyz'],
    severity: 'warning',
    subject: 'app',
    says: 'liveness /readyz = readiness /readyz: 2 of 2 replicas restart',
    mended: true,
  },
  'deep-health-check': {
    good: simple.replace('replicas: 2,', 'replicas: 2, probes: { readiness: { path: /readyz } },'),
    planted: ['path: /readyz }', 'path: /readyz, checks: [db] }'],
    severity: 'error',
    subject: 'app',
    says: '2 × /readyz asks db: 1 lost takes 2 of 2 replicas out; 0 % of requests do not need it',
    mended: true,
  },
  'scaling-metric-cannot-move': {
    good: simple.replace(
      'replicas: 2,',
      'replicas: 2, resources: { cpu: 1 }, scaling: { min: 2, max: 4, triggers: [{ cpu: 70% }] },',
    ),
    planted: ['cpu: 1 }', 'cpu: 2 }'],
    severity: 'warning',
    subject: 'app',
    says: '1 event loop = 1 of 2 cores = 50 % ≤ 70 % × (1 + 10 %)',
  },
  'scaling-slower-than-ramp': {
    good: simple
      .replace('replicas: 2,', 'replicas: 2, startup: 20s, scaling: { min: 2, max: 9, triggers: [{ cpu: 50% }] },')
      .replace('rate: 100/s', 'rate: 100/s, surge: { factor: 4, within: 10m }'),
    planted: ['within: 10m', 'within: 1m'],
    severity: 'warning',
    subject: 'app',
    says: '100/s × 4 = 400/s within 60 s; 2 replicas carry 200/s',
  },
  'throughput-claim': {
    good: behindQueue('maxLength: 50, deadLetter: failed', 'claims: { throughput: 10/s },').replace(
      'wait: { const: 1s }',
      'wait: { uniform: [0.8s, 1s] }',
    ),
    planted: ['throughput: 10/s', 'throughput: 50/s'],
    severity: 'error',
    subject: 'worker',
    says: '2 × 5 slots / 0.9 s = 11.1/s < 50/s; tasks of 0.807 to 0.997 s (9 of 10): 10 to 12/s',
  },
  'slo-below-service-time': {
    good: simple.replace('serve: app,', 'serve: app, slo: { p95: 50ms },'),
    planted: ['p95: 50ms', 'p95: 20ms'],
    severity: 'error',
    subject: 'r',
    says: 'mean 11.2 ms, p95',
  },
  'availability-target': {
    good: simple.replace('serve: app,', 'serve: app, slo: { availability: 99.8% },'),
    planted: ['99.8%', '99.95%'],
    severity: 'error',
    subject: 'r',
    says: 'app 1 of 2 × 99.9 % assumed × db 99.9 % assumed = 99.9 % < 99.95 %: 43.2 min a month instead of 21.6 min',
  },
  'lock-expires-early': {
    good: locked('2s', '          - { call: payment, timeout: 600ms, retry: { attempts: 3 } }'),
    planted: ['ttl: 2s', 'ttl: 1s'],
    severity: 'error',
    subject: 'buy/0',
    says: 'buy/0.do.1 3 × 600 ms = 1.8 s > ttl 1 s',
    mended: true,
  },
  'lock-across-slow-call': {
    good: locked('2s', ''),
    planted: ['wait: 1ms } }\n', 'wait: 1ms } }\n          - { call: payment, timeout: 500ms }\n'],
    severity: 'warning',
    subject: 'buy/0',
    says: 'ceiling of one key 1/201 ms = 4.97/s; the most popular is asked for 100/s × 13.4 % = 13.4/s: 269 % of it; 20 % of requests meet a saturated key',
  },
  'acquire-timeout-beyond-lock': {
    good: locked('2s', '', '500ms'),
    planted: ['acquireTimeout: 500ms', 'acquireTimeout: 5s'],
    severity: 'error',
    subject: 'app.main',
    says: 'acquireTimeout 5 s ≥ ttl 2 s',
    mended: true,
  },
  'replica-lag': {
    good: simple
      .replace(
        '{ engine: postgres }',
        '{ engine: postgres, readReplicas: 1, replication: { mode: async, lag: 100ms }, failover: { detect: 5s, promote: 9s } }',
      )
      .replace('to: db, size: 10 }', 'to: db, size: 10 }, copies: { to: db.replica, size: 10 }')
      .replace('table: t,', 'table: t, consistency: read-your-writes,'),
    planted: ['query: app.main', 'query: app.copies'],
    severity: 'error',
    subject: 'r/1',
    says: 'replication async, lag 100 ms',
    mended: true,
  },
  'plaintext-secret': {
    good: simple.replace(
      'replicas: 2,',
      'replicas: 2, env: { LOG_LEVEL: info, DB_PASSWORD: { secret: db-password }, TOKEN_TTL: 5m },',
    ),
    planted: ['{ secret: db-password }', 'hunter2'],
    severity: 'error',
    subject: 'app',
    says: '1 value of 7 characters under DB_PASSWORD',
  },
  'memory-at-limit': {
    good: `
components:
  app: { engine: service }
  cache: { engine: redis, memory: 768MiB, resources: { memory: 1GiB } }
`,
    planted: ['memory: 768MiB', 'memory: 1GiB'],
    severity: 'error',
    subject: 'cache',
    says: '1 GiB / 1 GiB = 100 % > 90 %',
    mended: true,
  },
  'slots-and-cores': {
    good: behindQueue('maxLength: 50, deadLetter: failed', 'resources: { cpu: 5 },').replace(
      'wait: { const: 1s }',
      'compute: { const: 1s }',
    ),
    planted: ['cpu: 5', 'cpu: 2'],
    severity: 'warning',
    subject: 'worker',
    says: '5 slots × 1 s / 1 s = 5 > 2 cores per replica; 1 s × 5 / 2 = 2.5 s',
    mended: true,
  },
  'hit-ratio-contradicted': {
    good: cached('        hitRatio: 93%', 'traffic: { rate: 100/s }'),
    planted: ['popularity: zipf(1)', 'popularity: uniform'],
    severity: 'warning',
    subject: 'view/0',
    says: '1000 keys, uniform, of 1 KiB + 96 B',
    mended: true,
  },
  'trigger-beyond-queue': {
    good: behindQueue(
      'maxLength: 500, deadLetter: failed',
      'scaling: { min: 2, max: 6, triggers: [{ queueLength: 400 }] },',
    ),
    planted: ['queueLength: 400', 'queueLength: 1000'],
    severity: 'error',
    subject: 'worker',
    says: '1000 × (1 + 10 %) = 1100 ≥ maxLength 500',
    mended: true,
  },
}
