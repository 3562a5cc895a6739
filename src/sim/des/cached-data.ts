/** Which data is kept in which caches. */
import { type Step, walk } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { ComponentId, Topology } from '../../topology/types.js'

export type Lookup = Extract<Step, { kind: 'lookup' }>

export const lookupsOf = (topology: Topology): readonly Lookup[] =>
  flowsOf(topology).flatMap((flow) => [...walk(flow)].filter((step): step is Lookup => step.kind === 'lookup'))

/** Stores that some lookup asks. */
export const askedCaches = (topology: Topology): ReadonlySet<ComponentId> =>
  new Set(lookupsOf(topology).map(({ target }) => target.component))
