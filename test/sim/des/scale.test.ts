/** Sizes that a mistake in complexity would make impossible; ten times as much is measured by `npm run bench:sim -- --scale`. */
import { describe, expect, it } from 'vitest'
import { run } from './support.js'

describe('a wide topology', () => {
  it('builds 10,000 instances of 50 components, and requests pass through all of them', () => {
    const services = 49
    const operation = (i: number): string =>
      `  s${i}: { engine: service, replicas: 200, operations: { work: { flow: [{ compute: 100us }${
        i < services ? `, { call: s${i + 1}.work }` : ''
      }] } } }`
    const result = run(
      `
name: wide
components:
  edge: { engine: nginx, replicas: 200, upstream: s1 }
${Array.from({ length: services }, (_, i) => operation(i + 1)).join('\n')}
requests:
  get: { share: 100%, enter: edge, serve: s1, route: GET /, flow: [{ call: s2.work }] }
`,
      { rate: 500, seconds: 1 },
    )
    const { offered, ok } = result.requests.all ?? { offered: 0, ok: -1 }
    expect(offered).toBeGreaterThan(400)
    expect(ok).toBe(offered)
    const components = Object.values(result.components)
    expect(components).toHaveLength(50)
    for (const { instances } of components) expect(instances).toHaveLength(200)
    // The last of the chain did 0.1 ms for each request that reached it before the load ended.
    expect((result.components.s49?.cpuSeconds ?? 0) / (ok * 1e-4)).toBeCloseTo(1, 0)
  })
})

describe('a crowd', () => {
  it('of 100,000 users who think 100 s asks 1000 times a second, and is answered as an M/M/1 queue answers', () => {
    const result = run(
      `
name: crowd
components:
  server: { engine: service, execution: { model: event-loop, processes: 1 } }
requests:
  get: { share: 100%, serve: server, route: GET /, flow: [{ compute: 500us }] }
traffic: { users: 100000, thinkTime: 100s }
`,
      { users: 100_000, seconds: 40, warmup: 1 },
    )
    // 39,000 requests: 0.5 % of sampling error of the rate, about 2 % of the mean response at ρ = 0.5.
    expect((result.requests.all?.ratePerSecond ?? 0) / 1000).toBeCloseTo(1, 1)
    expect((result.requests.all?.latency?.mean ?? 0) / 0.001).toBeCloseTo(1, 1)
  })
})
