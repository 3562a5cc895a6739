/** Faults of machines, disks, connections, loads and whole hosts in the event engine. */
import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../src/experiment/types.js'
import { PlimsollError } from '../../../src/lib/errors.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { type Plan, run } from './support.js'

const fault = (kind: Fault['kind'], target: Fault['target'], more: Partial<Fault> = {}) => ({
  kind,
  target,
  atSeconds: 10.5,
  forSeconds: 10,
  ...more,
})

const component = (name: string) => ({ kind: 'component', component: name }) as const
const host = (name: string) => ({ kind: 'host', host: name }) as const

const errors = (result: RunResult, from: number, to: number): number =>
  result.series
    .filter(({ at }) => at > from && at <= to)
    .flatMap(({ requests }) => Object.values(requests.all?.errors ?? {}))
    .reduce((sum, count) => sum + count, 0)

const offered = (result: RunResult, from: number, to: number, of = 'all'): number =>
  result.series
    .filter(({ at }) => at > from && at <= to)
    .reduce((sum, { requests }) => sum + (requests[of]?.offered ?? 0), 0)

const refusal = (topology: string, faults: Plan['faults']): string[] => {
  try {
    run(topology, { rate: 1, seconds: 1, ...(faults === undefined ? {} : { faults }) })
  } catch (error) {
    if (error instanceof PlimsollError) return error.problems.map(({ message }) => message)
  }
  return []
}

const cpuBound = (quota = ''): string => `
name: cpu
hosts: { box: { count: 1, cpu: 2 } }
components:
  app: { engine: service, host: box, execution: { model: virtual-threads }${quota} }
requests: { work: { share: 100%, serve: app, flow: [{ compute: 10ms }] } }
`

describe('something that burns a share of the cores', () => {
  it('leaves the rest: M/M/2 with half the cores is M/M/1, and the host is busy', () => {
    const half = run(cpuBound(), {
      rate: 80,
      seconds: 4000,
      warmup: 50,
      faults: [fault('cpu', host('box'), { atSeconds: 0, forSeconds: 4000, parameters: { share: 0.5 } })],
    })
    // One core, ρ = 0.8: 10 ms/(1 − 0.8).
    expect(half.requests.all?.latency?.mean).toBeGreaterThan(0.05 * 0.95)
    expect(half.requests.all?.latency?.mean).toBeLessThan(0.05 * 1.05)
    // 0.8 of two cores by us, one by the fault.
    expect(half.hosts.box?.utilization.cpu).toBeCloseTo(0.9, 1)
    expect(half.components.app?.utilization.cpu).toBeCloseTo(0.4, 1)
  })

  it('takes it only as long as it lasts, and everything where it takes all', () => {
    const result = run(cpuBound(), {
      rate: 50,
      seconds: 30,
      faults: [fault('cpu', component('app'), { parameters: { share: 1 } })],
    })
    const ok = (from: number, to: number): number =>
      result.series
        .filter(({ at }) => at > from && at <= to)
        .reduce((sum, { requests }) => sum + (requests.all?.ok ?? 0), 0)
    expect(ok(11, 20)).toBe(0)
    // Ten seconds of work are made up for at 200 a second.
    expect(ok(20, 25)).toBeGreaterThan(650)
    expect(result.faults[0]).toMatchObject({ injectedAt: 10.5, undoneAt: 20.5 })
    expect(result.requests.all?.errors).toEqual({})
  })

  it('takes it of a quota as well', () => {
    const result = run(cpuBound(', resources: { cpu: 1 }'), {
      rate: 40,
      seconds: 2000,
      faults: [fault('cpu', component('app'), { atSeconds: 0, forSeconds: 2000, parameters: { share: 0.2 } })],
    })
    // 0.8 cores, ρ = 0.5: 12.5 ms/(1 − 0.5).
    expect(result.requests.all?.latency?.mean).toBeGreaterThan(0.025 * 0.95)
    expect(result.requests.all?.latency?.mean).toBeLessThan(0.025 * 1.05)
  })
})

describe('something that takes memory', () => {
  const topology = `
name: memory
hosts: { box: { count: 1, cpu: 4, memory: 4GiB } }
components:
  app: { engine: service, host: box, execution: { model: virtual-threads }, resources: { memory: 512MiB }, startup: 1s, restart: { after: 1s } }
  cache: { engine: redis, host: box, memory: 2GiB, restart: { after: 1s } }
requests: { read: { share: 100%, serve: app, flow: [{ query: cache }] } }
`

  it('beyond what is left makes the kernel kill the largest process, again and again', () => {
    const result = run(topology, {
      rate: 20,
      seconds: 30,
      faults: [fault('memory', host('box'), { parameters: { size: 2 * 2 ** 30 } })],
    })
    const killed = result.events.filter((event) => event.type === 'instance' && event.state === 'crashed')
    expect(killed.every((event) => event.type === 'instance' && event.instance === 'cache/0')).toBe(true)
    expect(killed.length).toBeGreaterThan(3)
    expect(errors(result, 11, 20)).toBeGreaterThan(50)
    expect(errors(result, 24, 30)).toBe(0)
  })

  it('that fits hurts nobody', () => {
    const result = run(topology, {
      rate: 20,
      seconds: 30,
      faults: [fault('memory', host('box'), { parameters: { size: 2 ** 30 } })],
    })
    expect(result.requests.all?.errors).toEqual({})
  })

  it('where nobody says how much there is is refused', () => {
    expect(
      refusal(topology.replace(', memory: 4GiB', ''), [fault('memory', host('box'), { parameters: { size: 1 } })]),
    ).toEqual([
      'fault memory host:box cannot be simulated: the memory of its machines is not declared (hosts.<name>.memory)',
    ])
  })
})

