import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { experimentTopologyPath, parseExperiment } from '../../src/experiment/parse.js'
import type { Experiment } from '../../src/experiment/types.js'
import { parseTopology } from '../../src/topology/parse.js'

const folder = new URL('../../scenarios/optimization-api/', import.meta.url)
const topology = parseTopology(readFileSync(new URL('topology.yaml', folder), 'utf8'), {
  file: 'topology.yaml',
  registry: engineRegistry,
})
const parse = (
  text: string,
  of = topology as typeof topology,
  readTrace?: (file: string) => string | undefined,
): Experiment =>
  parseExperiment(text, { file: 'x.yaml', topology: of, ...(readTrace === undefined ? {} : { readTrace }) })

describe('scenario experiments', () => {
  it.each(readdirSync(new URL('experiments/', folder)))('%s parses', (name) => {
    const text = readFileSync(new URL(`experiments/${name}`, folder), 'utf8')
    expect(experimentTopologyPath(text, name)).toBe('../topology.yaml')
    const experiment = parse(text)
    expect(`${experiment.name}.yaml`).toBe(name)
    expect(experiment.digest).toMatch(/^[0-9a-f]{64}$/)
  })
})
