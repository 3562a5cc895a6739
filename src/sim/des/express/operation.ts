/** What a request does on the express way: one operation after the other, in which all but the peer that a balancer picks is known. */
import type { Endpoint } from '../endpoint.js'
import type { Work } from '../work.js'

export type Operation =
  /** The balancer picks one of the service's processes. */
  | { readonly kind: 'pick'; readonly balancer: ExpressBalancer; readonly edge: number }
  /** CPU at one of these: of the service, at the one that the request is at. */
  | {
      readonly kind: 'cpu'
      readonly at: readonly Endpoint[]
      readonly work: Work
      readonly meter: number | undefined
      /** It is a step of its own, which begins here. */
      readonly isStep: boolean
    }
  /** Time without CPU; with a meter it is a step of its own, which begins here. */
  | { readonly kind: 'pause'; readonly work: Work; readonly meter: number | undefined }
  /** The step of its own is over. */
  | { readonly kind: 'leafEnd'; readonly meter: number }
  /** A query begins. */
  | { readonly kind: 'begin' }
  /** It takes a connection of the service's pool with this index. */
  | { readonly kind: 'acquire'; readonly pool: number }
  /** A call of a store. */
  | { readonly kind: 'call'; readonly store: Endpoint; readonly edge: number }
  /** Its answer; the connection is given back (undefined: there is none), and the query is over. */
  | { readonly kind: 'answer'; readonly store: Endpoint; readonly pool: number | undefined; readonly meter: number }
  /** All is done. */
  | { readonly kind: 'done'; readonly request: number; readonly balancer: ExpressBalancer | undefined }

export interface ExpressBalancer {
  readonly endpoint: Endpoint
  readonly peers: readonly Endpoint[]
  readonly countsConnections: boolean
}

export interface ExpressClass {
  /** Its first operation. */
  readonly start: number
  /** A request that takes as long may not be on this way. */
  readonly timeoutSeconds: number
  /** The balancer, or where it arrives in turn. */
  readonly entries: readonly Endpoint[]
  readonly edge: number
}

export interface Script {
  readonly operations: readonly Operation[]
  readonly classes: readonly ExpressClass[]
  /** The processes of the service. */
  readonly services: readonly Endpoint[]
  /** Acquire timeouts by pool of the service, in seconds. */
  readonly patience: readonly number[]
}
