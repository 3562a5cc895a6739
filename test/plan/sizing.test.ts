import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { shippedPrices } from '../../src/catalog/prices/list.js'
import { parseSetting } from '../../src/lib/document/settings.js'
import { proofSeconds, steadyExperiment } from '../../src/plan/sizing/experiment.js'
import { judge } from '../../src/plan/sizing/judge.js'
import { settingsBetween } from '../../src/plan/sizing/settings.js'
import { lowered } from '../../src/plan/sizing/shrink.js'
import {
  describe as described,
  type Outcome,
  type Sizing,
  type SizingInput,
  size,
} from '../../src/plan/sizing/sizing.js'
import { parseTarget } from '../../src/plan/sizing/target.js'
import { type Proof, type Simulate, verified } from '../../src/plan/sizing/verify.js'
import { renderText } from '../../src/report/document.js'
import { paintFor } from '../../src/report/paint.js'
import { sizingDocument } from '../../src/report/sizing.js'
import { parseSource } from '../../src/run/source.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { parseTopology } from '../../src/topology/parse.js'

const inputOf = (text: string, target: string, ...set: string[]): SizingInput => {
  const parse = (settings: readonly string[]) =>
    parseTopology(text, {
      file: 't.yaml',
      registry: engineRegistry,
      settings: [...set, ...settings].map((one) => parseSetting(one)),
    })
  return { topology: parse([]), parse, target: parseTarget(target), prices: shippedPrices }
}

const reached = (outcome: Outcome): Sizing => {
  if (!outcome.reached) throw new Error(outcome.reasons.map(({ sentence }) => sentence).join('\n'))
  return outcome.sizing
}

const valuesOf = ({ decrements }: Sizing) => Object.fromEntries(decrements.map(({ knob, value }) => [knob.id, value]))

const web = (over: { slo?: string; policy?: string; engine?: string; scaling?: string } = {}) => `
apiVersion: plimsoll/v1
kind: Topology
name: web
hosts: { box: { count: 9, cpu: 2, price: 0.10/h } }
components:
  app:
    engine: service
    replicas: 2
    host: box
    demand: { cpu: 0s }
    pools: { main: { to: db, size: 40 } }
    ${over.scaling ?? ''}
  db: { engine: ${over.engine ?? 'postgres'}, demand: { cpu: 0s } }
requests:
  r:
    share: 100%
    serve: app
    route: GET /
    slo: { p95: ${over.slo ?? '10s'} }
    flow: [{ compute: 10ms }, { query: app.main, time: { wait: 20ms } }]
traffic: { rate: 10/s }
policy: ${over.policy ?? '{ headroom: 30%, survive: nothing }'}
`

describe('a target', () => {
  it.each([
    ['12000users', { users: 12000 }],
    ['1 user', { users: 1 }],
    ['3000/s', { ratePerSecond: 3000 }],
    ['90/m', { ratePerSecond: 1.5 }],
  ])('%s', (text, target) => expect(parseTarget(text)).toEqual(target))
  it.each(['3000', '-1/s', '0/s', 'many', '1.5users'])('%s is none', (text) => {
    expect(() => parseTarget(text)).toThrow(/--target/)
  })
  it('of users needs to know how long they think', () => {
    expect(() => size(inputOf(web(), '100users'))).toThrow(/does not say how long users think/)
  })
  it('of users asks for N/(Z + R): 1000 users, 1 s, 30 ms alone, are 971/s', () => {
    const { load } = reached(size(inputOf(web(), '1000users', 'traffic={ users: 5, thinkTime: 1s }')))
    expect(load.ratePerSecond).toBeCloseTo(1000 / 1.03, 3)
    expect(load.settings).toEqual(['traffic.users=1000'])
  })
  it('of a rate keeps who sends it: a limit per client counts the requests of each', () => {
    const text = web().replace('rate: 10/s', 'rate: 10/s, clients: { count: 200 }')
    const { load } = reached(size(inputOf(text, '350/s')))
    expect(load.settings).toEqual(['traffic.rate=350/s'])
  })
  it('of a rate replaces users', () => {
    const { load } = reached(size(inputOf(web(), '350/s', 'traffic={ users: 5, thinkTime: 1s }')))
    expect(load.settings).toEqual(['traffic={ rate: 350/s }'])
  })
})

