import { expect, test } from 'vitest'
import { unsupportedSteps } from '../../../src/catalog/service/supported.js'
import type { Step } from '../../../src/topology/flow.js'
import { external, pool, request, service, step, store, topology } from '../../workload/topologies.js'

const lock: Step = {
  id: 'buy/0.branches.0',
  path: [],
  kind: 'lock',
  target: { component: 'cache' },
  key: undefined,
  ttlSeconds: 1,
  waitSeconds: undefined,
  fencing: false,
  do: [],
}

const shop = topology({
  components: [
    service('app', { pools: { main: pool('main', 'my', 2) } }),
    service('worker', { consumes: { component: 'cache', queue: 'q' } }),
    store('cache', 'redis'),
    store('db', 'postgres'),
    store('my', 'mysql'),
    external('pay', { rateLimit: { ratePerSecond: 10 } }),
  ],
  requests: [
    request('buy', 'GET /buy', [
      step.parallel('buy/0', 'all', [[lock], [step.query('buy/0.1', 'db'), step.query('buy/0.2', 'my')]]),
      step.lookup('buy/1', 'db', 'x', [], { fallback: [step.call('buy/1.fallback.0', 'pay')] }),
      step.lookup('buy/2', 'cache', 'x', [], { writes: 'back' }),
    ]),
    request('other', 'GET /other', [lock], { serve: 'worker' }),
  ],
})

test('every step, however deep, and every pool that cannot be executed is named', () => {
  const messages = unsupportedSteps(shop, 'app').map(({ message }) => message.split(': not supported')[0])
  expect(messages).toEqual([
    'pool app.main to my (mysql)',
    'step buy/0.branches.0: lock',
    'step buy/0.2: query on my (mysql)',
    'step buy/1: lookup in db (postgres)',
    'step buy/1.fallback.0: call of pay, which has a rateLimit',
    'step buy/2: lookup with writes: back',
  ])
})

test('priorities of requests are named where a service would honour them', () => {
  const ranked = (priorities: 'none' | 'non-preemptive') =>
    topology({
      components: [service('app', { priorities })],
      requests: [request('a', 'GET /a', [], { priority: 3 }), request('b', 'GET /b', [])],
    })
  expect(unsupportedSteps(ranked('non-preemptive'), 'app').map(({ message }) => message)).toEqual([
    'priority of requests at app: not supported yet on a running stack',
  ])
  expect(unsupportedSteps(ranked('none'), 'app')).toEqual([])
})

test('a service is asked only for what it executes itself; other components for nothing', () => {
  expect(unsupportedSteps(shop, 'worker').map(({ message }) => message.split(': not supported')[0])).toEqual([
    'worker consumes from cache',
    'step buy/0.branches.0: lock',
  ])
  expect(unsupportedSteps(shop, 'db')).toEqual([])
})
