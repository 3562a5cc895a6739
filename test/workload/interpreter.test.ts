import { expect, test } from 'vitest'
import { bench } from './fakes.js'
import { data, external, pool, service, step, store, topology } from './topologies.js'

const shop = topology({
  components: [
    service('app', { pools: { main: pool('main', 'db', 2) } }),
    store('cache', 'redis'),
    store('db', 'postgres'),
    external('bad', { errors: 1, latency: { shape: 'constant', seconds: 0.0101 } }),
    external('good', { latency: { shape: 'constant', seconds: 0.0501 } }),
  ],
  data: [data('product', { keys: 1000 }), data('user', { keys: 10 })],
  requests: [],
})

test('steps run one after the other, and the first failure ends the flow', async () => {
  const { run, clock, burnt } = bench(shop)
  const running = run([step.compute('a', 0.001), step.wait('b', 0.0101), step.call('c', 'bad'), step.compute('d', 1)])
  await clock.advance(1)
  expect(running.outcome).toMatchObject({ result: 'dependency', error: { step: 'c' } })
  expect(running.outcome?.at).toBeCloseTo(0.02)
  expect(burnt).toEqual([0.001])
})

test('a miss runs the nested steps and stores the value; the next lookup of that key hits', async () => {
  const { compiled, clock, cache, database, env } = bench(shop)
  const run = compiled([step.lookup('v', 'cache', 'product', [step.query('v.miss.0', 'db')], { ttlSeconds: 300 })])
  const first = run({ product: 7 })
  await clock.advance(1)
  const second = run({ product: 7 })
  const other = run({ product: 8 })
  await clock.advance(1)
  expect([first, second, other].map(({ request }) => request.outcome)).toEqual(['miss', 'hit', 'miss'])
  expect([...cache.stored]).toEqual([
    ['product:7', 300],
    ['product:8', 300],
  ])
  expect(database.log).toEqual(['0 SELECT', '0 SELECT'])
  expect([env.meters.hits, env.meters.misses]).toEqual([1, 2])
})

test('a declared hit ratio is forced while the cache answers, whatever it holds', async () => {
  const { compiled, clock, env } = bench(shop)
  const run = compiled([step.lookup('v', 'cache', 'product', [], { hitRatio: 0.8 })])
  for (let i = 0; i < 10_000; i++) run({ product: i % 1000 })
  await clock.advance(1)
  // Four standard deviations of a binomial: √(10⁴ · 0.8 · 0.2) = 40.
  expect(Math.abs(env.meters.hits - 8000)).toBeLessThan(160)
  expect(env.meters.hits + env.meters.misses).toBe(10_000)
})

test('a cache that does not answer is a miss that stores nothing', async () => {
  const { compiled, clock, cache, database } = bench(shop)
  const run = compiled([step.lookup('v', 'cache', 'product', [step.query('v.miss.0', 'db')], { hitRatio: 1 })])
  cache.alive = false
  const running = run({ product: 1 })
  await clock.advance(1)
  expect([running.outcome?.result, running.request.outcome, cache.stored.size]).toEqual(['ok', 'miss', 0])
  expect(database.log).toEqual(['0 SELECT'])
})

test('the outcome is that of the outermost lookup', async () => {
  const { run, clock, cache } = bench(shop)
  cache.stored.set('user:3', 1)
  const running = run([step.lookup('v', 'cache', 'product', [step.lookup('v.miss.0', 'cache', 'user', [])])], {
    product: 1,
    user: 3,
  })
  await clock.advance(1)
  expect(running.request.outcome).toBe('miss')
})

test('a key that no route names is drawn once per request', async () => {
  const { run, clock, cache } = bench(shop)
  const running = run([step.lookup('v', 'cache', 'product', []), step.lookup('w', 'cache', 'product', [])])
  await clock.advance(1)
  expect([...cache.stored.keys()]).toEqual([`product:${running.request.keys.of('product')}`])
})

test('a write that invalidates deletes the key from every cache that looks this data up', async () => {
  const flow = [step.lookup('v', 'cache', 'product', [])]
  const request = { ...shop, requests: {}, components: { ...shop.components, other: service('other', { flow }) } }
  const { run, clock, cache } = bench(request)
  run([step.write('w', 'db', { key: 'product', invalidates: 'product' })], { product: 5 })
  await clock.advance(1)
  expect(cache.deleted).toEqual(['product:5'])
})

