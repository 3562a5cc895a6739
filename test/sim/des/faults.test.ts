import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import type { FaultTarget } from '../../../src/experiment/types.js'
import { PlimsollError } from '../../../src/lib/errors.js'
import { parseTopology } from '../../../src/topology/parse.js'
import { run, topologyOf } from './support.js'

const file = 'scenarios/optimization-api/topology.yaml'
const api = parseTopology(readFileSync(file, 'utf8'), { file, registry: engineRegistry })
const instance = (component: string, index: number): FaultTarget => ({ kind: 'instance', component, index })
const component = (id: string): FaultTarget => ({ kind: 'component', component: id })

/** Busy enough that a crash always strikes requests in hand. */
const busy = { rate: 2000, seconds: 30, warmup: 5 } as const

describe('killing one of two app servers under steady load', () => {
  it.each([1, 2, 3, 4, 5])('fails no more than was in flight, and traffic is whole within 5 s (seed %i)', (seed) => {
    const faults = [{ kind: 'kill', atSeconds: 12, target: instance('app', 0), restartAfterSeconds: 8 }] as const
    const result = run(api, { ...busy, faults }, { seed })
    const [fault] = result.faults
    expect(fault?.inFlightAtInjection).toBeGreaterThan(0)
    expect(fault?.failedRequests).toBeLessThanOrEqual(fault?.inFlightAtInjection ?? 0)
    expect(fault?.recoverySeconds).toBeLessThanOrEqual(5)
    expect(fault?.detectionSeconds).toBeLessThan(0.1)
    const whole = result.series.filter(({ at }) => at > 17)
    for (const { requests } of whole) expect(requests.all?.errors).toEqual({})
    // The other one carries it all.
    expect(result.series.find(({ at }) => at === 16)?.components.app?.ready).toBe(1)
    expect(result.components.app?.instances.map(({ restarts }) => restarts)).toEqual([1, 0])
  })

  it('tells of the crash, of who noticed, of the start, and of the first success', () => {
    const faults = [{ kind: 'kill', atSeconds: 12, target: instance('app', 0), restartAfterSeconds: 8 }] as const
    const { events } = run(api, { ...busy, faults })
    const told = events.flatMap((event) => {
      if (event.type === 'instance') return [`${event.instance} ${event.state}`]
      if (event.type === 'detected' || event.type === 'recovered')
        return [`${event.by} ${event.type} ${event.instance}`]
      return event.type === 'fault' ? [`${event.kind} ${event.phase}`] : []
    })
    expect(told).toEqual([
      'kill injected',
      'app/0 crashed',
      'edge detected app/0',
      'app/0 starting',
      'app/0 ready',
      'kill undone',
      'edge recovered app/0',
    ])
  })

  it('a POST that had been sent is lost, one that was refused goes to the other server', () => {
    const text = (method: string) => `
name: post
components:
  edge: { engine: nginx, upstream: app, nextUpstream: { for: [error, timeout], tries: 2 } }
  app: { engine: service, replicas: 2 }
requests:
  r: { share: 100%, enter: edge, serve: app, route: ${method} /r, flow: [{ wait: { const: 20ms } }] }
`
    const faults = [{ kind: 'kill', atSeconds: 5, target: instance('app', 0) }] as const
    const plan = { rate: 1000, seconds: 10, faults } as const
    const post = run(text('POST'), plan)
    const get = run(text('GET'), plan)
    expect(get.requests.all?.errors).toEqual({})
    expect(post.faults[0]?.failedRequests).toBeGreaterThan(5)
    expect(post.requests.all?.errors).toEqual({ '502': post.faults[0]?.failedRequests })
    // The calls that were reset have made passive health rest it: nobody is even refused.
    expect(post.edges['edge -> app']?.errors).toBe(post.faults[0]?.failedRequests)
  })

  it('with both gone nginx answers 502, and clients without a balancer are refused', () => {
    const faults = [{ kind: 'kill', atSeconds: 5, target: component('app') }] as const
    const plan = { rate: 100, seconds: 10, faults } as const
    const behind = run(
      topologyOf(
        readFileSync(file, 'utf8')
          .replace(/^apiVersion.*\n^kind.*\n/m, '')
          .replace('restart: { after: 8s }', ''),
      ),
      plan,
    )
    expect(Object.keys(behind.requests.all?.errors ?? {})).toEqual(['502'])
    expect(behind.faults[0]?.recoverySeconds).toBeNull()
    const direct = run(
      'name: d\ncomponents: { app: { engine: service } }\nrequests: { r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 1ms }] } }\n',
      plan,
    )
    expect(direct.requests.all?.errors.refused).toBeGreaterThan(400)
  })
})

