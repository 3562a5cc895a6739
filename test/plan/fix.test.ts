/** `plan --fix`: what is mended stays a topology, keeps its comments, and has nothing left that could be mended. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { mend } from '../../src/plan/fix/fix.js'
import { parseTopology } from '../../src/topology/parse.js'
import { twins } from './rules/twins.js'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
const parse = (text: string) => parseTopology(text, { file: 'topology.yaml', registry: engineRegistry })
const commentsOf = (text: string): readonly string[] => text.match(/(^|\s)#.*$/gm) ?? []
const header = 'apiVersion: plimsoll/v1\nkind: Topology\nname: x\n'

/** Every twin's planted topology, in one list. */
const planted = Object.entries(twins).map(([id, { good, planted: change }]): [string, string] => [
  id,
  `${header}${good.replace(...change)}`,
])
const files = [
  'scenarios/flash-sale/topology.yaml',
  'scenarios/optimization-api/topology.yaml',
  'scenarios/task-queue/topology.yaml',
  'scenarios/container-routing/topology.yaml',
]

describe.each([...files.map((path): [string, string] => [path, read(path)]), ...planted])('%s, mended', (_, text) => {
  const mended = mend(text, { parse })

  it('parses, keeps its comments, and is mended for good', () => {
    expect(parse(mended.text).name).toBe(parse(text).name)
    expect(commentsOf(mended.text)).toEqual(commentsOf(text))
    expect(mend(mended.text, { parse }).text).toBe(mended.text)
  })

  it('has no error left but those that name a decision', () => {
    for (const { severity, decision, rule } of mended.plan.findings)
      if (severity === 'error') expect({ rule, decision }).toEqual({ rule, decision: expect.stringMatching(/\w{3}/) })
  })

  it('promises, is asked for, and tolerates what it did before', () => {
    const before = parse(text)
    const after = parse(mended.text)
    expect(after.traffic).toEqual(before.traffic)
    expect(after.policy).toEqual(before.policy)
    expect(after.growth).toEqual(before.growth)
    for (const [id, request] of Object.entries(before.requests)) expect(after.requests[id]?.slo).toEqual(request.slo)
  })
})

describe('flash-sale, mended', () => {
  const text = read('scenarios/flash-sale/topology.yaml')
  const { topology, plan, applied } = mend(text, { parse })
  const { app, cache, events, db } = topology.components

  it('has pools that fit at the maximum of its autoscaler: 6 × 49 = 294 ≤ 299', () => {
    if (app?.role !== 'service' || db?.role !== 'store') throw new Error('not what it was')
    const most = app.scaling?.max ?? 0
    for (const pool of Object.values(app.pools)) expect(most * pool.size).toBe(294)
    expect((db.maxConnections ?? 0) - db.reservedConnections).toBe(299)
  })

  it('has three voters and three masters, each on a machine of its own', () => {
    expect(events?.replicas).toBe(3)
    expect(cache).toMatchObject({ masters: 3, replicas: 3 })
    expect(topology.hosts.stream?.count).toBe(3)
  })

  it('waits for a connection for less than its lock lives and its client waits', () => {
    if (app?.role !== 'service') throw new Error('not what it was')
    expect(app.pools.primary?.acquireTimeoutSeconds).toBeLessThan(5)
    expect(app.pools.replica?.acquireTimeoutSeconds).toBeLessThan(1)
  })

  it('leaves one error: how the most popular product is locked', () => {
    expect(plan.findings.filter(({ severity }) => severity === 'error').map(({ subject }) => subject)).toEqual([
      'cache.product',
    ])
    expect(applied.map(({ rule }) => rule).sort()).toEqual([
      'acquire-timeout-beyond-lock',
      'pool-oversubscription',
      'pool-oversubscription',
      'quorum-of-two',
      'quorum-of-two',
      'single-point-of-failure',
      'timeout-inversion',
    ])
  })
})

describe('mending', () => {
  const simple = (policy: string) =>
    `${header}${twins['quorum-of-two'].good.replace('replicas: 3', 'replicas: 2')}${policy}`

  it('does what one rule asks for, when only that one is accepted', () => {
    const { applied } = mend(read('scenarios/flash-sale/topology.yaml'), {
      parse,
      accept: ({ rule }) => rule === 'quorum-of-two',
    })
    expect(applied.map(({ rule }) => rule)).toEqual(['quorum-of-two', 'quorum-of-two'])
  })

  it('leaves alone what a rule that is off would have changed', () => {
    const text = simple('policy: { rules: { quorum-of-two: off } }\n')
    expect(mend(text, { parse }).text).toBe(text)
  })

  it('writes the total of a cluster where that is what stands there', () => {
    const text = `${header}components:\n  app: { engine: service }\n  cache: { engine: redis, mode: cluster, replicas: 2 }\n`
    const mended = mend(text, { parse })
    expect(mended.text).toBe(text.replace('replicas: 2', 'replicas: 3'))
    expect(parse(mended.text).components.cache).toMatchObject({ masters: 3 })
  })

  it('mends many components', () => {
    const services = Array.from(
      { length: 10 },
      (_, i) =>
        `  s${i}: { engine: service, replicas: 4, pools: { main: { to: d${i}, size: 40 } } }\n  d${i}: { engine: postgres }\n`,
    ).join('')
    const requests = Array.from(
      { length: 10 },
      (_, i) => `  r${i}: { share: 10%, serve: s${i}, flow: [{ query: s${i}.main, table: t, time: 1ms }] }\n`,
    ).join('')
    const text = `${header}components:\n${services}requests:\n${requests}traffic: { rate: 100/s }\n`
    expect(capacityPlan(parse(text)).findings.filter(({ rule }) => rule === 'pool-oversubscription')).toHaveLength(10)
    const { plan, applied } = mend(text, { parse })
    expect(applied.filter(({ rule }) => rule === 'pool-oversubscription')).toHaveLength(10)
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  })
})