const stored = (flow: string, db = 'engine: postgres'): string => `
name: stored
hosts: { box: { count: 1, cpu: 100 } }
data: { product: { keys: 10 } }
components:
  app: { engine: service, host: box, execution: { model: virtual-threads }, pools: { main: { to: db, size: 20 } } }
  cache: { engine: redis, host: box }
  db: { ${db}, host: box, demand: { const: 0ms } }
requests: { ask: { share: 100%, serve: app, flow: [${flow}] } }
`

const write = '{ write: app.main, table: product, key: product, time: { wait: { const: 1ms } } }'
const read = '{ query: app.main, table: product, key: product, time: { wait: { const: 1ms } } }'

describe('a disk', () => {
  it('that is full fails writes and commits, and leaves reads alone', () => {
    const full = (flow: string): RunResult =>
      run(stored(flow), { rate: 50, seconds: 30, faults: [fault('disk-full', component('db'))] })
    for (const flow of [write, `{ transaction: app.main, do: [${write}] }`]) {
      const result = full(flow)
      expect(errors(result, 11, 20)).toBeGreaterThan(380)
      expect(errors(result, 21, 30)).toBe(0)
    }
    expect(full(read).requests.all?.errors).toEqual({})
  })

  it('that is slow delays each statement that waits for it: once a write, a read that waits, a commit', () => {
    const slow = (flow: string): number | undefined =>
      run(stored(flow), {
        rate: 10,
        seconds: 20,
        faults: [fault('slow-disk', component('db'), { atSeconds: 0, forSeconds: 20, parameters: { add: 0.05 } })],
      }).requests.all?.latency?.mean
    expect(slow(write)).toBeCloseTo(0.051, 3)
    expect(slow(read)).toBeCloseTo(0.051, 3)
    expect(slow('{ query: app.main, table: product }')).toBeCloseTo(0, 3)
    expect(slow(`{ transaction: app.main, do: [${write}, ${write}] }`)).toBeCloseTo(0.052, 3)
  })

  it('that nobody waits for is refused', () => {
    expect(refusal(stored(write), [fault('slow-disk', component('cache'), { parameters: { add: 1 } })])).toEqual([
      'fault slow-disk cache cannot be simulated: cache: nothing there waits for a disk',
    ])
  })
})

describe('strangers who take all connections', () => {
  it('leave those that are open, and let nobody open another', () => {
    const topology = stored(
      '{ query: app.main, table: product, time: { wait: { const: 100ms } } }',
      'engine: postgres, maxConnections: 50',
    )
    // 5 connections are open at 50/s; after the service was restarted it gets none.
    const result = run(topology, {
      rate: 50,
      seconds: 40,
      faults: [
        fault('exhaust-connections', component('db'), { forSeconds: 20 }),
        fault('kill', component('app'), { atSeconds: 20.5, forSeconds: undefined, restartAfterSeconds: 0 }),
      ],
    })
    expect(errors(result, 11, 20) / offered(result, 11, 20)).toBeLessThan(0.1)
    expect(errors(result, 22, 30)).toBe(offered(result, 22, 30))
    expect(errors(result, 31.5, 40)).toBe(0)
  })
})

describe('strangers who come while others are there', () => {
  it('leave as many connections as the greediest of them, until the last has gone', () => {
    const topology = stored(
      '{ query: app.main, table: product, time: { wait: { const: 100ms } } }',
      'engine: postgres, maxConnections: 50',
    )
    const result = run(topology, {
      rate: 100,
      seconds: 60,
      faults: [
        fault('exhaust-connections', component('db'), { forSeconds: 20 }),
        fault('exhaust-connections', component('db'), { atSeconds: 15.5, forSeconds: 30, parameters: { leave: 3 } }),
        fault('kill', component('app'), { atSeconds: 20.5, forSeconds: undefined, restartAfterSeconds: 0 }),
      ],
    })
    // Ten connections are needed: none is left at first, then three, then all.
    expect(errors(result, 22, 30)).toBe(offered(result, 22, 30))
    expect(errors(result, 32, 45) / offered(result, 32, 45)).toBeGreaterThan(0.5)
    expect(errors(result, 32, 45) / offered(result, 32, 45)).toBeLessThan(0.85)
    expect(errors(result, 47, 60)).toBe(0)
  })
})

