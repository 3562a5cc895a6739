import { expect, test } from 'vitest'
import { RequestKeys } from '../../src/workload/keys.js'
import { readKeys, routeOf, routeProblems } from '../../src/workload/routes.js'
import { data, request, service, topology } from './topologies.js'

const shop = (...routes: readonly string[]) =>
  topology({
    components: [service('app')],
    data: [data('product', { keys: 100 }), data('user-id', { keys: 10 })],
    requests: routes.map((route, i) => request(`r${i}`, route, [])),
  })

const keys = (): RequestKeys => new RequestKeys(() => -1)

test('data sets named in a path or a query string become keys; other parameters match anything', () => {
  const t = shop('GET /users/{user-id}/{anything}?of={product}')
  const request = t.requests.r0
  if (request === undefined) throw new Error('no request')
  const route = routeOf(request, t)
  expect([route.method, route.url]).toEqual(['GET', '/users/:p0/:p1'])
  const found = keys()
  expect(readKeys(route.inPath, { p0: '9', p1: 'x' }, found)).toBeUndefined()
  expect(readKeys(route.inQuery, { of: '42' }, found)).toBeUndefined()
  expect([found.of('user-id'), found.of('product')]).toEqual([9, 42])
})

test('what is no key of the data set is told', () => {
  const t = shop('GET /{product}')
  const { inPath } = routeOf(t.requests.r0 ?? request('x', 'GET /', []), t)
  for (const text of ['100', '-1', '1.5', '1e1', 'x', '', undefined, '99999999999999999999'])
    expect(readKeys(inPath, { p0: text }, keys())).toContain('keys are 0 to 99')
})

test('routes that cannot stand side by side, or that are kept by the service, are problems', () => {
  const problems = routeProblems(
    shop('GET /a/{product}', 'GET /a/{user-id}', 'POST /a/{product}', 'GET /metrics', 'GET /plimsoll/x'),
    'app',
  )
  expect(problems.map(({ message }) => message)).toEqual([
    'route of r1: the same as that of r0',
    'route of r3: /metrics is kept by the workload service for itself',
    'route of r4: /plimsoll/x is kept by the workload service for itself',
  ])
})

test('the keys of a request are handed on in a header, whatever the names of the data', () => {
  const sent = keys()
  sent.set('product', 12)
  sent.set('a,b=ü', 3)
  const received = keys()
  received.read(sent.header())
  expect([received.of('product'), received.of('a,b=ü')]).toEqual([12, 3])
  received.read('nonsense,x=1e9,=,%=1')
  expect(received.of('x')).toBe(-1)
})
