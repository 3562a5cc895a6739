/** What tells the visits of a component apart: runs with several mixes. */
import { describe, expect, it, test } from 'vitest'
import { calibrate } from '../../src/calibrate/calibrate.js'
import { differences } from '../../src/calibrate/difference.js'
import { type KindPoint, kindFactors } from '../../src/calibrate/kinds.js'
import { engineRegistry } from '../../src/catalog/index.js'
import type { RunResult } from '../../src/result/run-result.js'
import { parseTopology } from '../../src/topology/parse.js'
import { classResult, componentResult, runResult, stepResult } from '../support/run-result.js'

/** Of a component whose gets cost 1 ms and whose posts cost 3 ms, halved at the higher load. */
const point = (load: number, posts: number, error = 1): KindPoint => {
  const seconds = (load > 200 ? 0.0005 : 0.001) * (1 - posts + 3 * posts) * error
  return { load, seconds, visits: { get: 1e4 * (1 - posts), post: 1e4 * posts } }
}
const factor = (factors: Readonly<Record<string, number>> | undefined, kind: string): number =>
  factors?.[kind] ?? Number.NaN

describe('factors of kinds', () => {
  it('are found from two mixes at each of two loads: a post costs three times a get', () => {
    const runs = [point(80, 0.1), point(80, 0.225), point(350, 0.1), point(350, 0.225)]
    const factors = kindFactors([...runs, ...runs])
    expect(factor(factors, 'post') / factor(factors, 'get')).toBeCloseTo(3, 0)
    // On average over all visits, of which 16.25 % are posts, 1.
    expect(0.8375 * factor(factors, 'get') + 0.1625 * factor(factors, 'post')).toBeCloseTo(1, 9)
  })

  it('stay near each other as far as an error of measurement could explain the difference', () => {
    const far = kindFactors([point(80, 0.1), point(80, 0.3)])
    const near = kindFactors([point(80, 0.1), point(80, 0.155)])
    expect(factor(near, 'post')).toBeLessThan(factor(far, 'post'))
    expect(factor(near, 'post')).toBeGreaterThan(1.05)
    expect(factor(far, 'post')).toBeLessThan(3 / 1.4)
  })

  it('are believed the less, the more runs of one mix scatter', () => {
    const mixes = [0.1, 0.225, 0.1, 0.225, 0.1, 0.225]
    const calm = kindFactors(mixes.map((posts, i) => point(80, posts, i % 3 === 0 ? 1.02 : 0.99)))
    const wild = kindFactors(mixes.map((posts, i) => point(80, posts, [1.3, 1.3, 0.8, 0.8, 0.9, 0.9][i])))
    expect(factor(calm, 'post')).toBeGreaterThan(1.8)
    expect(factor(wild, 'post')).toBeLessThan(1.6)
  })

  it('need runs whose mixes differ, and two kinds', () => {
    expect(kindFactors([point(80, 0.1), point(350, 0.1)])).toBeUndefined()
    expect(kindFactors([{ load: 80, seconds: 0.001, visits: { get: 100 } }])).toBeUndefined()
    expect(kindFactors([])).toBeUndefined()
  })

  it('do not take the load for the mix: more posts at the higher load alone say nothing of posts', () => {
    const factors = kindFactors([point(80, 0.1), point(350, 0.3)])
    expect(factor(factors, 'post')).toBeCloseTo(factor(factors, 'get'), 2)
  })
})

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: two-kinds
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, execution: { model: event-loop, processes: 1 }, pools: { main: { to: db, size: 9 } } }
  db: { engine: postgres }
requests:
  get: { share: 90%, enter: edge, serve: app, route: GET /, flow: [{ query: app.main, time: { cpu: 1ms } }] }
  post: { share: 10%, enter: edge, serve: app, route: POST /, flow: [{ compute: 1ms }, { write: app.main, table: t, time: { cpu: 1ms } }, { write: app.main, table: u, time: { cpu: 1ms } }] }
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

/** 20 measured seconds; gets cost the edge 0.1 ms, posts 0.4; statements of the database 0.2 ms beyond their 1 ms, writes of u 0.6. */
const run = (ratePerSecond: number, share: number): RunResult => {
  const all = 20 * ratePerSecond
  const [gets, posts] = [all * (1 - share), all * share]
  const visited = (cpuSeconds: number, visits: number) =>
    componentResult({ cpuSeconds, throughputPerSecond: visits / 20, instances: [] })
  return runResult({
    topology: { name: 'two-kinds', digest: topology.digest },
    durationSeconds: 25,
    requests: {
      all: classResult({ attempts: all, offered: all, ratePerSecond }),
      get: classResult({ attempts: gets, offered: gets }),
      post: classResult({ attempts: posts, offered: posts }),
    },
    components: {
      edge: visited(gets * 1e-4 + posts * 4e-4, all),
      app: visited(gets * 5e-4 + posts * 15e-4, all),
      db: visited(gets * 12e-4 + posts * (12e-4 + 16e-4), gets + 2 * posts),
    },
    steps: {
      'get/0': stepResult({ count: gets, cpuSeconds: 0 }),
      'post/0': stepResult({ count: posts, cpuSeconds: posts * 1e-3 }),
      'post/1': stepResult({ count: posts, cpuSeconds: 0 }),
      'post/2': stepResult({ count: posts, cpuSeconds: 0 }),
    },
    hosts: { local: { utilization: { cpu: 0.3 } } },
    generator: { lag: { p50: 0, p99: 0, max: 0 }, unsent: 0, cpu: 0.05, cpuSeconds: all * 2e-4, busy: 0.1 },
  })
}

test('a calibration of several mixes knows each class at the balancer and the service, and each statement at the database', () => {
  const results = [run(50, 0.1), run(50, 0.3), run(200, 0.1), run(200, 0.3)]
  const runs = [...results, ...results].map((result, i) => ({ name: `${i}`, result }))
  const { estimates } = calibrate(topology, runs, { simulatedRequests: 500 })
  const cost = (component: string, kind: string): number => {
    const { demand, kinds } = estimates.components[component] ?? {}
    return (demand?.law === 'constant' ? demand.seconds : Number.NaN) * (kinds?.[kind]?.factor ?? Number.NaN)
  }
  expect(cost('edge', 'post') / 4e-4).toBeCloseTo(1, 1)
  expect(cost('edge', 'get') / 1e-4).toBeCloseTo(1, 1)
  // A get costs 0.5 ms of the service beside its steps, a post 1.5 ms of which its step is 1 ms.
  expect(cost('app', 'get') / cost('app', 'post')).toBeCloseTo(1, 1)
  // Both writes are as frequent in every run: their difference to the query is shared between them.
  expect(cost('db', 'get/0') / 2e-4).toBeCloseTo(1, 1)
  expect(cost('db', 'post/1') + cost('db', 'post/2')).toBeCloseTo(8e-4, 4)
  expect(cost('generator', 'get') / cost('generator', 'post')).toBeCloseTo(1, 2)
  // One answer for a get, two for a post.
  expect(estimates.components.app?.kinds).toMatchObject({ get: { turns: 2 }, post: { turns: 3 } })
  const entries = differences(topology, undefined, estimates).map(({ entry }) => entry)
  expect(entries).toContain('components.edge.kinds.post')
})

test('runs of one mix leave all visits alike', () => {
  const runs = [run(50, 0.1), run(200, 0.1)].map((result, i) => ({ name: `${i}`, result }))
  const { estimates } = calibrate(topology, runs, { simulatedRequests: 500 })
  expect(Object.values(estimates.components).map(({ kinds }) => kinds)).toEqual(new Array(4).fill(undefined))
})
