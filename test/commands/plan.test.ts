import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../src/commands/plan.js'
import type { CapacityPlan } from '../../src/plan/types.js'
import { bar } from '../../src/report/plan.js'
import { callCommand } from '../support/call-command.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scenario = 'scenarios/optimization-api/topology.yaml'

describe('plimsoll plan', () => {
  it.each([
    scenario,
    'scenarios/flash-sale/topology.yaml',
    'scenarios/task-queue/topology.yaml',
    'scenarios/container-routing/topology.yaml',
  ])('shows %s within 80 columns', async (file) => {
    const { code, stdout, stderr } = await callCommand(run, [file], {}, root)
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(Math.max(...stdout.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80)
    expect(stdout).toContain('What limits')
  })

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

describe('the review of plimsoll plan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-plan-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const flash = readFileSync(join(root, 'scenarios/flash-sale/topology.yaml'), 'utf8')
  const copied = (name: string): string => {
    writeFileSync(join(folder, name), flash)
    return name
  }

  it('ends with 4 when a finding is as bad as --fail-on says, and only then', async () => {
    const code = async (file: string, failOn: string) => (await callCommand(run, [file], { failOn }, root)).code
    expect(await code('scenarios/flash-sale/topology.yaml', 'error')).toBe(4)
    expect(await code(scenario, 'error')).toBe(0)
    expect(await code(scenario, 'warning')).toBe(4)
  })

  it('writes what it mends, shows the difference, and tells what is left', async () => {
    const file = copied('fixed.yaml')
    chmodSync(join(folder, file), 0o640)
    const { code, stdout, stderr } = await callCommand(run, [file], { fix: true }, folder)
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'wrote fixed.yaml\n' })
    expect(stdout).toContain('-      replica: { to: db.replica, size: 300, acquireTimeout: 30s }\n')
    expect(stdout).toContain('+      replica: { to: db.replica, size: 49, acquireTimeout: 800ms }\n')
    expect(stdout).toContain('Mended: 6 errors, 1 warning')
    expect(stdout).toContain('· needs a decision: how cache.product is locked')
    const lines = stdout.slice(stdout.indexOf('flash-sale: mended')).split('\n')
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80)
    expect(readFileSync(join(folder, file), 'utf8')).toContain(
      'primary: { to: db.primary, size: 49, acquireTimeout: 2.4s } # as documented',
    )
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o640)
  })

  it('writes nothing with --dry-run', async () => {
    const file = copied('dry.yaml')
    const { stdout, stderr } = await callCommand(run, [file], { fix: true, dryRun: true }, folder)
    expect(stdout).toContain('+      masters: 3,')
    expect(stderr).toBe('dry.yaml is as it was (--dry-run)\n')
    expect(readFileSync(join(folder, file), 'utf8')).toBe(flash)
  })

  it('mends what a link leads to, and leaves the link', async () => {
    copied('target.yaml')
    symlinkSync('target.yaml', join(folder, 'link.yaml'))
    await callCommand(run, ['link.yaml'], { fix: true }, folder)
    expect(readFileSync(join(folder, 'target.yaml'), 'utf8')).toContain('masters: 3,')
  })

  it('reviews and mends by the rules that --rule names', async () => {
    const file = copied('one.yaml')
    const { stdout } = await callCommand(run, [file], { fix: true, json: true, rule: ['quorum-of-two'] }, folder)
    const fix = JSON.parse(stdout) as {
      kind: string
      written: boolean
      applied: { rule: string }[]
      plan: CapacityPlan
    }
    expect(fix).toMatchObject({ kind: 'PlanFix', written: true })
    expect(fix.applied.map(({ rule }) => rule)).toEqual(['quorum-of-two', 'quorum-of-two'])
    expect(fix.plan.findings).toEqual([])
    expect(readFileSync(join(folder, file), 'utf8')).toContain('size: 300')
  })

  it('writes Markdown with --md', async () => {
    const { stdout } = await callCommand(run, ['scenarios/flash-sale/topology.yaml'], { md: true }, root)
    expect(stdout).toMatch(/## Findings: \d errors, \d warnings, 1 info/)
    expect(stdout).toContain('- error quorum-of-two: scenarios/flash-sale/topology.yaml:')
  })

  it.each([
    [{ rule: ['quorum-of-tow'] }, '--rule: there is no review rule "quorum-of-tow"'],
    [{ dryRun: true }, '--dry-run has a meaning only beside --fix'],
    [{ md: true, json: true }, '--json and --md are two formats'],
  ])('ends with 2 for %o', async (options, problem) => {
    const { code, problems } = await callCommand(run, [scenario], options, root)
    expect({ code, problems }).toEqual({ code: 2, problems: [problem] })
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
