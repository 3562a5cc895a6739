/** What holds of every scenario: its files are read, its experiments run on it, and its README tells of each of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseExperiment } from '../../src/experiment/parse.js'
import { topologyFile } from '../support/topology.js'

const experimentsOf = (scenario: string): string[] =>
  readdirSync(`scenarios/${scenario}/experiments`).map((file) => `scenarios/${scenario}/experiments/${file}`)

describe('optimization-api with read replicas', () => {
  it('is read, and what its experiment kills is the primary of three', () => {
    const folder = 'scenarios/optimization-api/replicated'
    const topology = topologyFile(`${folder}/topology.yaml`)
    const file = `${folder}/experiments/lose-the-primary.yaml`
    const { name, faults } = parseExperiment(readFileSync(file, 'utf8'), { file, topology })
    expect(name).toBe('lose-the-primary')
    expect(faults).toMatchObject([{ kind: 'kill', target: { kind: 'instance', component: 'db', index: 0 } }])
    expect(topology.components.db).toMatchObject({ readReplicas: 2, replicas: 3 })
  })
})

describe.each(readdirSync('scenarios'))('scenario %s', (scenario) => {
  const topology = topologyFile(`scenarios/${scenario}/topology.yaml`)
  const experiments = experimentsOf(scenario)

  it.each(experiments)('%s is read, and named like its file', (file) => {
    const { name, load, topology: path } = parseExperiment(readFileSync(file, 'utf8'), { file, topology })
    expect([name, path]).toEqual([basename(file, '.yaml'), '../topology.yaml'])
    expect(load.stages.length).toBeGreaterThan(0)
  })

  it('tells of each experiment in its README', () => {
    const readme = readFileSync(`scenarios/${scenario}/README.md`, 'utf8')
    expect(experiments.length).toBeGreaterThanOrEqual(5)
    for (const file of experiments) expect(readme).toContain(`| \`${basename(file, '.yaml')}\` |`)
  })
})
