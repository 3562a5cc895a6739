import type { ConfigContext, Members } from '../../contract/engine.js'
import type { Topology } from '../../topology/types.js'
import type { AddressPlan, Unit } from './address-plan.js'

/** What a configuration depends on inside a container: it listens on all addresses there and may write to `/tmp`. */
export const containerContext = (
  topology: Topology,
  plan: AddressPlan,
  unit: Unit,
  folder = '/tmp',
  members?: Members,
): ConfigContext => ({
  topology,
  component: unit.component,
  index: unit.index,
  listen: { host: '0.0.0.0', port: unit.address.port },
  addresses: plan.addresses,
  folder,
  members,
})