describe('headroom', () => {
  it('350/s × 10 ms = 3.5 loops, / 70 % are 5 replicas, on 3 machines of 2 cores', () => {
    const values = valuesOf(reached(size(inputOf(web(), '350/s'))))
    expect(values).toMatchObject({ 'app.replicas': 5, 'host:box': 3 })
  })
  it('350/s × 20 ms = 7 connections, / 70 % are 10: 2 for each of 5 replicas', () => {
    expect(valuesOf(reached(size(inputOf(web(), '350/s'))))['app.main']).toBe(2)
  })
  it('says so, with the arithmetic', () => {
    const sizing = reached(size(inputOf(web(), '350/s')))
    const replicas = sizing.decrements.find(({ knob }) => knob.id === 'app.replicas')
    expect(replicas?.breaks[0]).toMatchObject({ constraint: 'headroom', subject: 'app' })
    expect(replicas?.breaks[0]?.sentence).toContain('350/s × 10 ms = 3.50 of 4, 87.5 % > 70 %')
  })
  it('connections of the server follow from pools at the maximum of the autoscaler, and the reserved', () => {
    const scaling = 'scaling: { min: 2, max: 8, triggers: [{ cpu: 70% }] }'
    const { found } = reached(size(inputOf(web({ scaling }), '350/s')))
    // 8 × 2 + 3 reserved by PostgreSQL.
    expect(found.topology.components.db).toMatchObject({ maxConnections: 19 })
    expect(found.topology.components.app).toMatchObject({ replicas: 5, scaling: { min: 5, max: 8 } })
  })
})

describe('survival', () => {
  const survive = web({ policy: '{ headroom: 0%, survive: one-node }' })
  it('a replica more than 350/s keep busy, a copy, and somebody who promotes it', () => {
    const { found, ...sizing } = reached(size(inputOf(survive, '350/s')))
    expect(valuesOf({ found, ...sizing })).toMatchObject({ 'app.replicas': 5, 'db.readReplicas': 1 })
    expect(found.topology.components.db).toMatchObject({
      mode: 'replicated',
      replicas: 2,
      failover: { detectSeconds: 10, promoteSeconds: 20 },
    })
  })
  it('MongoDB needs three members: of two, one is no majority', () => {
    const text = web({ engine: 'mongodb', policy: '{ headroom: 0%, survive: one-node }' })
    const sizing = reached(size(inputOf(text, '350/s')))
    const copies = sizing.decrements.find(({ knob }) => knob.id === 'db.readReplicas')
    expect(copies).toMatchObject({ value: 2, less: 1 })
    expect(copies?.breaks[0]?.sentence).toContain('a majority is 2')
  })
  it('one-host asks for machines: the busiest lost must leave enough', () => {
    const sizing = reached(size(inputOf(web({ policy: '{ headroom: 0%, survive: one-host }' }), '350/s')))
    const machines = sizing.decrements.find(({ knob }) => knob.id === 'host:box')
    expect(machines).toMatchObject({ value: 3, less: 2 })
    expect(machines?.breaks[0]?.constraint).toBe('survival')
  })
})

const scenario = readFileSync('scenarios/flash-sale/topology.yaml', 'utf8')

describe('what is left', () => {
  it.each([
    ['350/s', web()],
    ['350/s', web({ slo: '120ms', policy: '{ headroom: 10%, survive: nothing }' })],
    ['80/s', web({ slo: '110ms', policy: '{ headroom: 0%, survive: one-host }' })],
    ['900/s', scenario],
  ])('of %s has no decrement that holds, and parses to itself', (target, text) => {
    const input = inputOf(text, target)
    const sizing = reached(size(input))
    const { topology, question } = sizing.found
    expect(judge(topology, question).violations).toEqual([])
    for (const { knob, less, breaks } of sizing.decrements) {
      if (less === undefined) continue
      expect(breaks.length, knob.id).toBeGreaterThan(0)
      expect(judge(lowered(topology, knob, less), question).violations.length, knob.id).toBeGreaterThan(0)
    }
    const parsed = input.parse(settingsBetween(input.topology, topology))
    expect(settingsBetween(parsed, topology)).toEqual([])
    expect(judge(parsed, question).violations).toEqual([])
  })
})

