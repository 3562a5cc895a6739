/** That a plan solves less than it could does not show in what it says. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { topologyPlacement } from '../../src/catalog/placement.js'
import { solveDeclared } from '../../src/plan/capacity.js'
import { crossing, type Operation, type Operations, operationsOf } from '../../src/plan/operation.js'
import { predict } from '../../src/plan/prediction.js'
import { lossPlans } from '../../src/plan/survival.js'
import { solveTopology } from '../../src/sim/analytic/network/solve.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'

const scenario = (name: string): Topology => {
  const file = `scenarios/${name}/topology.yaml`
  const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')
  return parseTopology(text, { file, registry: engineRegistry })
}

const names = ['optimization-api', 'optimization-api/replicated', 'flash-sale', 'task-queue', 'container-routing']

test.each(names)('losses of %s are those that trees of their own would give', (name) => {
  const topology = scenario(name)
  const { operations, declared } = solveDeclared(topology, topologyPlacement(topology))
  const apart: Operations = { ...operations, solver: { ...operations.solver, shape: () => undefined } }
  expect(operations.solver.shape()).toBeDefined()
  expect(lossPlans(operations, declared)).toEqual(lossPlans(apart, declared))
})

test.each(names)('a load of %s that was solved after others is as if it had been the first', (name) => {
  const topology = scenario(name)
  const placement = topologyPlacement(topology)
  const operations = operationsOf(topology, placement)
  const ratePerSecond = operations.maxPerSecond * 0.7
  operations.at(operations.maxPerSecond * 0.2).solved.residences
  const alone = solveTopology({ ...topology, traffic: { mode: 'open', ratePerSecond } }, placement, 'shared')
  expect(operations.at(ratePerSecond).solved.residences).toEqual(alone.solved.residences)
})

/** The crossing of the first objective of its kind that any class breaks, found in so many loads. */
const sought = (operations: Operations, path: string, width?: number) => {
  const request = Object.values(operations.topology.requests).find(({ slo }) => slo.some((each) => each.path === path))
  const bound = request?.slo.find((each) => each.path === path)?.bound ?? 0
  let loads = 0
  const value = (operation: Operation): number => {
    loads++
    return request === undefined ? 0 : (predict(operation, request, path) ?? 0)
  }
  return { ratePerSecond: crossing(operations, value, bound, undefined, width), loads }
}

test.each([
  ['optimization-api', 'latency.p95'],
  ['optimization-api', 'errors'],
  ['flash-sale', 'latency.p95'],
  ['task-queue', 'queueDelay.p95'],
  ['task-queue', 'completion.p95'],
  ['container-routing', 'completion.p95'],
])('where %s breaks its %s is found in ten loads, to the fourth digit', (name, path) => {
  const topology = scenario(name)
  const operations = operationsOf(topology, topologyPlacement(topology))
  const { ratePerSecond, loads } = sought(operations, path)
  const exact = sought(operations, path, 1e-9).ratePerSecond
  expect(loads).toBeLessThanOrEqual(10)
  expect(Math.abs(ratePerSecond / exact - 1)).toBeLessThan(5e-5)
})
