/** What it costs per month: machines (by the hour, autoscaled ones over the course of a day), disks, traffic; shared out among the classes. */
import type { PriceList } from '../catalog/prices/list.js'
import { places } from '../sim/places.js'
import { instanceCount } from '../topology/instances.js'
import type { Host, Topology } from '../topology/types.js'
import type { Operation, Operations } from './operation.js'
import { settledReplicas } from './replicas.js'
import type { CapacityPlan, CostPlan, HostCost } from './types.js'

/** 365 days in twelve months, as clouds bill. */
export const hoursPerMonth = 730
const secondsPerMonth = hoursPerMonth * 3600
const gib = 1024 ** 3

/** The share of the peak at each hour of a day, from its quietest: a sine from `low` to 1; without a course always 1. */
export const dailyCourse = (low: number | undefined): readonly number[] =>
  low === undefined
    ? [1]
    : Array.from({ length: 24 }, (_, hour) => {
        // Afternoons are as mornings, to the last bit: each load is solved once.
        const fromNight = Math.min(hour, 24 - hour)
        return low + ((1 - low) * (1 - Math.cos((2 * Math.PI * fromNight) / 24))) / 2
      })

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Machines of a host that an hour needs: fewer than there are only where all that runs there is scaled. */
const machinesAt = (operation: Operation, host: Host): number => {
  const there = Object.values(operation.topology.components).filter((component) => component.host === host.id)
  const needed = there.map((component) => {
    if (component.role !== 'service' || component.scaling === undefined) return host.count
    const perMachine = Math.max(1, Math.ceil(component.replicas / host.count))
    return Math.min(host.count, Math.ceil(settledReplicas(operation, component) / perMachine))
  })
  return there.length === 0 ? host.count : Math.max(0, ...needed)
}

/** The list's prices are in its own currency: they say nothing of a topology in another. */
const usable = (topology: Topology, list: PriceList): PriceList =>
  list.currency === topology.currency
    ? list
    : { ...list, storagePerGiBMonth: 0, egressPerGiB: 0, crossZonePerGiB: 0, machines: {} }

const hostCost = (topology: Topology, host: Host, list: PriceList, hours: readonly Operation[]): HostCost => {
  const listed = host.machine === undefined ? undefined : list.machines[host.machine]
  const pricePerHour = host.pricePerHour ?? listed ?? null
  const machines = hours.length === 0 ? host.count : mean(hours.map((operation) => machinesAt(operation, host)))
  const storage = topology.prices?.storagePerGiBMonth ?? list.storagePerGiBMonth
  const diskPerMonth = ((host.diskBytes ?? 0) / gib) * host.count * storage
  return {
    machines: host.count,
    meanMachines: machines,
    pricePerHour,
    origin: host.pricePerHour !== undefined ? 'declared' : listed !== undefined ? 'list' : null,
    machinesPerMonth: pricePerHour === null ? null : machines * hoursPerMonth * pricePerHour,
    diskPerMonth,
  }
}

/** GiB per month that leave for clients, and that pass from zone to zone (both ways), at the mean rate. */
const trafficOf = (operation: Operation, meanRate: number) => {
  const { topology, placement, solved } = operation
  const placeOf = places(topology, placement)
  let egress = 0
  let crossing = 0
  for (const { id, perRequest } of solved.classes) {
    const request = topology.requests[id]
    if (request === undefined) continue
    const perSecond = meanRate * perRequest
    egress += perSecond * request.bytes.out
    const way = [...request.enter, request.serve]
    for (const [i, to] of way.entries()) {
      const from = way[i - 1]
      if (from === undefined) continue
      const [a, b] = [placeOf(from).zone, placeOf(to).zone]
      if (a !== undefined && b !== undefined && a !== b) crossing += perSecond * (request.bytes.in + request.bytes.out)
    }
  }
  return { egressGiB: (egress * secondsPerMonth) / gib, crossZoneGiB: (crossing * secondsPerMonth) / gib }
}

/** Of each host's cost by the CPU that a class takes there; of one that nobody burns CPU on, by requests. */
const hostShares = (
  topology: Topology,
  host: string,
  { requests, demand }: Pick<CapacityPlan, 'requests' | 'demand'>,
): ReadonlyMap<string, number> => {
  const there = Object.values(topology.components).filter((component) => component.host === host)
  const burnt = Object.entries(requests).map(([id, { arrivalRatePerSecond }]): [string, number, number] => [
    id,
    arrivalRatePerSecond *
      there.reduce((sum, component) => sum + (demand.requests[id]?.[component.id]?.cpuSeconds ?? 0), 0),
    arrivalRatePerSecond,
  ])
  const cpu = burnt.reduce((sum, [, seconds]) => sum + seconds, 0)
  const rate = burnt.reduce((sum, [, , perSecond]) => sum + perSecond, 0)
  return new Map(
    burnt.map(([id, seconds, perSecond]) => [id, cpu > 0 ? seconds / cpu : rate > 0 ? perSecond / rate : 0]),
  )
}

