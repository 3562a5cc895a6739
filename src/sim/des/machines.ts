/**
 * The cores that each instance runs on. Instances that are pinned to cores share them with all whose pins overlap, directly
 * or through others; an instance without a pin may use every core of its machine. A quota is a share of cores that its
 * instance has for itself: exact when the quotas on a machine add up to no more than its cores; when they add up to more,
 * each is cut in proportion.
 */
import { groupBy } from '../../lib/group.js'
import type { Placement } from '../../result/placement.js'
import { Cores } from './cores.js'
import type { Kernel } from './kernel.js'

/** A set of cores, by machine. */
interface Domain {
  readonly host: string
  readonly pins: Set<number> | undefined
  readonly members: string[]
}

export interface Machines {
  /** Cores that the instance (or `generator`) runs on; undefined: it is not placed. */
  coresOf(instance: string): Cores | undefined
  /** All cores of a machine. */
  readonly hosts: ReadonlyMap<string, { readonly cpu: number; readonly cores: readonly Cores[] }>
}

const overlaps = (a: Set<number>, b: Set<number>): boolean => [...a].some((core) => b.has(core))

type Placed = readonly [id: string, instance: Placement['instances'][string]]

/** Merges the pins of one machine into sets that share nothing. */
const domainsOf = (host: string, here: readonly Placed[]): readonly Domain[] => {
  const everywhere: Domain = { host, pins: undefined, members: [] }
  let pinned: Domain[] = []
  for (const [id, { pin }] of here) {
    if (pin === undefined || pin.length === 0) {
      everywhere.members.push(id)
      continue
    }
    const pins = new Set(pin)
    const touching = pinned.filter((domain) => domain.pins !== undefined && overlaps(domain.pins, pins))
    const merged: Domain = {
      host,
      pins: new Set([...pins, ...touching.flatMap((domain) => [...(domain.pins ?? [])])]),
      members: [...touching.flatMap((domain) => domain.members), id],
    }
    pinned = [...pinned.filter((domain) => !touching.includes(domain)), merged]
  }
  // Who may run anywhere shares with everyone.
  if (everywhere.members.length === 0) return pinned
  return [{ host, pins: undefined, members: [...everywhere.members, ...pinned.flatMap((domain) => domain.members)] }]
}

export const buildMachines = (kernel: Kernel, placement: Placement): Machines => {
  const make = (size: number): Cores => new Cores(kernel.queue, kernel.bursts, kernel.processors.processors, size)
  const byInstance = new Map<string, Cores>()
  const hosts = new Map<string, { cpu: number; cores: Cores[] }>()
  const placed = groupBy(Object.entries(placement.instances), ([, { host }]) => host)
  for (const [host, { cpu }] of Object.entries(placement.hosts)) {
    const all: Cores[] = []
    for (const { pins, members } of domainsOf(host, placed.get(host) ?? [])) {
      const size = pins === undefined ? cpu : Math.min(cpu, pins.size)
      const quotas = members.map((id) => placement.instances[id]?.quota)
      const sum = quotas.reduce<number>((total, quota) => total + (quota ?? 0), 0)
      const limited = quotas.every((quota) => quota !== undefined && quota < size)
      if (limited) {
        const cut = Math.min(1, size / sum)
        for (const [i, id] of members.entries()) {
          const cores = make((quotas[i] ?? size) * cut)
          byInstance.set(id, cores)
          all.push(cores)
        }
        continue
      }
      const cores = make(size)
      for (const id of members) byInstance.set(id, cores)
      all.push(cores)
    }
    hosts.set(host, { cpu, cores: all })
  }
  return { coresOf: (instance) => byInstance.get(instance), hosts }
}
