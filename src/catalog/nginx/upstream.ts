import type { Address, ConfigContext } from '../../contract/engine.js'
import type { BalancerComponent } from '../../topology/types.js'

export interface UpstreamServer extends Address {
  readonly weight: number
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * Every process behind the balancer with nginx's integer weight: a component's share of the requests, divided evenly
 * among its processes, to a ten-thousandth. One component alone: all weights 1.
 */
export const upstreamServers = (context: ConfigContext, balancer: BalancerComponent): readonly UpstreamServer[] => {
  const scaled = balancer.upstreams.flatMap(({ component, weight }) => {
    const addresses = context.addresses(component)
    const each = Math.round((weight * 10_000) / Math.max(1, addresses.length))
    // nginx knows no weight 0; a share of nothing means no server.
    return weight > 0 ? addresses.map((address) => ({ ...address, weight: Math.max(1, each) })) : []
  })
  const divisor = scaled.reduce((sum, { weight }) => gcd(sum, weight), 0)
  return scaled.map((server) => ({ ...server, weight: server.weight / Math.max(1, divisor) }))
}
