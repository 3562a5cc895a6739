/** What holds of every plan, whatever the topology: values are finite or null, laws hold between them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { topologyPlacement } from '../../src/catalog/placement.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { randomStream } from '../../src/lib/random.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import type { CapacityPlan } from '../../src/plan/types.js'
import { solveTopology } from '../../src/sim/analytic/network/solve.js'
import { momentsOf } from '../../src/sim/analytic/network/timing.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'
import { topologyFile, topologyFrom } from '../support/topology.js'

const files = [
  'scenarios/optimization-api/topology.yaml',
  'scenarios/flash-sale/topology.yaml',
  'scenarios/task-queue/topology.yaml',
  'scenarios/container-routing/topology.yaml',
  'test/golden/generate/topology.yaml',
]

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

const parsed = (text: string): Topology | undefined => {
  try {
    return parseTopology(text, { file: 'mutant.yaml', registry: engineRegistry })
  } catch (error) {
    if (error instanceof PlimsollError) return undefined
    throw error
  }
}

const notFinite = (value: unknown, path = 'plan'): readonly string[] => {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} = ${value}`]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => notFinite(inner, `${path}.${key}`))
}

const expectLaws = (plan: CapacityPlan): void => {
  expect(notFinite(plan)).toEqual([])
  for (const { arrivalRatePerSecond, residenceSeconds, concurrency } of Object.values(plan.components))
    if (residenceSeconds !== null && concurrency !== null)
      expect(concurrency).toBeCloseTo(
        arrivalRatePerSecond * residenceSeconds,
        6 - Math.ceil(Math.log10(concurrency + 1)),
      )
  const least = Math.min(...plan.limits.map((limit) => limit.maxThroughputPerSecond ?? Number.POSITIVE_INFINITY))
  expect(plan.maxThroughputPerSecond ?? Number.POSITIVE_INFINITY).toBe(least)
  for (const request of Object.values(plan.requests))
    if (request.residenceSeconds !== null)
      expect(request.residenceSeconds).toBeGreaterThanOrEqual(request.minResidenceSeconds * (1 - 1e-9))
}

/** Solved as it is placed, as `simulate --check` does: every time is a number or without bound. */
const expectTimes = (topology: Topology): void => {
  const { solved } = solveTopology(topology, topologyPlacement(topology), 'placed')
  for (const { tree } of solved.classes) {
    const { mean, variance } = momentsOf(tree, solved.point.timing)
    expect(mean).toBeGreaterThanOrEqual(0)
    expect(variance).toBeGreaterThanOrEqual(0)
  }
  for (const seconds of solved.residences.stations.values()) expect(seconds).toBeGreaterThanOrEqual(0)
  for (const { waitSeconds, holdSeconds } of solved.residences.pools.values()) {
    expect(waitSeconds).toBeGreaterThanOrEqual(0)
    expect(holdSeconds).toBeGreaterThanOrEqual(0)
  }
}

/** Other values for what a topology writes: small, large, none, exactly full. */
const numbers = ['0', '1', '2', '7', '100', '999', '1000', '100000']

const mutated = (text: string, seed: number): string => {
  const stream = randomStream(seed, 'mutation')
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(stream.uniform() * list.length)]
  const places = [...text.matchAll(/(?<=[\s:{[])\d+(\.\d+)?(?=(us|ms|s|m|%|KiB|MiB|GiB|\/s)?[\s,}\]])/g)]
  let changed = text
  for (let i = 0; i < 3; i++) {
    const place = pick(places)
    if (place !== undefined && changed.slice(place.index).startsWith(place[0]))
      changed = changed.slice(0, place.index) + (pick(numbers) ?? '1') + changed.slice(place.index + place[0].length)
  }
  return changed
}

describe.each(files)('%s', (file) => {
  it('obeys the laws as it stands', () => {
    expectLaws(capacityPlan(topologyFile(file)))
  })

  it('obeys them with other numbers in it', () => {
    const text = read(file)
    let planned = 0
    for (let seed = 0; seed < 40; seed++) {
      const topology = parsed(mutated(text, seed))
      if (topology === undefined) continue
      planned++
      expectLaws(capacityPlan(topology))
      expectTimes(topology)
    }
    expect(planned).toBeGreaterThan(10)
  })
})

describe('sizes that take a formula to its limits', () => {
  const extreme = (over: { users?: string; replicas?: number; keys?: number; size?: number }) =>
    capacityPlan(
      topologyFrom(`
data: { item: { keys: ${over.keys ?? 10}, popularity: zipf(1.1), bytes: 1KiB } }
components:
  app: { engine: service, replicas: ${over.replicas ?? 1}, pools: { main: { to: db, size: ${over.size ?? 5} } } }
  cache: { engine: redis, memory: 64MiB }
  db: { engine: postgres }
requests:
  r: { share: 100%, serve: app, route: "GET /{item}", flow: [{ compute: 1ms }, { lookup: cache, key: item, ttl: 10s, miss: [{ query: app.main, time: 1ms }] }] }
traffic: ${over.users ?? '{ rate: 100/s }'}
`),
    )

  it.each([
    ['ten million keys', { keys: 10_000_000 }],
    ['a thousand replicas with a hundred thousand connections each', { replicas: 1000, size: 100_000 }],
    ['ten million users', { users: '{ users: 10000000, thinkTime: 1s }' }],
    ['one user', { users: '{ users: 1, thinkTime: 0s }' }],
  ])('%s, at once', (_, over) => {
    const start = performance.now()
    expectLaws(extreme(over))
    expect(performance.now() - start).toBeLessThan(5000)
  })
})
