import { describe, expect, it } from 'vitest'
import { run } from './support.js'

/** Classes `high` and `low` at one service. */
const two = (service: string, high: string, low: string, more = ''): string => `
name: priorities
components:
  server: { engine: service, ${service} }
${more}
requests:
  high: { share: 50%, priority: 2, serve: server, route: GET /high, flow: [${high}] }
  low: { share: 50%, priority: 1, serve: server, route: GET /low, flow: [${low}] }
`

const wait = (result: ReturnType<typeof run>, id: string, serviceSeconds: number): number =>
  (result.requests[id]?.latency?.mean ?? 0) - serviceSeconds

const loop = 'execution: { model: event-loop, processes: 1 }'
const compute = '{ compute: 0.1s }'

describe('priorities at the CPU', () => {
  it('do not change the wait of all together: the mean over both classes is that of first come, first served', () => {
    const byPriority = run(two(loop, compute, compute), { rate: 8, seconds: 12_000 })
    const inOrder = run(two(`${loop}, priorities: none`, compute, compute), { rate: 8, seconds: 12_000 })
    const waitOf = (result: typeof inOrder) => wait(result, 'all', 0.1)
    expect(waitOf(byPriority) / waitOf(inOrder)).toBeCloseTo(1, 1)
    expect(waitOf(byPriority)).toBeGreaterThan(0.37)
    expect(waitOf(byPriority)).toBeLessThan(0.43)
    expect(byPriority.components.server?.utilization.cpu).toBeCloseTo(
      inOrder.components.server?.utilization.cpu ?? 0,
      3,
    )
    expect(wait(inOrder, 'high', 0.1) / wait(inOrder, 'low', 0.1)).toBeCloseTo(1, 1)
  })

  it('that interrupt let the important class see nobody else: an M/M/1 of its own, also while all together is too much', () => {
    const overloaded = run(two(`${loop}, priorities: preemptive`, compute, compute), { rate: 12, seconds: 5_000 })
    expect(overloaded.requests.high?.latency?.mean).toBeGreaterThan(0.25 * 0.94)
    expect(overloaded.requests.high?.latency?.mean).toBeLessThan(0.25 * 1.06)
    expect(overloaded.components.server?.utilization.cpu).toBeGreaterThan(0.999)
  })

  it('have no line to act on where bursts run at once, unless they interrupt', () => {
    const virtual = 'execution: { model: virtual-threads }, resources: { cpu: 1 }'
    const shared = run(two(virtual, compute, compute), { rate: 8, seconds: 10_000 })
    expect((shared.requests.high?.latency?.mean ?? 0) / (shared.requests.low?.latency?.mean ?? 0)).toBeCloseTo(1, 1)
    const interrupting = run(two(`${virtual}, priorities: preemptive`, compute, compute), { rate: 8, seconds: 20_000 })
    expect(interrupting.requests.high?.latency?.mean).toBeCloseTo(0.1667, 2)
    expect(interrupting.requests.low?.latency?.mean).toBeGreaterThan(0.78)
    expect(interrupting.requests.low?.latency?.mean).toBeLessThan(0.89)
  })

  it('are of the class, whatever its request leads to: a service that is called has them, too', () => {
    const text = `
name: called
components:
  front: { engine: service, execution: { model: virtual-threads } }
  server: { engine: service, ${loop}, operations: { work: { flow: [${compute}] } } }
requests:
  high: { share: 50%, priority: 9, serve: front, route: GET /high, flow: [{ call: server.work }] }
  low: { share: 50%, serve: front, route: GET /low, flow: [{ call: server.work }] }
`
    const result = run(text, { rate: 8, seconds: 20_000 })
    expect(wait(result, 'high', 0.1)).toBeCloseTo(0.1333, 1)
    expect(wait(result, 'low', 0.1)).toBeGreaterThan(0.6)
  })
})

