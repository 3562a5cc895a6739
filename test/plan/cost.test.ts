import { describe, expect, it } from 'vitest'
import { parsePriceList } from '../../src/catalog/prices/file.js'
import { shippedPrices } from '../../src/catalog/prices/list.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { dailyCourse } from '../../src/plan/cost.js'
import { topologyFile, topologyFrom } from '../support/topology.js'

const web = (over: { host?: string; traffic?: string; scaling?: string; root?: string; rate?: string } = {}) =>
  capacityPlan(
    topologyFrom(`
hosts:
  box: { count: 4, cpu: 1, ${over.host ?? 'price: 0.10/h, disk: 100GiB'} }
components:
  app: { engine: service, replicas: 4, host: box${over.scaling ?? ''} }
requests:
  small: { share: 75%, serve: app, route: GET /a, bytes: { in: 0KiB, out: 1KiB }, flow: [{ compute: 10ms }] }
  large: { share: 25%, serve: app, route: GET /b, bytes: { in: 0KiB, out: 5KiB }, flow: [{ compute: 30ms }] }
traffic: { ${over.traffic ?? 'rate: 100/s'} }
${over.root ?? ''}
`),
  ).cost

describe('cost', () => {
  it('machines by 730 hours, disks and traffic at the prices of the list', () => {
    const cost = web()
    expect(cost.hosts.box).toMatchObject({ machinesPerMonth: 4 * 0.1 * 730, origin: 'declared' })
    expect(cost.hosts.box?.diskPerMonth).toBeCloseTo(4 * 100 * shippedPrices.storagePerGiBMonth, 9)
    // (75 × 1 + 25 × 5) KiB per second.
    const gib = (200 * 1024 * 730 * 3600) / 1024 ** 3
    expect(cost.egressGiB).toBeCloseTo(gib, 6)
    expect(cost.perMonth).toBeCloseTo(292 + 32 + gib * 0.09, 6)
    expect(cost.perMillionRequests).toBeCloseTo(cost.perMonth / (100 * 730 * 3.6e-3), 9)
  })

  it('classes share machines by CPU and traffic by bytes; together they are everything', () => {
    const { requests, perMonth, egressPerMonth } = web()
    // 75 × 10 ms and 25 × 30 ms: half each of machines and disks.
    expect(requests.small?.perMonth).toBeCloseTo(162 + (egressPerMonth * 75) / 200, 6)
    expect((requests.small?.perMonth ?? 0) + (requests.large?.perMonth ?? 0)).toBeCloseTo(perMonth, 6)
  })

  it("a machine's name is priced by the list; without either it is named, not guessed", () => {
    expect(web({ host: 'machine: c6i.2xlarge' }).hosts.box).toMatchObject({ pricePerHour: 0.34, origin: 'list' })
    const none = web({ host: 'machine: unheard-of' })
    expect(none.hosts.box).toMatchObject({ pricePerHour: null, machinesPerMonth: null })
    expect(none.unpriced).toEqual(['host:box'])
    expect(capacityPlan(topologyFile('scenarios/flash-sale/topology.yaml')).cost.unpriced).toEqual(['edge'])
  })

  it('a list in dollars prices nothing of a topology in euros', () => {
    const cost = web({ root: 'currency: EUR' })
    expect(cost.perMonth).toBeCloseTo(292, 9)
    expect(cost.unpriced).toEqual(['disks', 'egress'])
  })

  it('prices of the topology hold against the list', () => {
    expect(web({ root: 'prices: { storage: 1/GiB, egress: 0/GiB }' })).toMatchObject({ egressPerMonth: 0 })
    expect(web({ root: 'prices: { storage: 1/GiB, egress: 0/GiB }' }).perMonth).toBeCloseTo(292 + 400, 9)
  })

  it('an autoscaled host has the machines that each hour needs', () => {
    const scaling = ', scaling: { min: 1, max: 4, triggers: [{ cpu: 50% }] }'
    // At its peak 1.5 cores at 50 % are 3 machines; at a third of it one.
    const always = web({ scaling })
    expect(always.hosts.box?.meanMachines).toBe(3)
    const { meanMachines = 0 } = web({ scaling, traffic: 'rate: 100/s, daily: { low: 0% }' }).hosts.box ?? {}
    const expected = dailyCourse(0).map((share) => Math.max(1, Math.ceil(3 * share - 1e-9)))
    expect(meanMachines).toBeCloseTo(expected.reduce((sum, n) => sum + n, 0) / 24, 9)
    expect(web({ traffic: 'rate: 100/s, daily: { low: 0% }' }).hosts.box?.meanMachines).toBe(4)
  })

  it('a day is a sine from its quietest hour to its peak, whose mean lies halfway', () => {
    const course = dailyCourse(0.2)
    expect([course[0], course[12]]).toEqual([0.2, 1])
    expect(course.reduce((sum, share) => sum + share, 0) / 24).toBeCloseTo(0.6, 12)
    expect(web({ traffic: 'rate: 100/s, daily: { low: 20% }' }).meanRatePerSecond).toBeCloseTo(60, 9)
  })

  it('traffic between zones is paid both ways', () => {
    const { cost } = capacityPlan(
      topologyFrom(`
components:
  edge: { engine: nginx, upstream: app, zone: a }
  app: { engine: service, zone: b }
requests:
  r: { share: 100%, enter: edge, serve: app, route: GET /, bytes: { in: 1KiB, out: 3KiB }, flow: [{ compute: 1ms }] }
traffic: { rate: 10/s }
`),
    )
    expect(cost.crossZoneGiB).toBeCloseTo((10 * 4 * 1024 * 730 * 3600) / 1024 ** 3, 6)
  })
})

describe('a price list of one’s own', () => {
  const text = `apiVersion: plimsoll/v1
kind: PriceList
name: ours
date: "2026-11"
source: contract
currency: EUR
storage: 0.10/GiB
egress: 0.05/GiB
crossZone: 0/GiB
machines: { small: 0.05/h }
`
  it('is read', () => {
    expect(parsePriceList(text, 'prices.yaml')).toMatchObject({ currency: 'EUR', machines: { small: 0.05 } })
  })

  it('tells what is wrong with it, and where', () => {
    expect(() => parsePriceList(text.replace('0.05/h', '0.05'), 'prices.yaml')).toThrow(/"0.05"|price per hour/)
    expect(() => parsePriceList('- 1', 'prices.yaml')).toThrow(/expected a price list/)
  })
})
