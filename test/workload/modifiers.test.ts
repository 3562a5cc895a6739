import { expect, test } from 'vitest'
import type { Retry } from '../../src/topology/types.js'
import { bench } from './fakes.js'
import { data, external, pool, service, step, store, topology } from './topologies.js'

const shop = topology({
  components: [
    service('app', { pools: { main: pool('main', 'db', 2) } }),
    store('cache', 'redis'),
    store('db', 'postgres'),
    external('bad', { errors: 1, latency: { shape: 'constant', seconds: 0.0101 } }),
  ],
  data: [data('product', { keys: 1000 })],
})

const retry = (attempts: number, more: Partial<Retry> = {}): Retry => ({
  attempts,
  backoffSeconds: 0,
  maxBackoffSeconds: undefined,
  jitter: 'none',
  budget: undefined,
  ...more,
})

// `bad` answers with an error after 10 ms: 10.1 ms less the 0.1 ms that timers are late by.

test('a timeout is per attempt: three attempts of 5 ms each end at 15 ms', async () => {
  const { run, clock, env } = bench(shop)
  const running = run([step.call('x', 'bad', { timeoutSeconds: 0.005, retry: retry(3) })])
  await clock.advance(1)
  expect(running.outcome).toMatchObject({ result: 'timeout', at: 0.015 })
  expect(env.meters.step('x')).toMatchObject({ count: 3, errors: 3 })
})

test('a deadline is for all attempts together, their backoff included', async () => {
  const { run, clock, env } = bench(shop)
  const running = run([step.call('x', 'bad', { deadlineSeconds: 0.025, retry: retry(10, { backoffSeconds: 0.0051 }) })])
  await clock.advance(1)
  expect(running.outcome).toMatchObject({ result: 'deadline', at: 0.025 })
  // 0…10 ms, 15…25 ms.
  expect(env.meters.step('x').count).toBe(2)
})

test('a fallback is outermost: it comes only when the retries are used up', async () => {
  const { run, clock, env } = bench(shop)
  const running = run([step.call('x', 'bad', { fallback: 'empty', retry: retry(3) })])
  await clock.advance(1)
  expect(running.outcome).toMatchObject({ result: 'ok' })
  expect(running.outcome?.at).toBeCloseTo(0.03)
  expect(running.request.degraded).toBe('empty')
  expect(env.meters.step('x').count).toBe(3)
})

test('a fallback of steps runs them; when they fail too, theirs is the error', async () => {
  const { run, clock, burnt } = bench(shop)
  const good = run([step.call('x', 'bad', { fallback: [step.compute('x.fallback.0', 0.003)] })])
  await clock.advance(1)
  expect([good.outcome?.result, good.request.degraded, burnt]).toEqual(['ok', 'steps', [0.003]])
  const bad = run([step.call('x', 'bad', { fallback: [step.call('y', 'bad')] })])
  await clock.advance(1)
  expect(bad.outcome).toMatchObject({ result: 'dependency', error: { step: 'y', status: 502 } })
})

test('the breaker is inside the retry: an open breaker uses up attempts without a call', async () => {
  const { compiled, clock, env } = bench(shop)
  const run = compiled([
    step.call('x', 'bad', { retry: retry(2), breaker: { errors: 0.5, windowSeconds: 10, openSeconds: 5, probes: 1 } }),
  ])
  for (let i = 0; i < 5; i++) {
    run()
    await clock.advance(0.1)
  }
  expect(env.meters.step('x').count).toBe(10)
  const refused = run()
  await clock.advance(0.1)
  expect(refused.outcome).toMatchObject({ result: 'breaker-open', error: { status: 503 } })
  expect(env.meters.step('x').count).toBe(10)
  await clock.advance(5)
  run()
  await clock.advance(0.1)
  expect(env.meters.step('x').count).toBe(11)
})

test('a retry budget of 20 % keeps retries to a fifth of first attempts', async () => {
  const { compiled, clock, env } = bench(shop)
  const run = compiled([step.call('x', 'bad', { retry: retry(3, { budget: 0.2 }) })])
  for (let i = 0; i < 100; i++) {
    run()
    await clock.advance(0.1)
  }
  expect(env.meters.step('x').count).toBe(120)
})

