import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PlimsollError } from '../../src/lib/errors.js'
import { loadExperiment } from '../../src/system/files.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-test-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const told = async (experiment: string): Promise<string[]> => {
  writeFileSync(join(folder, 'x.yaml'), experiment)
  const error = await loadExperiment(join(folder, 'x.yaml'), { file: 'x.yaml' }).catch((thrown: unknown) => thrown)
  if (!(error instanceof PlimsollError)) throw new Error('it was read')
  expect(error.exitCode).toBe(3)
  return error.problems.map(
    ({ position, message }) => `${position?.file}:${position?.line}:${position?.column} ${message}`,
  )
}

const experiment = `apiVersion: plimsoll/v1
kind: Experiment
name: x
topology: t.yaml
load: { stages: [{ hold: 1/s, for: 10 }] }
`

it('a topology that is not there is told where the experiment names it, beside its other mistakes', async () => {
  expect(await told(experiment)).toEqual([
    'x.yaml:4:11 cannot read t.yaml: there is no such file',
    expect.stringMatching(/^x\.yaml:5:36 for: "10" has no unit/),
  ])
})

it('mistakes in the topology and in the experiment are told together', async () => {
  writeFileSync(
    join(folder, 't.yaml'),
    'apiVersion: plimsoll/v1\nkind: Topology\nname: t\ncomponents: { a: { engine: redi } }\n',
  )
  const lines = await told(experiment)
  expect(lines[0]).toMatch(/^x\.yaml:5:36/)
  expect(lines.at(-1)).toMatch(/^t\.yaml:4:.*redi/)
})