describe('a traffic spike', () => {
  const topology = `
name: spike
components: { app: { engine: service } }
requests:
  view: { share: 80%, serve: app, route: GET /view, flow: [{ wait: { const: 10ms } }] }
  buy: { share: 20%, serve: app, route: POST /buy, flow: [{ wait: { const: 10ms } }] }
`
  const near = (count: number, expected: number): void => {
    expect(count).toBeGreaterThan(expected * 0.95)
    expect(count).toBeLessThan(expected * 1.05)
  }

  it('multiplies all arrivals of an open load', () => {
    const result = run(topology, {
      rate: 500,
      seconds: 40,
      faults: [fault('traffic-spike', { kind: 'all' }, { parameters: { factor: 4 } })],
    })
    near(offered(result, 0, 10), 5000)
    near(offered(result, 11, 20), 18_000)
    near(offered(result, 11, 20, 'buy'), 3600)
    near(offered(result, 21, 40), 9500)
  })

  it('multiplies those of one class, and by less than one makes them fewer', () => {
    const of = (factor: number): RunResult =>
      run(topology, {
        rate: 1000,
        seconds: 30,
        faults: [fault('traffic-spike', { kind: 'request', request: 'buy' }, { parameters: { factor } })],
      })
    const more = of(6)
    near(offered(more, 11, 20, 'buy'), 9 * 1200)
    near(offered(more, 11, 20, 'view'), 9 * 800)
    const fewer = of(0.25)
    expect(offered(fewer, 11, 20, 'buy') / (9 * 50)).toBeCloseTo(1, 0)
    near(offered(fewer, 11, 20, 'view'), 9 * 800)
  })

  it('multiplies the users of a closed load', () => {
    const closed = topology.replace('components:', 'traffic: { users: 1, thinkTime: { const: 1s } }\ncomponents:')
    const spike = (target: Fault['target'], factor: number): RunResult =>
      run(closed, { users: 101, seconds: 40, faults: [fault('traffic-spike', target, { parameters: { factor } })] })
    // Each asks once in 1.01 s.
    const all = spike({ kind: 'all' }, 3)
    near(offered(all, 13, 20), 7 * 300)
    near(offered(all, 23, 40), 17 * 100)
    const some = spike({ kind: 'request', request: 'buy' }, 6)
    near(offered(some, 13, 20, 'view'), 7 * 80)
    near(offered(some, 13, 20, 'buy'), 7 * 120)
    near(offered(some, 23, 40), 17 * 100)
  })
})

describe('a lost host', () => {
  const topology = `
name: lost
hosts: { web: { count: 2, cpu: 4, zone: a }, data: { count: 1, cpu: 4, zone: b } }
components:
  edge: { engine: nginx, host: data, upstream: app }
  app: { engine: service, host: web, replicas: 4, execution: { model: virtual-threads }, restart: { after: 1s }, startup: 1s }
  cache: { engine: redis, host: data, persistence: aof }
requests: { read: { share: 100%, enter: edge, serve: app, route: GET /read, flow: [{ wait: { const: 10ms } }] } }
`
  const states = (result: RunResult, state: string): string[] =>
    result.events.flatMap((event) => (event.type === 'instance' && event.state === state ? [event.instance] : []))

  it('takes all instances on that machine, and nothing restarts them before it is back', () => {
    const result = run(topology, { rate: 50, seconds: 40, faults: [fault('lose-host', host('web/1'))] })
    expect(states(result, 'crashed')).toEqual(['app/1', 'app/3'])
    expect(result.faults[0]).toMatchObject({ target: 'host:web/1', undoneAt: 21.5 })
    expect(result.faults[0]?.detectedAt).toBeGreaterThanOrEqual(10.5)
    expect(states(result, 'ready')).toEqual(['app/1', 'app/3'])
  })

  it('without an end stays lost; with a restart it is back after that', () => {
    const forever = run(topology, {
      rate: 50,
      seconds: 40,
      faults: [fault('lose-host', host('web'), { forSeconds: undefined })],
    })
    expect(states(forever, 'crashed')).toEqual(['app/0', 'app/1', 'app/2', 'app/3'])
    expect(states(forever, 'ready')).toEqual([])
    expect(errors(forever, 11, 40)).toBe(offered(forever, 11, 40))
    const back = run(topology, {
      rate: 50,
      seconds: 40,
      faults: [fault('lose-host', host('web'), { forSeconds: undefined, restartAfterSeconds: 5 })],
    })
    // nginx lets those that failed rest for 10 s.
    expect(errors(back, 27, 40)).toBe(0)
    expect(back.faults[0]?.undoneAt).toBeCloseTo(16.5, 9)
  })

  it('takes a whole zone as well', () => {
    const result = run(topology, { rate: 50, seconds: 30, faults: [fault('lose-zone', { kind: 'zone', zone: 'b' })] })
    expect(states(result, 'crashed')).toEqual(['edge/0', 'cache/0'])
  })
})
