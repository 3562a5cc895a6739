import { describe, expect, it } from 'vitest'
import { visitCpu } from '../../../src/catalog/demand.js'
import { requestedPlacement } from '../../../src/catalog/requested-placement.js'
import type { Placement } from '../../../src/result/placement.js'
import type { Calibration, DemandLaw } from '../../../src/topology/calibration.js'
import type { Topology } from '../../../src/topology/types.js'
import { run, topologyOf } from './support.js'

const two = topologyOf(`
name: two
hosts: { box: { count: 1, cpu: 1 } }
components:
  a: { engine: service, host: box }
  b: { engine: service, host: box }
requests:
  ra: { share: 50%, serve: a, route: GET /a, flow: [{ compute: 10ms }] }
  rb: { share: 50%, serve: b, route: GET /b, flow: [{ compute: 10ms }] }
`)
const plan = { rate: 60, seconds: 2000 } as const

const onBox = (instances: Placement['instances'], cpu: number): Placement => ({
  hosts: { box: { cpu } },
  instances,
  origin: 'runtime',
})

describe('what shares cores', () => {
  it('two event loops on one core slow each other down, on a core each they do not', () => {
    const shared = run(two, plan)
    const apart = run(two, plan, {
      placement: onBox({ 'a/0': { host: 'box', eventLoops: 1 }, 'b/0': { host: 'box', eventLoops: 1 } }, 2),
    })
    // One core of 10 ms at 60/s: 10/(1 − 0.6) = 25 ms; a core each at 30/s: 10/(1 − 0.3) = 14.3 ms.
    expect((shared.requests.all?.latency?.mean ?? 0) * 1000).toBeCloseTo(25, -0.5)
    expect((apart.requests.all?.latency?.mean ?? 0) * 1000).toBeCloseTo(14.3, -0.3)
    expect(apart.hosts.box?.utilization.cpu).toBeCloseTo(0.3, 1)
  })

  it('pins that do not overlap share nothing, pins that do share their cores', () => {
    const pinned = (a: number[], b: number[]) =>
      run(two, plan, {
        placement: onBox(
          { 'a/0': { host: 'box', eventLoops: 1, pin: a }, 'b/0': { host: 'box', eventLoops: 1, pin: b } },
          2,
        ),
      }).requests.all?.latency?.mean ?? 0
    expect(pinned([0], [1]) * 1000).toBeCloseTo(14.3, -0.3)
    expect(pinned([0], [0]) * 1000).toBeCloseTo(25, -0.5)
  })

  it('a quota is the most that an instance gets', () => {
    const result = run(two, plan, {
      placement: onBox(
        {
          'a/0': { host: 'box', eventLoops: 1, quota: 0.5 },
          'b/0': { host: 'box', eventLoops: 1, quota: 1 },
        },
        2,
      ),
    })
    // Half a core doubles the service time: 20/(1 − 0.6) = 50 ms.
    expect((result.requests.ra?.latency?.mean ?? 0) * 1000).toBeCloseTo(50, -1)
    expect(result.components.a?.utilization.cpu).toBeCloseTo(0.6, 1)
    expect((result.requests.rb?.latency?.mean ?? 0) * 1000).toBeCloseTo(14.3, -0.3)
  })
})

const calibrated = (topology: Topology, components: Record<string, DemandLaw>): Topology => ({
  ...topology,
  calibration: {
    origin: { runs: [], measuredAt: '', topologyDigest: '', machine: '' },
    components: Object.fromEntries(Object.entries(components).map(([id, demand]) => [id, { demand, samples: 1 }])),
    steps: {},
    hitRatios: {},
    digest: 'c',
  } satisfies Calibration,
})

describe('calibrated demand', () => {
  const generator = { law: 'constant', seconds: 0.002 } as const
  const instances = { 'a/0': { host: 'box', eventLoops: 1 }, 'b/0': { host: 'box', eventLoops: 1 } }

  it('the load generator costs CPU only where it is placed', () => {
    const topology = calibrated(two, { generator })
    const placed = run(topology, plan, {
      placement: onBox({ ...instances, generator: { host: 'box', eventLoops: 1 } }, 2),
    })
    expect(placed.generator.cpu).toBeCloseTo(60 * 0.002, 2)
    expect(placed.hosts.box?.utilization.cpu).toBeCloseTo((60 * 0.012) / 2, 1)
    const elsewhere = run(topology, plan, { placement: onBox(instances, 2) })
    expect(elsewhere.generator).toMatchObject({ cpu: 0, cpuSeconds: 0, busy: 0 })
  })

  it('adds to the steps of a service, and follows the load where its law does', () => {
    const law = { law: 'power', seconds: 0.01, atRatePerSecond: 5, exponent: -0.5 } as const
    const at = (rate: number) => run(calibrated(two, { a: law }), { rate, seconds: 5000 }).components.a?.cpuSeconds ?? 0
    // Per visit 10 ms of compute and 10 ms · (λ/5)^−½.
    expect(at(10) / (5 * 5000)).toBeCloseTo(0.02, 3)
    expect(at(40) / (20 * 5000)).toBeCloseTo(0.015, 3)
  })

  it('overrides what is declared, which overrides the catalogue', () => {
    const text = (demand: string) => `
name: d
components: { edge: { engine: nginx, upstream: app, ${demand} }, app: { engine: service } }
requests: { r: { share: 100%, enter: edge, serve: app, route: GET /, flow: [] } }
`
    const catalogue = topologyOf(text(''))
    const declared = topologyOf(text('demand: { cpu: 1ms }'))
    expect(visitCpu(catalogue, 'edge', 100)).toMatchObject({ cpuSeconds: 60e-6, origin: 'catalogue' })
    expect(visitCpu(catalogue, 'app', 100)).toMatchObject({ cpu: undefined, cpuSeconds: 0 })
    expect(visitCpu(declared, 'edge', 100)).toMatchObject({ cpuSeconds: 1e-3, origin: 'declared' })
    const law = { law: 'inverse', a: 0.001, b: 0.1 } as const
    expect(visitCpu(calibrated(declared, { edge: law }), 'edge', 100)).toMatchObject({
      cpuSeconds: 0.002,
      origin: 'calibrated',
    })
  })
})

describe('the placement that an experiment asks for', () => {
  it('puts everything on one machine, pinned apart from the generator', () => {
    const placement = requestedPlacement(two, {
      hosts: { local: { cpu: 2 } },
      all: 'local',
      components: {},
      pin: { generator: [1], stack: [0] },
    })
    expect(placement).toEqual({
      hosts: { local: { cpu: 2 } },
      instances: {
        'a/0': { host: 'local', pin: [0], eventLoops: 1 },
        'b/0': { host: 'local', pin: [0], eventLoops: 1 },
        generator: { host: 'local', pin: [1], eventLoops: 1 },
      },
      origin: 'experiment',
    })
  })

  it('leaves what it does not name where the topology has it, and the generator out', () => {
    const placement = requestedPlacement(two, {
      hosts: { other: { cpu: 4 } },
      all: undefined,
      components: { b: 'other' },
      pin: {},
    })
    expect(placement?.instances).toEqual({
      'a/0': { host: 'box', eventLoops: 1 },
      'b/0': { host: 'other', eventLoops: 1 },
    })
    expect(Object.keys(placement?.hosts ?? {})).toEqual(['box', 'other'])
    expect(requestedPlacement(two, undefined)).toBeUndefined()
  })
})
