/** A scenario's topology, its plan, and the results of its experiments; each is played once. */
import { readFileSync } from 'node:fs'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { mend } from '../../src/plan/fix/fix.js'
import { reviewedBy } from '../../src/plan/rules/index.js'
import type { CapacityPlan } from '../../src/plan/types.js'
import type { ClassResult, RunResult } from '../../src/result/run-result.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'

export interface Scenario {
  readonly text: string
  readonly readme: string
  readonly topology: Topology
  readonly plan: CapacityPlan
  readonly mended: ReturnType<typeof mend>
  /** The result of an experiment; `change`: on another topology than the scenario's. */
  readonly played: (experiment: string, change?: (text: string) => string) => RunResult
}

export const scenarioNamed = (name: string): Scenario => {
  const file = `scenarios/${name}/topology.yaml`
  const parse = (text: string): Topology => parseTopology(text, { file, registry: engineRegistry })
  const text = readFileSync(file, 'utf8')
  const topology = parse(text)
  const results = new Map<string, RunResult>()
  const play = (experiment: string, on: Topology): RunResult => {
    const path = `scenarios/${name}/experiments/${experiment}.yaml`
    const made = parseExperiment(readFileSync(path, 'utf8'), { file: path, topology: on })
    return simulate({ topology: on, experiment: made, seed: made.seed })
  }
  return {
    text,
    readme: readFileSync(`scenarios/${name}/README.md`, 'utf8'),
    topology,
    plan: reviewedBy(capacityPlan(topology), undefined),
    mended: mend(text, { parse }),
    played: (experiment, change) => {
      if (change !== undefined) return play(experiment, parse(change(text)))
      const result = results.get(experiment) ?? play(experiment, topology)
      results.set(experiment, result)
      return result
    },
  }
}

export const classOf = (result: RunResult, id: string): ClassResult => {
  const found = result.requests[id]
  if (found === undefined) throw new Error(`no class ${id}`)
  return found
}

export const queueOf = (result: RunResult, broker: string, queue: string) => {
  const found = result.components[broker]?.queues?.[queue]
  if (found === undefined) throw new Error(`no queue ${broker}.${queue}`)
  return found
}

/** What had to hold and did not pass. */
export const failuresOf = (result: RunResult): readonly string[] =>
  [...result.steadyState, ...result.slo, ...result.invariants]
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ name }) => name)