/** Components whose machines are not described, so that nobody knows what they cost. */
const homeless = (topology: Topology): readonly string[] =>
  Object.values(topology.components)
    .filter((component) => component.host === undefined && instanceCount(component) > 0)
    .map(({ id }) => id)

/** What would cost something if the list were in the currency of the topology. */
const foreign = (topology: Topology, traffic: ReturnType<typeof trafficOf>): readonly string[] => [
  ...(topology.prices?.storagePerGiBMonth === undefined &&
  Object.values(topology.hosts).some(({ diskBytes = 0 }) => diskBytes > 0)
    ? ['disks']
    : []),
  ...(topology.prices?.egressPerGiB === undefined && traffic.egressGiB > 0 ? ['egress'] : []),
  ...(topology.prices?.crossZonePerGiB === undefined && traffic.crossZoneGiB > 0 ? ['traffic between zones'] : []),
]

/** `declared`: what the declared traffic, the peak of a day, was solved to. */
export const costPlan = (
  operations: Operations,
  given: PriceList,
  plan: Pick<CapacityPlan, 'requests' | 'demand'>,
): CostPlan => {
  const { topology } = operations
  const list = usable(topology, given)
  const peak = plan.demand.traffic === 'none' ? 0 : plan.demand.throughputPerSecond
  const course = dailyCourse(topology.dailyLow)
  const rates = peak === 0 ? [] : course.map((share) => Math.min(peak * share, operations.maxPerSecond * (1 - 1e-6)))
  const hours = rates.map((rate) => operations.at(rate))
  const meanRate = peak * mean(course)
  const hosts = Object.fromEntries(
    Object.values(topology.hosts).map((host) => [host.id, hostCost(topology, host, list, hours)]),
  )
  const traffic = hours[0] === undefined ? { egressGiB: 0, crossZoneGiB: 0 } : trafficOf(hours[0], meanRate)
  const egressPerMonth = traffic.egressGiB * (topology.prices?.egressPerGiB ?? list.egressPerGiB)
  const crossZonePerMonth = traffic.crossZoneGiB * (topology.prices?.crossZonePerGiB ?? list.crossZonePerGiB)
  const byClass = new Map<string, number>()
  const add = (id: string, perMonth: number): void => {
    byClass.set(id, (byClass.get(id) ?? 0) + perMonth)
  }
  for (const [id, host] of Object.entries(hosts))
    for (const [request, share] of hostShares(topology, id, plan))
      add(request, share * ((host.machinesPerMonth ?? 0) + host.diskPerMonth))
  const bytes = Object.entries(plan.requests).map(([id, { arrivalRatePerSecond }]): [string, number] => [
    id,
    arrivalRatePerSecond * (topology.requests[id]?.bytes.out ?? 0),
  ])
  const allBytes = bytes.reduce((sum, [, perSecond]) => sum + perSecond, 0)
  for (const [id, perSecond] of bytes)
    add(id, allBytes > 0 ? ((egressPerMonth + crossZonePerMonth) * perSecond) / allBytes : 0)
  const perMonth = Object.values(hosts).reduce(
    (sum, host) => sum + (host.machinesPerMonth ?? 0) + host.diskPerMonth,
    egressPerMonth + crossZonePerMonth,
  )
  const millionsPerMonth = (meanRate * secondsPerMonth) / 1e6
  return {
    currency: topology.currency,
    prices: { name: list.name, date: list.date, source: list.source, currency: list.currency },
    hosts,
    ...traffic,
    egressPerMonth,
    crossZonePerMonth,
    perMonth,
    unpriced: [
      ...Object.entries(hosts).flatMap(([id, { pricePerHour }]) => (pricePerHour === null ? [`host:${id}`] : [])),
      ...homeless(topology),
      ...(list === given ? [] : foreign(topology, traffic)),
    ],
    meanRatePerSecond: meanRate,
    perMillionRequests: millionsPerMonth > 0 ? perMonth / millionsPerMonth : null,
    requests: Object.fromEntries(
      Object.entries(plan.requests).map(([id, { arrivalRatePerSecond }]) => {
        const share = byClass.get(id) ?? 0
        const millions = (arrivalRatePerSecond * mean(course) * secondsPerMonth) / 1e6
        return [id, { perMonth: share, perMillion: millions > 0 ? share / millions : null }]
      }),
    ),
  }
}
