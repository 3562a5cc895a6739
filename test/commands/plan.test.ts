import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { run } from '../../src/commands/plan.js'
import type { CapacityPlan } from '../../src/plan/types.js'
import { bar } from '../../src/report/plan.js'
import { callCommand } from '../support/call-command.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scenario = 'scenarios/optimization-api/topology.yaml'

describe('plimsoll plan', () => {
  it.each([scenario, 'scenarios/flash-sale/topology.yaml', 'test/fixtures/topologies/task-queue.yaml'])(
    'shows %s within 80 columns',
    async (file) => {
      const { code, stdout, stderr } = await callCommand(run, [file], {}, root)
      expect(code).toBe(0)
      expect(stderr).toBe('')
      expect(Math.max(...stdout.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80)
      expect(stdout).toContain('What limits')
    },
  )

  it('says what limits, at which rate, and why', async () => {
    const { stdout } = await callCommand(run, [scenario], {}, root)
    expect(stdout).toContain('app at 4255/s: 2 event loops, 470 µs of CPU per request')
    expect(stdout).toContain('headroom 93.0 %; 300/s offered')
  })

  it('prints one JSON document and nothing else with --json', async () => {
    const { stdout, stderr, code } = await callCommand(run, [scenario], { json: true }, root)
    const plan = JSON.parse(stdout) as CapacityPlan
    expect(plan).toMatchObject({ apiVersion: 'plimsoll/v1', kind: 'CapacityPlan', bottleneck: 'app' })
    expect(Object.keys(plan)).toEqual(
      expect.arrayContaining(['demand', 'components', 'maxThroughputPerSecond', 'headroomRatio', 'findings']),
    )
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  })

  it('ends with 3 and names the file when there is none', async () => {
    const { code, problems } = await callCommand(run, ['nowhere.yaml'], {}, root)
    expect(code).toBe(3)
    expect(problems).toEqual(['cannot read nowhere.yaml: there is no such file'])
  })
})

describe('the bar of a utilization', () => {
  it.each([
    [0, '··········'],
    [0.001, '▏·········'],
    [0.5, '█████·····'],
    [0.96, '█████████▋'],
    [1.7, '██████████'],
  ])('at %d is %s', (ratio, expected) => {
    expect(bar(ratio)).toBe(expected)
  })
})
