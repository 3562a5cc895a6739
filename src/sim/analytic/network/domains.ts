/**
 * Sets of cores that instances share, as the event engine builds them (`src/sim/des/machines.ts`): by machine; a pinned set by itself
 * where nobody unpinned may run on it; an instance's quota by itself where all on the machine have one.
 */
import { groupBy } from '../../../lib/group.js'
import type { Placement } from '../../../result/placement.js'

export interface Domain {
  readonly id: number
  readonly cores: number
  /** Instances and, if it is here, `generator`. */
  readonly members: readonly string[]
}

interface Pinned {
  readonly pins: Set<number>
  readonly members: readonly string[]
}

const overlap = (a: Set<number>, b: Set<number>): boolean => [...a].some((core) => b.has(core))

/** By instance. */
export const coreDomains = (placement: Placement): ReadonlyMap<string, Domain> => {
  const found = new Map<string, Domain>()
  let id = 0
  const add = (cores: number, members: readonly string[]): void => {
    const domain = { id: id++, cores, members }
    for (const member of members) found.set(member, domain)
  }
  const placed = groupBy(Object.keys(placement.instances), (instance) => placement.instances[instance]?.host ?? '')
  for (const [host, here] of placed) {
    const cpu = placement.hosts[host]?.cpu
    if (cpu === undefined) continue
    for (const { size, members } of setsOf(placement, here, cpu)) {
      const quotas = members.map((member) => placement.instances[member]?.quota ?? Number.POSITIVE_INFINITY)
      if (quotas.some((quota) => quota >= size)) {
        add(size, members)
        continue
      }
      const sum = quotas.reduce((total, quota) => total + quota, 0)
      for (const [i, member] of members.entries()) add((quotas[i] ?? size) * Math.min(1, size / sum), [member])
    }
  }
  return found
}

const setsOf = (
  placement: Placement,
  here: readonly string[],
  cpu: number,
): readonly { readonly size: number; readonly members: readonly string[] }[] => {
  let sets: Pinned[] = []
  let unpinned = false
  for (const member of here) {
    const pin = placement.instances[member]?.pin ?? []
    if (pin.length === 0) {
      unpinned = true
      continue
    }
    const pins = new Set(pin)
    const touching = sets.filter((set) => overlap(set.pins, pins))
    sets = [
      ...sets.filter((set) => !touching.includes(set)),
      {
        pins: new Set([...pins, ...touching.flatMap((set) => [...set.pins])]),
        members: [...touching.flatMap((set) => set.members), member],
      },
    ]
  }
  // Who may run anywhere shares with everyone.
  return unpinned
    ? [{ size: cpu, members: here }]
    : sets.map(({ pins, members }) => ({ size: Math.min(cpu, pins.size), members }))
}
