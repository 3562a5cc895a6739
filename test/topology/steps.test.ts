import { expect, test } from 'vitest'
import { stepFacts } from '../../src/topology/steps.js'
import { topologyFrom } from '../support/topology.js'

test('what steps ask of a store: a query once, a transaction BEGIN and COMMIT beside its queries, a look-up its GET', () => {
  const facts = stepFacts(
    topologyFrom(`
data: { item: { keys: 10, bytes: 1KiB } }
components:
  app: { engine: service, pools: { main: { to: db, size: 5 } } }
  cache: { engine: redis, memory: 64MiB }
  db: { engine: postgres }
requests:
  r:
    share: 100%
    serve: app
    route: GET /{item}
    flow:
      - compute: 1ms
      - lookup: cache
        key: item
        ttl: 60s
        miss: [{ query: app.main }]
      - transaction: app.main
        do: [{ write: app.main, table: log, time: { cpu: 1ms, wait: 2ms } }]
`),
  )
  const of = (id: string) => [facts.get(id)?.burns, facts.get(id)?.exchanges]
  expect(of('r/0')).toEqual(['app', 0])
  expect(of('r/1')).toEqual(['cache', 1])
  expect(of('r/1.miss.0')).toEqual(['db', 1])
  expect(of('r/2')).toEqual(['db', 2])
  expect(of('r/2.do.0')).toEqual(['db', 1])
  expect(facts.get('r/1')?.firstMiss).toBe('r/1.miss.0')
  expect(facts.get('r/2.do.0')).toMatchObject({ cpuSeconds: 0.001, waitSeconds: 0.002, pool: 'app/main' })
})
