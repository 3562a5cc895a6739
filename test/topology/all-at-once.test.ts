import { describe, expect, it } from 'vitest'
import { fixture, problemsOf, scenario, told, topology } from './problems.js'

/** Replaces exactly one occurrence, so that a test cannot pass because its mistake was not made. */
const once = (text: string, from: string, to: string): string => {
  expect(text.split(from)).toHaveLength(2)
  return text.replace(from, () => to)
}

describe('all mistakes of a file', () => {
  it('twelve independent mistakes are twelve problems at twelve exact places, without cascades', () => {
    const mistakes: readonly (readonly [string, string])[] = [
      ['memory: 4GiB, price: 0.10/h', 'memory: 4GB, price: 0.10/h'],
      ['keys: 5000', 'keys: 1e15'],
      ['host: edge', 'host: egde'],
      ['balance: least_conn', 'balnce: least_conn'],
      ['replicas: 2', 'replicas: 0'],
      ['to: db, size: 10', 'to: dbb, size: 10'],
      ['eviction: allkeys-lru', 'eviction: allkeys-lur'],
      ['maxConnections: 60', 'upstream: app'],
      ['share: 90%', 'share: 80%'],
      ['key: route', 'key: rout'],
      ['- query: app.main', '- querry: app.main'],
      ['headroom: 25%', 'headroom: .nan'],
    ]
    const text = mistakes.reduce((file, [from, to]) => once(file, from, to), scenario())
    expect(told(text)).toEqual([
      '10:36 memory: unknown unit "GB" in "4GB": expected a size such as 2KiB',
      '14:18 keys: expected a whole number of at most 10000000, got 1e15',
      '19:11 unknown host "egde"',
      '21:5 unknown key "balnce" in component "edge" (nginx)',
      '27:15 replicas: expected a whole number of at least 1, got 0',
      '32:19 unknown component "dbb"',
      '33:66 eviction: unknown value "allkeys-lur": expected one of noeviction, allkeys-lru, allkeys-lfu, volatile-lru, volatile-ttl, allkeys-random',
      '34:40 "upstream" has no meaning for engine postgres (component "db")',
      '36:1 the shares of requests sum to 90%, not 100%',
      '49:14 unknown data set "rout"',
      '54:13 unknown step "querry"',
      '73:21 headroom: expected a percentage such as 80%, got ".nan"',
    ])
    expect(problemsOf(text).map(({ hint }) => hint)).toEqual([
      'did you mean "GiB"?',
      undefined,
      'did you mean "edge"?',
      'did you mean "balance"?',
      undefined,
      'did you mean "db"?',
      'did you mean "allkeys-lru"?',
      'engines with "upstream": nginx, haproxy, dns, cdn',
      'they are 80% + 10%',
      'did you mean "route"?',
      'did you mean "query"?',
      undefined,
    ])
  })

  it('fourteen mistakes of structure: cycles, duplicates, missing keys, roles, sagas, guards', () => {
    const text = `apiVersion: plimsoll/v1
kind: Topologie
name: twelve
data:
  product: { keys: 10, counters: { stock: 1 } }
components:
  edge: { engine: nginx, upstream: inner }
  inner: { engine: haproxy, upstream: edge }
  app:
    engine: service
    pools: { main: { to: db.replica, size: 5 } }
    operations:
      a: { flow: [{ call: app.b }] }
      b: { flow: [{ call: app.a }] }
  cache: { engine: redis, engine: nginx }
  db: { engine: postgres }
  db2: { host: edge }
requests:
  buy:
    share: 100%
    serve: app
    flow:
      - lock: cache
        key: product
        do: []
      - reserve: product.stok
        via: db
      - release: product.stock
        via: db
        guard: lua
      - compute: 1ms
        undo: []
      - compute: { mean: 5ms, p99: 9ms }
      - compute: { uniform: [5ms, 1ms] }
traffic: { users: 5 }
`
    expect(told(text)).toEqual([
      '2:7 kind: unknown value "Topologie": expected one of Topology',
      '8:39 requests go in a circle: edge -> inner -> edge',
      '11:26 "db" has no replicas',
      '14:27 calls go in a circle without an end: app.a -> app.b -> app.a',
      '15:27 duplicate key "engine"',
      '17:3 component "db2" needs "engine"',
      '17:16 unknown host "edge"',
      '23:9 step "lock" needs "ttl"',
      '26:18 "product" has no counter "stok"',
      '30:16 guard: lua has no meaning for "db" (postgres)',
      '32:9 "undo" has a meaning only in the entries of a saga',
      '33:31 "p99" does not go with "mean" in a distribution',
      '34:35 uniform[1]: the upper end is below the lower end',
      '35:1 traffic: "users" needs "thinkTime"',
    ])
  })

  it('a component with a mistake of its own is known to those who refer to it', () => {
    const text = topology({
      components: `  edge: { engine: ngnix, upstream: app }
  app: { engine: service, pools: { main: { to: db, size: none }, other: { to: nowhere, size: 1 } } }
  db: { engine: postgres, maxConnections: -1 }`,
      requests:
        '  get: { share: 100%, enter: edge, serve: app, flow: [{ query: app.main }, { write: app.other }, { query: db }] }',
    })
    expect(told(text)).toEqual([
      '9:19 unknown engine "ngnix"',
      '10:58 size: expected a whole number, got "none"',
      '10:79 unknown component "nowhere"',
      '11:43 maxConnections: expected a whole number of at least 1, got -1',
    ])
  })

  it('a misspelt key is one mistake: it is read as what was meant, so nothing that needs it is missing', () => {
    const text = topology({
      components: `  edge: { engine: nginx, upstraem: app }
  app: { engin: service, polls: { main: { too: db, sise: 10 } } }
  db: { engine: postgres }
  pay: { engine: external, latncy: { men: 5ms, cv: 1 } }`,
      requests: `  get: { shrae: 100%, enter: edge, serv: app, flow: [{ querry: app.main }, { query: app.mian }, { transaction: app.main, doo: [] }] }`,
    })
    expect(told(text)).toEqual([
      '9:26 unknown key "upstraem" in component "edge" (nginx)',
      '10:10 unknown key "engin" in component "app" (service)',
      '10:26 unknown key "polls" in component "app" (service)',
      '10:43 unknown key "too" in "main"',
      '10:52 unknown key "sise" in "main"',
      '12:28 unknown key "latncy" in component "pay" (external)',
      '12:38 unknown key "men" in a distribution',
      '14:10 unknown key "shrae" in "get"',
      '14:36 unknown key "serv" in "get"',
      '14:56 unknown step "querry"',
      '14:85 "app" has no pool "mian"',
      '14:122 unknown key "doo" in step "transaction"',
    ])
  })

  it('says nothing of a sum when a share is wrong or missing', () => {
    expect(told(topology({ requests: '  a: { share: 30, serve: app }\n  b: { share: 20%, serve: app }' }))).toEqual([
      '18:15 share: "30" has no unit: expected a percentage such as 80%',
    ])
    expect(told(topology({ requests: '  a: { serve: app }\n  b: { share: 20%, serve: app }' }))).toEqual([
      '18:3 "a" needs "share"',
    ])
  })

  it('thirds may be rounded, tenths may not be lost', () => {
    const shares = (share: string): string =>
      ['a', 'b', 'c'].map((id) => `  ${id}: { share: ${share}, serve: app }`).join('\n')
    expect(told(topology({ requests: shares('33.3%') }))).toEqual([])
    expect(told(topology({ requests: shares('33.33%') }))).toEqual([])
    expect(told(topology({ requests: shares('33%') }))).toEqual(['17:1 the shares of requests sum to 99%, not 100%'])
    expect(told(topology({ requests: shares('40%') }))).toEqual(['17:1 the shares of requests sum to 120%, not 100%'])
  })

  it('the documents of the design are accepted as they stand', () => {
    expect(told(scenario('flash-sale'))).toEqual([])
    expect(told(fixture('task-queue'))).toEqual([])
    expect(told(scenario())).toEqual([])
    expect(told(topology())).toEqual([])
  })
})