test('a transaction holds one connection from BEGIN to COMMIT, and its steps use that one', async () => {
  const { run, clock, database, pool: connections } = bench(shop)
  database.seconds = 0.01
  const target = { component: 'db', pool: 'main' }
  const running = run([
    step.transaction('t', target, [step.query('t.do.0', 'db'), step.write('t.do.1', 'db', { table: 'orders' })]),
  ])
  await clock.advance(0.005)
  expect(connections.inUse).toBe(1)
  await clock.advance(1)
  expect(running.outcome).toMatchObject({ result: 'ok', at: 0.02 })
  expect(database.log).toEqual(['0 BEGIN', '0 SELECT', '0 WITH', '0 COMMIT'])
  expect(connections.inUse).toBe(0)
})

test('a transaction that fails or is abandoned is rolled back, and its connection goes back', async () => {
  const { run, clock, database, pool: connections } = bench(shop)
  const target = { component: 'db', pool: 'main' }
  const failing = run([step.transaction('t', target, [step.call('t.do.0', 'bad')])])
  await clock.advance(1)
  expect(failing.outcome?.result).toBe('dependency')
  expect(database.log.splice(0)).toEqual(['0 BEGIN', '0 ROLLBACK'])
  database.seconds = 5
  const slow = run([{ ...step.transaction('t', target, [step.query('t.do.0', 'db')]), timeoutSeconds: 0.1 }])
  await clock.advance(1)
  expect(slow.outcome).toMatchObject({ result: 'timeout' })
  expect(database.log).toEqual(['0 BEGIN', '0 SELECT', '0 cancel', '0 ROLLBACK'])
  expect([connections.inUse, connections.openCount]).toEqual([0, 1])
})

test('parallel all takes as long as its longest branch; a failure cancels the others', async () => {
  const { run, clock, env } = bench(shop)
  const both = run([step.parallel('p', 'all', [[step.wait('a', 0.0301)], [step.wait('b', 0.0501)]])])
  await clock.advance(1)
  expect(both.outcome?.at).toBeCloseTo(0.05)
  const began = clock.now()
  const failing = run([
    step.parallel('p', 'all', [[step.call('c', 'bad')], [step.wait('d', 0.0501), step.compute('never', 1)]]),
  ])
  await clock.advance(1)
  expect(failing.outcome?.result).toBe('dependency')
  expect((failing.outcome?.at ?? 0) - began).toBeCloseTo(0.01)
  expect(env.meters.steps.get('never')?.count).toBe(0)
  expect(clock.pending).toBe(0)
})

test('parallel any is done with its first success, and fails only when all have failed', async () => {
  const { run, clock } = bench(shop)
  const any = run([step.parallel('p', 'any', [[step.call('a', 'bad')], [step.call('b', 'good')]])])
  await clock.advance(1)
  expect(any.outcome).toMatchObject({ result: 'ok' })
  expect(any.outcome?.at).toBeCloseTo(0.05)
  const none = run([step.parallel('p', 'any', [[step.call('a', 'bad')], [step.call('b', 'bad')]])])
  await clock.advance(1)
  expect(none.outcome).toMatchObject({ result: 'dependency', error: { step: 'a' } })
})

test('choose follows its weights; repeat repeats', async () => {
  const { compiled, clock, env } = bench(shop)
  const run = compiled([
    step.choose('c', [
      { weight: 0.7, flow: [step.compute('often', 0.001)] },
      { weight: 0.3, flow: [step.repeat('r', 3, [step.compute('thrice', 0.001)])] },
    ]),
  ])
  for (let i = 0; i < 10_000; i++) run()
  await clock.advance(1)
  const often = env.meters.step('often').count
  expect(Math.abs(often - 7000)).toBeLessThan(4 * Math.sqrt(10_000 * 0.7 * 0.3))
  expect(env.meters.step('thrice').count).toBe(3 * (10_000 - often))
})

test('steps count their attempts, errors, CPU and time', async () => {
  const { run, clock, env } = bench(shop)
  run([step.compute('a', 0.002)])
  run([step.query('q', 'db', { time: { cpu: { shape: 'constant', seconds: 0.003 } } })])
  run([step.call('x', 'bad')])
  await clock.advance(1)
  expect(env.meters.step('a')).toMatchObject({ count: 1, errors: 0, cpuSeconds: 0.002 })
  expect(env.meters.step('q')).toMatchObject({ count: 1, errors: 0, cpuSeconds: 0.003 })
  const failed = env.meters.step('x')
  expect([failed.count, failed.errors, failed.duration.histogram.count]).toEqual([1, 1, 1])
  expect(failed.duration.sumSeconds).toBeCloseTo(0.01)
})
