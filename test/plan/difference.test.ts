import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parametersOf } from '../../src/lib/document/parameters.js'
import { parseSetting } from '../../src/lib/document/settings.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { planDifference } from '../../src/plan/difference.js'
import { largest, sensitivities } from '../../src/plan/sensitivity.js'
import { differenceMarkdown } from '../../src/report/plan-difference.js'
import { parseTopology } from '../../src/topology/parse.js'

const text = (over: { replicas?: number; price?: string; compute?: string; rate?: string } = {}) => `
apiVersion: plimsoll/v1
kind: Topology
name: web
hosts: { box: { count: 2, cpu: 1, price: ${over.price ?? '0.10/h'} } }
components:
  app: { engine: service, replicas: ${over.replicas ?? 2}, host: box }
  bank: { engine: external, latency: { const: 20ms } }
requests:
  r:
    share: 100%
    serve: app
    route: GET /
    slo: { p95: 400ms }
    flow: [{ compute: ${over.compute ?? '10ms'} }, { call: bank }]
traffic: { rate: ${over.rate ?? '100/s'} }
`
const parse = (source: string, settings: readonly string[] = []) =>
  parseTopology(source, {
    file: 't.yaml',
    registry: engineRegistry,
    settings: settings.map((setting) => parseSetting(setting)),
  })
const plan = (source: string) => capacityPlan(parse(source))

describe('the difference of two plans', () => {
  const difference = planDifference(plan(text()), plan(text({ replicas: 1, price: '0.20/h' })))
  const row = (subject: string, quantity: string) =>
    difference.rows.find((one) => one.subject === subject && one.quantity === quantity)

  it('tells what halves and doubles', () => {
    expect(row('all', 'at most')).toMatchObject({ base: 200, head: 100, better: 1 })
    expect(row('all', 'headroom')).toMatchObject({ base: 0.5, head: 0 })
    expect(row('all', 'cost per month')).toMatchObject({ base: 146, head: 292, better: -1 })
    expect(row('app', 'utilization')).toMatchObject({ base: 0.5, head: 1 })
  })

  it('leaves out what stays, but for what is about all', () => {
    expect(row('r', 'CPU')).toBeUndefined()
    expect(row('all', 'rate')).toMatchObject({ base: 100, head: 100 })
  })

  it('tells of findings and losses that come and go', () => {
    expect(difference.findings.added.map(({ rule }) => rule)).toContain('saturated')
    const fewer = planDifference(plan(text({ rate: '60/s' })), plan(text({ rate: '60/s', replicas: 1 })))
    expect(fewer.survival.lost).toEqual(['app/0', 'host:box/0'])
    const back = planDifference(plan(text({ replicas: 1 })), plan(text()))
    expect(back.findings.removed.map(({ rule }) => rule)).toContain('saturated')
    const worse = planDifference(plan(text({ rate: '250/s' })), plan(text({ rate: '300/s' })))
    expect(worse.findings.added.map(({ rule }) => rule)).not.toContain('saturated')
    expect(worse.findings.changed.map(({ rule }) => rule)).toContain('saturated')
  })

  it('is a table of Markdown for a pull request', () => {
    const lines = differenceMarkdown(difference, 'base to head').split('\n')
    expect(lines[0]).toBe('# base to head')
    expect(lines).toContain('| all | cost per month | 146.00 USD | 292.00 USD | +100 % |')
  })

  it('of a plan with itself is nothing', () => {
    const none = planDifference(plan(text()), plan(text()))
    expect(none.rows.every(({ base, head, subject }) => subject === 'all' && base === head)).toBe(true)
    expect(none.findings).toEqual({ added: [], removed: [], changed: [] })
  })
})

describe('sensitivity', () => {
  const source = text()
  const all = sensitivities(plan(source), parametersOf(source), (path, value) => {
    try {
      return parse(source, [`${path}=${value}`])
    } catch {
      return undefined
    }
  })
  const of = (path: string) => all.find((one) => one.path === path)

  it('cost is proportional to the price and to the number of machines', () => {
    expect(of('hosts.box.price')?.cost?.elasticity).toBeCloseTo(1, 9)
    expect(of('hosts.box.count')).toMatchObject({ from: '2', to: '3' })
    expect(of('hosts.box.count')?.cost?.elasticity).toBeCloseTo(1, 9)
  })

  it('latency moves with demand more than in proportion, and with a constant wait less', () => {
    const compute = of('requests.r.flow.0.compute')?.p95?.elasticity ?? 0
    const wait = of('components.bank.latency.const')?.p95?.elasticity ?? 0
    expect(compute).toBeGreaterThan(1)
    expect(wait).toBeGreaterThan(0.2)
    expect(wait).toBeLessThan(1)
    expect(of('components.app.replicas')?.p95?.elasticity ?? 0).toBeLessThan(0)
  })

  it('asks nothing of what is only wished, and of what may not change alone', () => {
    expect(of('requests.r.slo.p95')).toBeUndefined()
    expect(of('requests.r.share')).toBeUndefined()
  })

  it('names the largest first, each list by its own effect', () => {
    const { p95, cost } = largest(all, 2)
    expect(p95.map(({ path }) => path)).toEqual(['requests.r.flow.0.compute', 'traffic.rate'])
    expect(cost.map(({ path }) => path).toSorted()).toEqual(['hosts.box.count', 'hosts.box.price'])
  })
})

describe('the numbers of a file', () => {
  it('have the paths that --set takes, with their units', () => {
    expect(parametersOf('a: { b: 10ms, c: [1, { d: 2.5 }] } # 7\ne: word 9\n"x.y": 3\n')).toEqual([
      { path: 'a.b', text: '10ms', number: 10, unit: 'ms' },
      { path: 'a.c.0', text: '1', number: 1, unit: '' },
      { path: 'a.c.1.d', text: '2.5', number: 2.5, unit: '' },
    ])
  })
})
