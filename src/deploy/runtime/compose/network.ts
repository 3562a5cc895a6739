/** A network `10.x.y.0` that nobody on this machine has. */
import { randomInt } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import type { ContainerEngine } from '../../../contract/containers.js'
import type { Topology } from '../../../topology/types.js'
import { type AddressPlan, addressPlan } from '../../generate/address-plan.js'

/** First address and size of `10.1.2.0/24`; undefined: not IPv4. */
export const rangeOf = (subnet: string): { readonly first: number; readonly size: number } | undefined => {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(subnet)
  if (match === null) return undefined
  const [a = 0, b = 0, c = 0, d = 0, bits = 32] = match.slice(1).map(Number)
  const size = 2 ** (32 - bits)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return { first: address - (address % size), size }
}

export const overlap = (a: string, b: string): boolean => {
  const [one, other] = [rangeOf(a), rangeOf(b)]
  if (one === undefined || other === undefined) return false
  return one.first < other.first + other.size && other.first < one.first + one.size
}

/** The topology's own network when it is free, so that addresses are those of the generated files; else one by chance. */
export const freePlan = async (topology: Topology, engine: ContainerEngine, tries = 0): Promise<AddressPlan> => {
  const taken = [
    ...(await engine.subnets()),
    ...Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).flatMap(({ cidr }) => cidr ?? [])),
  ]
  for (let attempt = tries; ; attempt++) {
    const plan = addressPlan(topology, attempt === 0 ? undefined : [randomInt(64, 192), randomInt(0, 256)])
    if (attempt > 200 || !taken.some((subnet) => overlap(subnet, plan.subnet))) return plan
  }
}
