/** Faults that come from the clients. */
import { parameter, type SimulatedFault, undoneBy } from './kind.js'

export const loadFaults = {
  'traffic-spike': {
    strike: (fault, { clients }) => {
      const request = fault.target.kind === 'request' ? fault.target.request : undefined
      return undoneBy(clients.spike(request, parameter(fault, 'factor')))
    },
  },
} satisfies Record<string, SimulatedFault>
