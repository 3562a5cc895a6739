/** What `plan` answers instead of the plan itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../src/commands/plan.js'
import { callCommand } from '../support/call-command.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scenario = 'scenarios/optimization-api/topology.yaml'
const flash = 'scenarios/flash-sale/topology.yaml'
const folder = mkdtempSync(join(tmpdir(), 'plimsoll-plan-'))
afterAll(() => rmSync(folder, { recursive: true }))

const small = join(folder, 'small.yaml')
writeFileSync(
  small,
  `apiVersion: plimsoll/v1
kind: Topology
name: small
hosts: { box: { cpu: 1, price: 0.10/h } }
components: { app: { engine: service, host: box } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 10ms }] } }
traffic: { rate: 50/s }
`,
)

const call = (file: string, options: Record<string, unknown>) => callCommand(run, [file], options as never, root)
const narrow = (stdout: string): number => Math.max(...stdout.split('\n').map((line) => [...line].length))

describe('--set', () => {
  it('sets what would be beside what is', async () => {
    const { stdout, code } = await call(scenario, { set: ['components.app.replicas=4'] })
    expect(code).toBe(0)
    expect(stdout).toMatch(/all +at most +4255\/s +8511\/s +\+100 %/)
    expect(narrow(stdout)).toBeLessThanOrEqual(80)
  })

  it('--json holds the difference and the whole plan after it', async () => {
    const { stdout } = await call(scenario, { set: ['traffic.rate=600/s'], json: true })
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'PlanDifference',
      plan: { kind: 'CapacityPlan', demand: { throughputPerSecond: 600 } },
    })
  })

  it('a wrong setting is told where it was given', async () => {
    expect((await call(scenario, { set: ['components.ap.replicas=4'] })).problems.join('\n')).toMatch(
      /there is no "ap"/,
    )
  })
})

describe('--sweep', () => {
  it('plans each point', async () => {
    const { stdout } = await call(scenario, { sweep: ['components.app.replicas=1..3'], json: true })
    const { points } = JSON.parse(stdout) as { points: { maxThroughputPerSecond: number }[] }
    expect(points.map(({ maxThroughputPerSecond }) => Math.round(maxThroughputPerSecond))).toEqual([2128, 4255, 6383])
    expect(narrow((await call(scenario, { sweep: ['components.app.replicas=1..3'] })).stdout)).toBeLessThanOrEqual(80)
  })

  it('refuses one parameter twice, and two answers at once', async () => {
    expect(
      (await call(scenario, { sweep: ['traffic.rate=1/s,2/s', 'traffic.rate=3/s,4/s'] })).problems.join('\n'),
    ).toMatch(/twice/)
    expect((await call(scenario, { sweep: ['traffic.rate=1/s,2/s'], growth: true })).problems.join('\n')).toMatch(
      /two answers/,
    )
    expect((await call(scenario, { history: 'h.csv' })).problems.join('\n')).toMatch(/only beside --growth/)
    expect((await call(scenario, { fix: true, sensitivity: true })).problems.join('\n')).toMatch(/do not go together/)
  })
})

describe('--sensitivity', () => {
  it('names what matters, the most first, and no more than ten', async () => {
    const { stdout } = await call(small, { sensitivity: true, json: true })
    const { p95, cost } = JSON.parse(stdout) as { p95: { path: string }[]; cost: { path: string }[] }
    expect(p95.map(({ path }) => path)).toEqual(['requests.r.flow.0.compute', 'traffic.rate'])
    expect(cost.map(({ path }) => path)).toEqual(['hosts.box.price'])
  })
})

describe('--explain', () => {
  it('has the formulas with the numbers of the file in them', async () => {
    const { stdout } = await call(scenario, { explain: 'app' })
    expect(stdout).toContain('U = X·D/c = 300/s × 470 µs / 2')
    expect(stdout).toContain('X ≤ c/D = 2 / 470 µs')
    expect(stdout).toContain('λ = X·V = 300/s × 1 visits per request')
  })

  it('suggests the component that was meant', async () => {
    expect((await call(scenario, { explain: 'ap' })).problems.join('\n')).toMatch(/no component "ap"/)
  })
})

describe('--growth', () => {
  it('needs growth, or a history to fit one', async () => {
    expect((await call(scenario, { growth: true })).problems.join('\n')).toMatch(/has no "growth"/)
    const history = join(folder, 'history.csv')
    const lines = Array.from({ length: 12 }, (_, m) => `2026-${String(m + 1).padStart(2, '0')}-01,${100 * 1.1 ** m}`)
    writeFileSync(history, `date,rate\n${lines.join('\n')}\n`)
    const { stdout } = await call(scenario, { growth: true, history, json: true })
    const { rate, from } = JSON.parse(stdout) as { rate: { perMonth: number; origin: string }; from: string }
    expect(rate.origin).toBe('fitted')
    expect(rate.perMonth).toBeCloseTo(0.1, 2)
    expect(from).toBe('2026-12-01')
  })

  it('names what is exhausted first at 6000, 12000, 15000 and 30000 users of the flash sale', async () => {
    const { stdout } = await call(flash, { growth: true })
    for (const users of [6000, 12_000, 15_000, 30_000])
      expect(stdout).toMatch(new RegExp(`^ *${users} .*cache\\.product`, 'm'))
    expect(narrow(stdout)).toBeLessThanOrEqual(80)
  })
})