describe('priorities at pools and threads', () => {
  it('a pool of one connection is the same queue: oracle 9 with connections', () => {
    const query = '{ query: server.main, time: { wait: 0.1s } }'
    const pooled = 'execution: { model: virtual-threads }, pools: { main: { to: db, size: 1 } }'
    const db = '  db: { engine: postgres, demand: { cpu: { const: 0.001us } } }'
    const result = run(two(pooled, query, query, db), { rate: 8, seconds: 40_000 })
    expect(wait(result, 'high', 0.1) / 0.133333).toBeGreaterThan(0.96)
    expect(wait(result, 'high', 0.1) / 0.133333).toBeLessThan(1.04)
    expect(wait(result, 'low', 0.1) / 0.666667).toBeGreaterThan(0.9)
    expect(wait(result, 'low', 0.1) / 0.666667).toBeLessThan(1.1)
  })

  it('three threads, one mean: waits of Kella and Yechiali', () => {
    const threads = 'execution: { model: threads, threads: 3 }'
    const result = run(two(threads, '{ wait: 1s }', '{ wait: 1s }'), { rate: 2.4, seconds: 60_000 })
    // C(3, 2.4) = 0.6472; Wq(k) = C·S/c / ((1 − σ(k−1))(1 − σ(k))), σ = 0.4, 0.8.
    expect(wait(result, 'high', 1) / (0.6472 / 3 / 0.6)).toBeGreaterThan(0.95)
    expect(wait(result, 'high', 1) / (0.6472 / 3 / 0.6)).toBeLessThan(1.05)
    expect(wait(result, 'low', 1) / (0.6472 / 3 / 0.6 / 0.2)).toBeGreaterThan(0.92)
    expect(wait(result, 'low', 1) / (0.6472 / 3 / 0.6 / 0.2)).toBeLessThan(1.08)
  })
})

describe('shedding load by priority', () => {
  const limited = (shed: string) => two(`${loop}, maxInFlight: 6, ${shed}`, '{ compute: 0.1s }', '{ compute: 0.1s }')

  it('refuses the lowest priority first: the important class is served whole under twice the load that can be', () => {
    const byPriority = run(limited('shed: lowest-priority'), { rate: 20, seconds: 2_000 })
    const arriving = run(limited('shed: newest'), { rate: 20, seconds: 2_000 })
    const { high, low, all } = byPriority.requests
    const share = (of: typeof high) => (of?.errors['503'] ?? 0) / (of?.completed ?? 1)
    // By itself the class of 10/s is an M/M/1/6 at ρ = 1, which blocks 1 of 7; and it never gives way to others.
    expect(share(high)).toBeCloseTo(1 / 7, 1)
    expect(share(low)).toBeGreaterThan(0.8)
    expect(share(arriving.requests.high)).toBeCloseTo(share(arriving.requests.low), 1)
    expect(share(arriving.requests.high)).toBeGreaterThan(0.45)
    // As much work gets done either way.
    expect((all?.ok ?? 0) / (arriving.requests.all?.ok ?? 1)).toBeGreaterThan(0.9)
    expect(all?.offered).toBe((all?.ok ?? 0) + Object.values(all?.errors ?? {}).reduce((a, b) => a + b, 0))
  })

  it('gives back what a call held that gives way: connections and transactions', () => {
    const flow = '{ transaction: server.main, do: [{ write: server.main, time: { wait: 0.1s } }] }'
    const service = 'execution: { model: virtual-threads }, maxInFlight: 4, pools: { main: { to: db, size: 2 } }'
    const result = run(two(service, flow, flow, '  db: { engine: postgres }'), { rate: 60, seconds: 300 })
    const { high, low } = result.requests
    expect(high?.ok).toBeGreaterThan(4_000)
    expect(low?.ok ?? 0).toBeLessThan((high?.ok ?? 0) / 4)
    expect(result.components.server?.pools.main?.inUse).toBeLessThanOrEqual(2)
    expect(result.components.server?.queue.max).toBeLessThanOrEqual(4)
  })
})

describe('without priorities', () => {
  it('one priority for all is none: the same result to the last bit', () => {
    const text = two(loop, compute, compute)
    const same = run(text.replace('priority: 2', 'priority: 7').replace('priority: 1', 'priority: 7'), {
      rate: 8,
      seconds: 50,
    })
    const none = run(text.replace('priority: 2, ', '').replace('priority: 1, ', ''), { rate: 8, seconds: 50 })
    expect(same.requests).toEqual(none.requests)
  })
})
