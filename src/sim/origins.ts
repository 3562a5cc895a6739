/** Where clients are, and where name services and content delivery networks send them. */
import type { BalancerComponent, ComponentId, RequestClass, Topology } from '../topology/types.js'
import type { Place } from './network.js'

type PlaceOf = (component: ComponentId) => Place

/** A number in [0, 1) for each client, the same each time. */
const shareOf = (client: number): number => {
  let hash = Math.imul(client ^ (client >>> 16), 0x45d9f3b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** The origin of a client, by index. Clients stay where they are. */
export const originChooser = ({ origins }: Topology): ((client: number) => number) => {
  let sum = 0
  const upTo = origins.map(({ share }) => {
    sum += share
    return sum
  })
  return (client) => {
    const u = shareOf(client) * sum
    const index = upTo.findIndex((bound) => u < bound)
    return index < 0 ? origins.length - 1 : index
  }
}

/** A name service and a delivery network without a place are where the client is. */
const isNearClient = ({ engine, id }: BalancerComponent, placeOf: PlaceOf): boolean =>
  (engine === 'dns' || engine === 'cdn') && placeOf(id).region === undefined

/**
 * Upstreams in the order in which they are tried, by index; undefined: by weight. `failover`: as they are written. `geo`: those in the client's
 * region first.
 */
export const preference = (
  { balance, upstreams }: BalancerComponent,
  origin: string | undefined,
  placeOf: PlaceOf,
): readonly number[] | undefined => {
  const all = [...upstreams.keys()]
  if (balance === 'failover') return all
  if (balance !== 'geo') return undefined
  const isNear = (index: number): boolean =>
    origin !== undefined && placeOf(upstreams[index]?.component ?? '').region === origin
  return [...all.filter(isNear), ...all.filter((index) => !isNear(index))]
}

/** What a client of this origin adds to the way from where it enters, or from a balancer at its side, to `to`: there and back. */
export const wayFromOrigin = (
  topology: Topology,
  placeOf: PlaceOf,
  from: BalancerComponent | undefined,
  to: ComponentId,
  origin: string | undefined,
): number => {
  if (origin === undefined || (from !== undefined && !isNearClient(from, placeOf))) return 0
  const { region } = placeOf(to)
  return region === undefined || region === origin ? 0 : topology.network.crossRegionSeconds
}

/** Only answers to these are kept by who stands between (RFC 9110, 9.2.3). */
export const mayBeKept = ({ route }: RequestClass): boolean => route.method === 'GET' || route.method === 'HEAD'