describe('a target that no numbers reach', () => {
  const outcome = size(inputOf(scenario, '12000users'))
  it('is told with the lock that binds: 8279/s, of which 75 %', () => {
    expect(outcome.reached).toBe(false)
    if (outcome.reached) return
    expect(outcome.reasons[0]?.limit).toMatchObject({ id: 'cache.product', kind: 'lock' })
    expect(outcome.reasons[0]?.sentence).toContain('one at a time holds the lock')
  })
  it('has the least time to think instead: 12000/(0.75 × 8279) s are 1.93, rounded 2', () => {
    if (outcome.reached) throw new Error('reached')
    expect(outcome.instead?.load.thinkSeconds).toBe(2)
    expect(outcome.instead?.decrements.every(({ less, breaks }) => less === undefined || breaks.length > 0)).toBe(true)
  })
  it('fits 80 columns', () => {
    const document = sizingDocument(described(inputOf(scenario, '12000users'), outcome))
    const text = renderText(document, { columns: 80, paint: paintFor(false) })
    expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80)
    expect(text).toContain('No numbers reach this target')
  })
  it('an objective below the time of an idle system is no matter of load', () => {
    const slow = size(inputOf(web({ slo: '20ms' }), '350/s'))
    expect(slow).toMatchObject({ reached: false, instead: undefined })
  })
})

describe('the proof', () => {
  const text = web({ slo: '110ms', policy: '{ headroom: 0%, survive: nothing }' })
  const input = inputOf(text, '350/s')
  const times = { seconds: 40, warmupSeconds: 5 }
  const simulated: Simulate = async (load, topologies, { seconds, warmupSeconds }) =>
    topologies.map((topology) => {
      const source = {
        topology: { file: 't.yaml', text },
        experiment: {
          file: 'e',
          text: steadyExperiment(load, 't.yaml', { seconds, warmupSeconds }, 1),
          traces: {},
        },
        durationSeconds: seconds,
      }
      const settings = [...load.settings, ...settingsBetween(input.topology, topology)].map((one) => parseSetting(one))
      return simulate({ ...parseSource(source, settings), seed: 1 })
    })
  const proof: Proof = { simulate: simulated, replications: 1, seed: 1, times: () => times, decrements: true }

  it('holds for what it ends with, and each decrement breaks something there', async () => {
    const made = await verified(input, size(input), proof)
    expect(made?.verification).toMatchObject({ holds: true })
    const plan = described(input, made?.outcome as Outcome, made)
    expect(plan.plan?.objectives[0]).toMatchObject({ holds: true })
    for (const { id, less, breaks } of plan.plan?.numbers ?? [])
      if (less !== null) expect(breaks.length, id).toBeGreaterThan(0)
  })

  it('fails when a number is lowered', async () => {
    const outcome = size(input)
    const sizing = reached(outcome)
    const replicas = sizing.found.knobs.find(({ id }) => id === 'app.replicas')
    if (replicas === undefined) throw new Error('no knob')
    // 350/s × 10 ms keep 3.5 loops busy.
    const [whole, fewer] = await Promise.all([
      simulated(sizing.load, [sizing.found.topology], times),
      simulated(sizing.load, [lowered(sizing.found.topology, replicas, 3)], times),
    ])
    expect(fewer?.[0]?.slo[0]?.verdict).toBe('fail')
    expect(whole?.[0]?.slo[0]?.observed).toBeLessThan(fewer?.[0]?.slo[0]?.observed ?? 0)
  })

  it('is long enough for what is slow', () => {
    const { load, found } = reached(size(input))
    expect(proofSeconds(load, found.topology, false).seconds * load.ratePerSecond).toBeGreaterThanOrEqual(40_000)
  })
})