describe('the database stopped, with fallback: stale', () => {
  // One app server: it knows what has been asked of it. Few keys, so that most of them have been.
  const text = `
name: stale
data: { route: { keys: 200, popularity: uniform, bytes: 1KiB } }
components:
  app: { engine: service, pools: { main: { to: db, size: 10, acquireTimeout: 500ms } } }
  cache: { engine: redis }
  db: { engine: postgres }
requests:
  get:
    share: 100%
    serve: app
    route: GET /routes/{route}
    flow:
      - lookup: cache
        key: route
        hitRatio: 50%
        staleFor: 10m
        miss: [{ query: app.main, time: { wait: 2ms } }]
        fallback: stale
`
  it('answers degraded what it has, and fails only for keys that it has never seen', () => {
    const faults = [{ kind: 'stop', atSeconds: 20, target: component('db') }] as const
    const late = run(text, { rate: 100, seconds: 40, faults })
    // 2000 requests have asked for 200 keys: e^-10 of the keys are unknown.
    expect(late.requests.all?.degraded).toBeGreaterThan(900)
    expect(late.requests.all?.errors['502'] ?? 0).toBeLessThanOrEqual(1)
    const early = run(text, { rate: 100, seconds: 22, faults: [{ ...faults[0], atSeconds: 2 }] })
    const failed = early.requests.all?.errors['502'] ?? 0
    // 200 requests have asked for 63 % of the keys; hits teach more of them while the database is down.
    expect(failed).toBeGreaterThan(20)
    expect(failed).toBeLessThan(400)
    expect(early.requests.all?.degraded).toBeGreaterThan(failed)
    expect(early.requests.all?.ok).toBe((early.requests.all?.completed ?? 0) - failed)
  })

  it('does not answer what is older than staleFor', () => {
    const faults = [{ kind: 'stop', atSeconds: 20, target: component('db') }] as const
    const short = run(text.replace('10m', '1s').replace('50%', '0%'), { rate: 100, seconds: 40, faults })
    expect(short.series.at(-1)?.requests.all?.degraded).toBe(0)
    expect(short.series.at(-1)?.requests.all?.ok).toBe(0)
  })

  it('forgets it all when the app server itself crashes', () => {
    const faults = [
      { kind: 'stop', atSeconds: 20, target: component('db') },
      { kind: 'kill', atSeconds: 25, target: instance('app', 0), restartAfterSeconds: 0 },
    ] as const
    const { series } = run(text.replace('50%', '0%'), { rate: 100, seconds: 40, faults })
    expect(series.find(({ at }) => at === 24)?.requests.all?.degraded).toBeGreaterThan(50)
    expect(series.at(-1)?.requests.all?.degraded).toBe(0)
  })
})

describe('other faults', () => {
  it('a stopped app server answers what it has in hand', () => {
    const faults = [{ kind: 'stop', atSeconds: 12, target: instance('app', 0), restartAfterSeconds: 5 }] as const
    const result = run(api, { ...busy, faults })
    expect(result.requests.all?.errors).toEqual({})
    expect(result.components.app?.instances[0]?.restarts).toBe(1)
  })

  it('a restart is a stop and a start', () => {
    const faults = [{ kind: 'restart', atSeconds: 12, target: instance('app', 0) }] as const
    const result = run(api, { ...busy, faults })
    expect(result.requests.all?.errors).toEqual({})
    const ready = result.events.find((event) => event.type === 'instance' && event.state === 'ready')
    // A Node process takes 0.7 s to start when the topology does not say.
    expect(ready?.at).toBeCloseTo(12.7, 1)
  })

  it('a paused database stalls its callers, who go on where they were when it is resumed', () => {
    const faults = [{ kind: 'pause', atSeconds: 12, target: component('db'), forSeconds: 0.3 }] as const
    const result = run(api, { rate: 500, seconds: 30, warmup: 5, faults })
    expect(result.requests.all?.errors).toEqual({})
    expect(result.requests.all?.latency?.max).toBeGreaterThan(0.25)
    expect(result.faults[0]?.undoneAt).toBe(12.3)
  })

  it('a killed service loses its pool, a killed database its connections: both are whole after their restart', () => {
    for (const target of [component('db'), component('app'), component('edge'), component('cache')]) {
      const faults = [{ kind: 'kill', atSeconds: 10, target, restartAfterSeconds: 2 }] as const
      const result = run(api, { rate: 500, seconds: 30, faults })
      for (const { at, requests } of result.series.filter((second) => second.at > 25))
        expect([at, requests.all?.errors]).toEqual([at, {}])
      expect(result.requests.all?.offered).toBe(result.requests.all?.completed)
    }
  })

  it('what cannot be simulated yet is refused by name and place before anything happens', () => {
    const refused = (faults: Parameters<typeof run>[1]['faults']): string[] => {
      try {
        run(api, { rate: 1, seconds: 1, ...(faults === undefined ? {} : { faults }) })
      } catch (error) {
        if (error instanceof PlimsollError) return error.problems.map(({ message }) => message)
      }
      return []
    }
    const component = { kind: 'component', component: 'app' } as const
    expect(refused([{ kind: 'exhaust-connections', atSeconds: 1, target: component }])).toEqual([
      'fault exhaust-connections app cannot be simulated: app has no maxConnections',
    ])
    expect(refused([{ kind: 'kill', atSeconds: 1, target: { kind: 'all' } }])).toEqual([
      'fault kill all cannot be simulated: it does not strike all',
    ])
  })
})