test('a timeout includes the wait for a pool, and leaves its queue', async () => {
  const { run, clock, database, pool: connections } = bench(shop, { poolSize: 1, acquireTimeoutSeconds: 1 })
  database.seconds = 0.5
  run([step.query('slow', 'db')])
  await clock.advance(0.01)
  const waiting = run([step.query('x', 'db', { timeoutSeconds: 0.1 })])
  await clock.advance(0.2)
  expect(waiting.outcome).toMatchObject({ result: 'timeout', error: { step: 'x', status: 504 } })
  expect([connections.waiting, connections.timeouts]).toEqual([0, 0])
})

test('an acquireTimeout is a 503 of the step that waited', async () => {
  const { run, clock, database } = bench(shop, { poolSize: 1, acquireTimeoutSeconds: 0.1 })
  database.seconds = 0.5
  run([step.query('slow', 'db')])
  const waiting = run([step.query('x', 'db')])
  await clock.advance(0.2)
  expect(waiting.outcome).toMatchObject({ result: 'pool-timeout', at: 0.1, error: { step: 'x', status: 503 } })
})

test('a statement that a timeout abandons is cancelled, and its connection goes back when that is confirmed', async () => {
  const { run, clock, database, pool: connections } = bench(shop, { poolSize: 1 })
  database.seconds = 5
  const running = run([step.query('x', 'db', { timeoutSeconds: 0.1 })])
  await clock.advance(0.2)
  expect(running.outcome?.result).toBe('timeout')
  expect(database.log).toEqual(['0 SELECT', '0 cancel'])
  expect([connections.inUse, connections.openCount]).toEqual([0, 1])
})

test('when the server does not confirm, the connection is given up after a second', async () => {
  const { run, clock, database, pool: connections } = bench(shop, { poolSize: 1 })
  database.seconds = 5
  database.confirmsCancel = false
  run([step.query('x', 'db', { timeoutSeconds: 0.1 })])
  await clock.advance(1.05)
  expect([connections.inUse, connections.openCount]).toEqual([1, 1])
  await clock.advance(0.1)
  expect([connections.inUse, connections.openCount, database.closed]).toEqual([0, 0, 1])
})

test('a client that goes cancels what is left, and no modifier acts on that', async () => {
  const { run, clock, env } = bench(shop)
  const running = run([
    step.wait('x', 1.0001, { retry: retry(3), fallback: 'empty', timeoutSeconds: 5 }),
    step.compute('y', 0.001),
  ])
  await clock.advance(0.5)
  running.cancel.cancel(new Error('gone'))
  await clock.advance(5)
  expect(running.outcome).toMatchObject({ result: 'gone', at: 0.5 })
  expect(running.request.degraded).toBeUndefined()
  expect([env.meters.step('x').count, env.meters.step('y').count, clock.pending]).toEqual([1, 0, 0])
})

test('a bug of ours is neither retried nor covered up', async () => {
  const { run, clock, env } = bench(shop)
  const flow = [step.compute('x', 0.001, { retry: retry(3), fallback: 'empty' })]
  env.burner.burn = () => {
    throw new TypeError('bug')
  }
  const running = run(flow)
  await clock.advance(1)
  expect(running.outcome?.result).toBe('bug')
  expect(env.meters.step('x').count).toBe(1)
})

const lookup = step.lookup('v', 'cache', 'product', [step.query('v.miss.0', 'db')], {
  hitRatio: 0,
  staleForSeconds: 60,
  fallback: 'stale',
})

test('stale answers with what an earlier success of the same key left, no older than staleFor', async () => {
  const { compiled, clock, database } = bench(shop)
  const run = compiled([lookup])
  run({ product: 1 })
  await clock.advance(1)
  database.failure = new Error('gone')
  const known = run({ product: 1 })
  const never = run({ product: 2 })
  await clock.advance(1)
  expect([known.outcome?.result, known.request.degraded, known.request.outcome]).toEqual(['ok', 'stale', 'miss'])
  expect(never.outcome).toMatchObject({ result: 'dependency', error: { step: 'v.miss.0', status: 502 } })
  await clock.advance(60)
  const tooOld = run({ product: 1 })
  await clock.advance(1)
  expect(tooOld.outcome?.result).toBe('dependency')
})

test('a stale answer is not a success that would make itself younger', async () => {
  const { compiled, clock, database } = bench(shop)
  const run = compiled([lookup])
  run({ product: 1 })
  await clock.advance(0)
  database.failure = new Error('gone')
  await clock.advance(50)
  run({ product: 1 })
  await clock.advance(20)
  const later = run({ product: 1 })
  await clock.advance(1)
  expect(later.outcome?.result).toBe('dependency')
})
