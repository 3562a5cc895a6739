/** Hosts, data, traffic, growth and policy from their fields. */
import type { Fields, Reader } from '../lib/document/read.js'
import type { growthShape, rootShape } from './schema/root.js'
import { report, reportKey } from './scope.js'
import { normalizedShares } from './shares.js'
import type { DataSet, Growth, Host, Policy, Topology, Traffic } from './types.js'

type RootFields = Fields<typeof rootShape>
type Needs = { readonly reader: Reader }

export const buildRoot = (reader: Reader, fields: RootFields) => {
  const scope = { reader }
  const hosts = new Map<string, Host | undefined>()
  for (const [id, host] of fields.get('hosts') ?? []) {
    const built = host && {
      id,
      count: host.get('count') ?? 1,
      cpu: host.get('cpu') ?? 1,
      memoryBytes: host.get('memory'),
      diskBytes: host.get('disk'),
      pricePerHour: host.get('price'),
      machine: host.get('machine'),
      zone: host.get('zone'),
      region: host.get('region'),
      availability: host.get('availability'),
    }
    hosts.set(id, built)
  }
  const data = new Map<string, DataSet | undefined>()
  for (const [id, set] of fields.get('data') ?? []) {
    const counters = [...(set?.get('counters') ?? [])].map(([name, value]) => [name, value ?? 0])
    const built = set && {
      id,
      keys: set.get('keys') ?? 1,
      popularity: set.get('popularity') ?? { law: 'uniform' as const },
      bytes: set.get('bytes') ?? 1024,
      counters: Object.fromEntries(counters) as Record<string, number>,
    }
    data.set(id, built)
  }
  const growth = fields.get('growth')
  const network = fields.get('network')
  const prices = fields.get('prices')
  const generate = [...(fields.get('generate') ?? [])].map(([target, entry]) => [
    target,
    { patches: entry?.get('patches') ?? [] },
  ])
  const values: Omit<Topology, 'components' | 'requests' | 'calibration' | 'digest' | 'uncertain' | 'source'> = {
    name: fields.get('name') ?? '',
    currency: fields.get('currency') ?? 'USD',
    hosts: known(hosts),
    data: known(data),
    traffic: trafficOf(scope, fields),
    dailyLow: fields.get('traffic')?.get('daily')?.get('low'),
    origins: originsOf(scope, fields),
    clients: clientsOf(fields),
    growth: growth && growthOf(scope, growth),
    policy: policyOf(scope, fields),
    network: {
      crossZoneSeconds: network?.get('crossZone') ?? 0,
      crossRegionSeconds: network?.get('crossRegion') ?? 0,
    },
    prices: prices && {
      storagePerGiBMonth: prices.get('storage'),
      egressPerGiB: prices.get('egress'),
      crossZonePerGiB: prices.get('crossZone'),
    },
    generate: Object.fromEntries(generate),
  }
  return { hosts, data, values }
}

const known = <T>(map: ReadonlyMap<string, T | undefined>): Readonly<Record<string, T>> =>
  Object.fromEntries([...map].flatMap(([id, value]) => (value === undefined ? [] : [[id, value]])))

const clientsOf = (fields: RootFields): Topology['clients'] => {
  const clients = fields.get('traffic')?.get('clients')
  return clients && { count: clients.get('count') ?? 1, popularity: clients.get('popularity') ?? { law: 'uniform' } }
}

const originsOf = (scope: Needs, fields: RootFields): Topology['origins'] => {
  const traffic = fields.get('traffic')
  const origins = traffic?.get('origins')
  if (traffic === undefined || origins === undefined) return []
  const shares = normalizedShares(scope, [...origins.values()], traffic.path('origins'), 'the shares of origins')
  return [...origins.keys()].map((region, index) => ({ region, share: shares[index] ?? 0 }))
}

const trafficOf = (scope: Needs, fields: RootFields): Traffic | undefined => {
  const traffic = trafficFields(fields)
  if (traffic === undefined) return undefined
  const closed = (['users', 'thinkTime'] as const).find((key) => traffic.has(key))
  if (traffic.has('rate') && closed !== undefined) {
    return reportKey(
      scope,
      traffic.path(closed),
      `traffic: "${closed}" does not go with "rate"`,
      'open: { rate }; closed: { users, thinkTime }',
    )
  }
  if (traffic.has('rate')) {
    const ratePerSecond = traffic.get('rate')
    return ratePerSecond === undefined ? undefined : { mode: 'open', ratePerSecond, ...surgeOf(traffic) }
  }
  if (closed === undefined) return report(scope, traffic.at, 'traffic: needs "rate", or "users" and "thinkTime"')
  if (!traffic.has('users')) return report(scope, traffic.at, 'traffic: "thinkTime" needs "users"')
  if (!traffic.has('thinkTime')) {
    return report(
      scope,
      traffic.at,
      'traffic: "users" needs "thinkTime"',
      '"thinkTime: 0s" keeps every user always in flight',
    )
  }
  const users = traffic.get('users')
  const thinkTime = traffic.get('thinkTime')
  return users === undefined || thinkTime === undefined
    ? undefined
    : { mode: 'closed', users, thinkTime, ...surgeOf(traffic) }
}

const growthOf = (scope: Needs, growth: Fields<typeof growthShape>): Growth => {
  const season = growth.get('season')
  if (season !== undefined && season.length !== 12)
    report(scope, growth.path('season'), `season: expected 12 shares, one for each month, got ${season.length}`)
  const whole = season?.flatMap((share) => share ?? [])
  if (whole?.some((share) => share <= 0) === true)
    report(scope, growth.path('season'), 'season: every month needs more than 0 %')
  const phases = growth.get('phases')
  return {
    ratePerMonth: growth.get('rate') ?? 0,
    spreadPerMonth: growth.get('spread'),
    season: whole?.length === 12 ? whole : undefined,
    horizonMonths: growth.get('horizon') ?? 0,
    phases:
      phases &&
      [...phases].flatMap(([name, phase]) =>
        phase === undefined
          ? []
          : [{ name, at: phase.get('at') ?? {}, set: (phase.get('set') ?? []).flatMap((set) => set ?? []) }],
      ),
  }
}

const surgeOf = (traffic: NonNullable<ReturnType<typeof trafficFields>>): Pick<Traffic, 'surge'> => {
  const surge = traffic.get('surge')
  const factor = surge?.get('factor')
  const withinSeconds = surge?.get('within')
  return factor === undefined || withinSeconds === undefined ? {} : { surge: { factor, withinSeconds } }
}

const trafficFields = (fields: RootFields) => fields.get('traffic')

const policyOf = (scope: Needs, fields: RootFields): Policy => {
  const policy = fields.get('policy')
  const headroom = policy?.get('headroom') ?? 0
  if (policy !== undefined && headroom >= 1)
    report(scope, policy.path('headroom'), 'headroom: 100% leaves no capacity to use')
  const rules = policy?.get('rules')
  return {
    headroom,
    survive: policy?.get('survive') ?? 'nothing',
    ...(rules === undefined ? {} : { rules: known(rules) }),
  }
}
