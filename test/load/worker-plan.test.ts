import { describe, expect, it } from 'vitest'
import type { LoadPlan } from '../../src/contract/load.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { isLoopback, targetOf } from '../../src/load/targets.js'
import { workerPlan } from '../../src/load/worker-plan.js'
import { topologyFrom } from '../support/topology.js'

const topology = topologyFrom(`
data: { product: { keys: 50, popularity: zipf(1), bytes: 1KiB } }
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service }
requests:
  view:
    share: 80%
    enter: edge
    serve: app
    route: GET /products/{product}/reviews
    client: { timeout: 2s, retry: { attempts: 3, backoff: 50ms } }
    bytes: { in: 700B, out: 1KiB }
    flow: [{ compute: 1ms }]
  buy:
    share: 20%
    serve: app
    route: POST /orders
    bytes: { in: 300B, out: 1KiB }
    flow: [{ compute: 1ms }]
traffic: { users: 10, thinkTime: 3s }
`)

const planOf = (load: string, changes: Partial<LoadPlan> = {}): LoadPlan => ({
  topology,
  experiment: parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t.yaml\nload: ${load}\nwarmup: 2s\n`,
    { file: 'experiment.yaml', topology },
  ),
  seed: 3,
  entries: { edge: 'http://127.0.0.1:8080', app: 'http://localhost:9000/base/' },
  ...changes,
})

const failure = (action: () => unknown): PlimsollError => {
  try {
    action()
  } catch (error) {
    if (error instanceof PlimsollError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('the plan for the worker', () => {
  const plan = workerPlan(planOf('{ mode: open, stages: [{ hold: 1000/s, for: 10s }, { ramp: 2000/s, for: 5s }] }'))

  it('holds what the classes send, where and how often', () => {
    expect(plan.classes).toEqual([
      {
        id: 'view',
        share: 0.8,
        target: 0,
        method: 'GET',
        path: ['/products/', 'product', '/reviews'],
        bodyBytes: 0,
        timeoutSeconds: 2,
        retry: expect.objectContaining({ attempts: 3, backoffSeconds: 0.05 }),
      },
      expect.objectContaining({ id: 'buy', share: 0.2, target: 1, path: ['/orders'], bodyBytes: 300 }),
    ])
    expect(plan.targets).toEqual([
      { component: 'edge', url: 'http://127.0.0.1:8080', host: '127.0.0.1', port: 8080, basePath: '' },
      { component: 'app', url: 'http://localhost:9000/base/', host: 'localhost', port: 9000, basePath: '/base' },
    ])
    expect([plan.durationSeconds, plan.warmupSeconds, plan.seed]).toEqual([15, 2, 3])
  })

  it('can cross to another thread', () => {
    expect(structuredClone(plan)).toEqual(plan)
  })

  it('opens connections for what the peak keeps busy at 20 ms an answer', () => {
    expect(plan.warmConnections).toBe(40)
  })

  it('takes the mix and the think time of the experiment before those of the topology', () => {
    const own = workerPlan(
      planOf('{ mode: closed, mix: { buy: 100% }, thinkTime: 1s, stages: [{ hold: 8, for: 5s }] }'),
    )
    expect(own.classes.map(({ id, share }) => [id, share])).toEqual([['buy', 1]])
    expect(own.thinkTime).toEqual({ shape: 'exponential', meanSeconds: 1 })
    const declared = workerPlan(planOf('{ mode: closed, stages: [{ hold: 8, for: 5s }] }'))
    expect(declared.thinkTime).toEqual({ shape: 'exponential', meanSeconds: 3 })
  })
})

describe('what is refused', () => {
  it('a rate that no single generator sends, and more users than it holds', () => {
    const fast = failure(() => workerPlan(planOf('{ mode: open, stages: [{ hold: 3000000/s, for: 10s }] }')))
    expect(fast.exitCode).toBe(3)
    expect(fast.message).toContain('3000000 requests/s: one generator carries at most 100000 requests/s')
    expect(fast.problems[0]?.position?.line).toBe(5)
    const crowd = failure(() => workerPlan(planOf('{ mode: closed, stages: [{ hold: 20000, for: 10s }] }')))
    expect(crowd.message).toContain('20000 users: one generator carries at most 10000 users')
    const long = failure(() => workerPlan(planOf('{ mode: open, stages: [{ hold: 1/s, for: 8d }] }')))
    expect(long.message).toBe('a load of 8 d: on a stack at most 7 d are run')
  })

  it('an entry that the running system does not have', () => {
    const plan = planOf('{ mode: open, stages: [{ hold: 1/s, for: 9s }] }', { entries: {} })
    expect(failure(() => workerPlan(plan))).toMatchObject({ exitCode: 6 })
  })

  it('any host but this machine, unless it is allowed by name', () => {
    for (const url of [
      'http://10.0.0.1:80',
      'http://example.com',
      'http://127.0.0.1.example.com',
      'http://[2001:db8::1]:80',
    ]) {
      const error = failure(() => targetOf('edge', url, []))
      expect(error.exitCode).toBe(2)
      expect(error.problems[0]?.hint).toContain('--allow-target')
    }
    expect(targetOf('edge', 'http://10.0.0.1', ['10.0.0.1'])).toMatchObject({ host: '10.0.0.1', port: 80 })
    expect(targetOf('edge', 'http://10.0.0.1:81', ['10.0.0.1:81']).port).toBe(81)
    expect(failure(() => targetOf('edge', 'http://10.0.0.1:82', ['10.0.0.1:81'])).exitCode).toBe(2)
    expect(targetOf('edge', 'http://[::1]:81', [])).toMatchObject({ host: '::1', port: 81 })
  })

  it('what is no URL, and what is not HTTP', () => {
    expect(failure(() => targetOf('edge', 'localhost', [])).exitCode).toBe(3)
    expect(failure(() => targetOf('edge', 'https://localhost', [])).message).toContain('not supported yet')
  })

  it('names that only look like loopback', () => {
    expect(['127.0.0.1', '127.8.9.1', '::1', 'localhost'].map(isLoopback)).toEqual([true, true, true, true])
    expect(['128.0.0.1', '127.evil.example', '0.0.0.0', '::2', 'localhost.example'].map(isLoopback)).toEqual(
      Array(5).fill(false),
    )
  })
})
