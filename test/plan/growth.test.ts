import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseSetting } from '../../src/lib/document/settings.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { growthPlan } from '../../src/plan/growth/growth.js'
import { fitGrowth, parseHistory } from '../../src/plan/growth/history.js'
import { dayAfter, loadAfter, monthsUntil } from '../../src/plan/growth/trend.js'
import { renderText } from '../../src/report/document.js'
import { growthDocument } from '../../src/report/growth.js'
import { paintFor } from '../../src/report/paint.js'
import { parseTopology } from '../../src/topology/parse.js'

const text = (over: { growth?: string; traffic?: string; compute?: string } = {}) => `
apiVersion: plimsoll/v1
kind: Topology
name: web
hosts: { box: { count: 2, cpu: 1, price: 0.10/h } }
components:
  app: { engine: service, replicas: 2, host: box, pools: { main: { to: db, size: 2 } } }
  db: { engine: postgres, demand: { cpu: 0s } }
requests:
  r: { share: 100%, serve: app, route: GET /, slo: { p95: 400ms }, flow: [{ compute: ${over.compute ?? '10ms'} }, { query: app.main, time: { wait: 2ms } }] }
traffic: ${over.traffic ?? '{ rate: 50/s }'}
growth: { ${over.growth ?? 'rate: 10%/month, horizon: 12 months'} }
policy: { headroom: 20% }
`
const grow = (source: string, fitted?: ReturnType<typeof fitGrowth>) => {
  const parse = (settings: readonly string[]) =>
    parseTopology(source, {
      file: 't.yaml',
      registry: engineRegistry,
      settings: settings.map((one) => parseSetting(one)),
    })
  const topology = parse([])
  if (topology.growth === undefined) throw new Error('no growth')
  return growthPlan({
    topology,
    plan: capacityPlan(topology),
    growth: topology.growth,
    fitted,
    from: '2026-12-01',
    parse,
  })
}

describe('a trend', () => {
  const flat = { from: '2026-01-15', season: undefined }
  it('doubles in ln 2 / ln 1.1 = 7.27 months at 10 % a month', () => {
    expect(monthsUntil(2, 0.1, flat)).toBeCloseTo(Math.log(2) / Math.log(1.1), 12)
    expect(loadAfter(7.27254, 0.1, flat)).toBeCloseTo(2, 4)
  })
  it('is there already, or never, where that is so', () => {
    expect(monthsUntil(1, 0.1, flat)).toBe(0)
    expect(monthsUntil(2, 0, flat)).toBeNull()
    expect(monthsUntil(2, -0.05, flat)).toBeNull()
  })
  it('a season brings it forward: December is twice as much', () => {
    const season = [...new Array<number>(11).fill(1), 2]
    // From January: 1.1^11 × 2 = 5.7; without the season 3 times as much takes 11.5 months.
    expect(monthsUntil(3, 0.1, { from: '2026-01-15', season })).toBe(11)
  })
  it('counts months of a twelfth of a year', () => {
    expect(dayAfter('2026-01-01', 12)).toBe('2027-01-01')
  })
})

describe('what is reached, and when', () => {
  const plan = grow(text({ growth: 'rate: 10%/month, spread: 2%/month, horizon: 12 months' }))
  const of = (kind: string, subject: string) =>
    plan.crossings.find((one) => one.kind === kind && one.subject === subject)

  it('two loops of 10 ms are exhausted at 200/s, four times as much, after 14.5 months', () => {
    expect(of('limit', 'app')).toMatchObject({ ratePerSecond: 200, factor: 4 })
    expect(of('limit', 'app')?.months.expected).toBeCloseTo(Math.log(4) / Math.log(1.1), 9)
    expect(of('limit', 'app')?.months.early).toBeCloseTo(Math.log(4) / Math.log(1.12), 9)
    expect(of('limit', 'app')?.months.late).toBeCloseTo(Math.log(4) / Math.log(1.08), 9)
  })

  it('headroom goes first, at 160/s', () => {
    expect(of('headroom', 'app')?.ratePerSecond).toBeCloseTo(160, 9)
    expect(plan.crossings.map(({ factor }) => factor)).toEqual(
      plan.crossings.map(({ factor }) => factor).toSorted((a, b) => a - b),
    )
  })

  it('the cheapest step lifts the limit: a process more costs nothing only where cores are left, else a machine', () => {
    const step = of('limit', 'app')?.step
    expect(step?.costPerMonth).toBeCloseTo(73, 6)
    expect(step?.settings).toContain('hosts.box.count=3')
    expect(step?.liftsTo).toBeCloseTo(300, 6)
  })

  it('what is exhausted first at one, two, two and a half and five times the load', () => {
    expect(plan.milestones.map(({ ratePerSecond, exhausted }) => [ratePerSecond, exhausted])).toEqual([
      [50, null],
      [100, null],
      [125, null],
      [250, 'app'],
    ])
  })

  it('users grow, not rates, where traffic is closed', () => {
    const closed = grow(text({ traffic: '{ users: 50, thinkTime: 1s }' }))
    expect(closed.load.users).toBe(50)
    expect(closed.milestones.map(({ users }) => users)).toEqual([50, 100, 125, 250])
    // N = X·(R + Z) = 200 × 1.0121.
    expect(closed.crossings.find(({ kind, subject }) => kind === 'limit' && subject === 'app')?.users).toBeCloseTo(
      202.4,
      0,
    )
  })
})

