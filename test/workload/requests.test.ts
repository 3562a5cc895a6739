import { expect, test } from 'vitest'
import type { Step } from '../../src/topology/flow.js'
import { Cancellation } from '../../src/workload/cancellation.js'
import type { Log } from '../../src/workload/log.js'
import { paddedBody, Requests } from '../../src/workload/requests.js'
import { bench, settle } from './fakes.js'
import { external, service, step, topology } from './topologies.js'

const make = (more: Parameters<typeof service>[1] = {}, maxInFlight?: number) => {
  const lines: Record<string, unknown>[] = []
  const log: Log = {
    request: (level, fields) => lines.push({ level, ...fields }),
    event: (level, message, fields) => lines.push({ level, message, ...fields }),
    flush: () => {},
    close: () => {},
  }
  const { env, clock, burnt } = bench(
    topology({ components: [service('app', more), external('bad', { errors: 1 })], requests: [] }),
  )
  const requests = new Requests({ env, instance: 'app/0', component: 'app', maxInFlight, choose: () => 0, log })
  const execute = async (flow: readonly Step[]) => {
    const answer = requests.execute(requests.serve('c', flow, 100), 'id-1', requests.newKeys(), new Cancellation())
    await clock.advance(10)
    return answer
  }
  return { requests, env, clock, lines, burnt, execute }
}

test('an answer has exactly the declared size, or the shortest that it can have', () => {
  expect(paddedBody('view', 2048).length).toBe(2048)
  expect(JSON.parse(paddedBody('view', 2048).toString())).toMatchObject({ class: 'view' })
  expect(paddedBody('view', 0).toString()).toBe('{"class":"view","payload":""}')
})

test('each way to fail has its status, and tells code and step', async () => {
  const { execute, env, lines } = make()
  const cases: readonly [Step, number, string][] = [
    [step.call('a', 'bad'), 502, 'dependency'],
    [step.wait('b', 1, { timeoutSeconds: 0.1 }), 504, 'timeout'],
    [step.wait('c', 1, { deadlineSeconds: 0.1 }), 504, 'deadline'],
  ]
  for (const [failing, status, code] of cases) {
    const answer = await execute([failing])
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code, step: failing.id, request: 'id-1' } })
    expect(lines.at(-1)).toMatchObject({ level: 'error', request: 'id-1', class: 'c', status, code, step: failing.id })
  }
  expect([...env.meters.class('c').byStatus]).toEqual([
    [502, 1],
    [504, 2],
  ])
})

test('a bug is a 500 that tells the client nothing of our inside, and the log everything', async () => {
  const { execute, env, lines } = make()
  env.burner.burn = () => {
    throw new TypeError('inside')
  }
  const answer = await execute([step.compute('a', 0.001)])
  expect(answer.status).toBe(500)
  expect(answer.body.toString()).not.toContain('inside')
  expect(String(lines.at(-1)?.stack)).toContain('TypeError: inside')
})

test('degraded answers and outcomes are marked in headers, and counted', async () => {
  const { execute, env } = make()
  const answer = await execute([
    step.lookup('l', 'cache', 'item', [step.call('l.miss.0', 'bad')], { fallback: 'empty' }),
  ])
  expect([answer.status, answer.headers]).toEqual([
    200,
    {
      'content-type': 'application/json',
      'x-request-id': 'id-1',
      'x-plimsoll-instance': 'app/0',
      'x-plimsoll-outcome': 'miss',
      'x-plimsoll-degraded': 'empty',
    },
  ])
  expect([...env.meters.class('c').degraded]).toEqual([['empty', 1]])
})

test('beyond maxInFlight requests are refused, and admitted again when one has ended', async () => {
  const { requests, env, clock } = make({}, 1)
  const served = requests.serve('c', [step.wait('w', 1.0001)], 0)
  expect(requests.refusal(served, 'x')).toBeUndefined()
  const first = requests.execute(served, 'x', requests.newKeys(), new Cancellation())
  await settle()
  const refusal = requests.refusal(served, 'y')
  expect([refusal?.status, refusal?.headers['retry-after']]).toEqual([503, '1'])
  await clock.advance(2)
  expect((await first).status).toBe(200)
  expect(requests.refusal(served, 'z')).toBeUndefined()
  expect([env.meters.shed, env.meters.visits, env.meters.inFlight]).toEqual([1, 1, 0])
})

test("the component's own demand is spent on every visit", async () => {
  const { execute, burnt } = make({ demand: { cpu: { shape: 'constant', seconds: 0.004 } } })
  await execute([step.compute('a', 0.001)])
  expect(burnt).toEqual([0.004, 0.001])
})

test('request ids are unique', () => {
  const { requests } = make()
  expect(new Set(Array.from({ length: 1000 }, () => requests.newId())).size).toBe(1000)
})