describe('a planned path', () => {
  it('is judged step by step: does it lift what binds then', () => {
    const { phases } = grow(
      text({
        growth: `rate: 10%/month, horizon: 12 months, phases: {
          pools: { at: 100/s, set: [components.app.pools.main.size=20] },
          servers: { at: 150/s, set: [components.app.replicas=4, hosts.box.count=4] },
          too-late: { at: 900/s, set: [components.app.replicas=5, hosts.box.count=5] } }`,
      }),
    )
    expect(phases.map(({ name, lifts, carries }) => [name, lifts, carries])).toEqual([
      ['pools', false, true],
      ['servers', true, true],
      ['too-late', true, false],
    ])
    expect(phases[1]).toMatchObject({ before: { bottleneck: 'app', maxPerSecond: 200 }, after: { maxPerSecond: 400 } })
    expect(phases[1]?.costPerMonth).toBeCloseTo(146, 6)
  })
})

describe('growth fitted to a history', () => {
  const csv = (months: number, factor: (month: number) => number) =>
    `date,rate\n${Array.from({ length: months }, (_, m) => `${2023 + Math.floor(m / 12)}-${String((m % 12) + 1).padStart(2, '0')}-01,${factor(m)}`).join('\n')}\n`

  it('finds 5 % a month, within its interval, in what grew by 5 % a month', () => {
    const fitted = fitGrowth(
      parseHistory(
        csv(18, (m) => 100 * 1.05 ** m * (m % 2 === 0 ? 1.01 : 0.99)),
        'h.csv',
      ),
    )
    expect(fitted.ratePerMonth).toBeCloseTo(0.05, 2)
    expect(fitted.low).toBeLessThan(0.05)
    expect(fitted.high).toBeGreaterThan(0.05)
    expect(fitted).toMatchObject({ points: 18, until: '2024-06-01', season: undefined })
  })

  it('finds the season of two years', () => {
    const { season } = fitGrowth(
      parseHistory(
        csv(36, (m) => 100 * 1.02 ** m * (m % 12 === 11 ? 2 : 1)),
        'h.csv',
      ),
    )
    expect((season?.[11] ?? 0) / (season?.[5] ?? 1)).toBeGreaterThan(1.7)
    expect((season ?? []).reduce((sum, share) => sum + share, 0)).toBeCloseTo(12, 9)
  })

  it('replaces what the file declares', () => {
    const fitted = fitGrowth(
      parseHistory(
        csv(12, (m) => 100 * 1.2 ** m),
        'h.csv',
      ),
    )
    expect(grow(text(), fitted).rate).toMatchObject({ origin: 'fitted' })
    expect(grow(text(), fitted).rate.perMonth).toBeCloseTo(0.2, 2)
  })

  it.each([
    ['2026-01-01,5\n2026-02-01,abc\n', 'h.csv:2:1'],
    ['2026-01-01,5\nnever,6\n2026-03-01,7\n', 'h.csv:2:1'],
    ['date,load\n2026-01-01,5\n', 'h.csv:1:1'],
  ])('refuses %j, and says where', (source, where) => {
    let told = ''
    try {
      parseHistory(source, 'h.csv')
    } catch (error) {
      const [problem] = (error as { problems: { position?: { file: string; line: number; column: number } }[] })
        .problems
      told = `${problem?.position?.file}:${problem?.position?.line}:${problem?.position?.column}`
    }
    expect(told).toBe(where)
  })
})

it('the report has a row for each, and fits 80 columns', () => {
  const lines = renderText(growthDocument(grow(text())), { columns: 80, paint: paintFor(false) }).split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(lines.some((line) => /^app +limit +200\/s +4.00/.test(line))).toBe(true)
})
