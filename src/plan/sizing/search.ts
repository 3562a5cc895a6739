/** The cheapest plan for a load: the forms that survive, grown until nothing is broken, lowered until everything is, machines exchanged for numbers that cost nothing. */

import { topologyPlacement } from '../../catalog/placement.js'
import type { PriceList } from '../../catalog/prices/list.js'
import type { Host, Topology } from '../../topology/types.js'
import { hoursPerMonth } from '../cost.js'
import { demandedKinds, lossesOf } from '../losses.js'
import { neededBy } from '../needs.js'
import { redundantForm } from './forms.js'
import { grow } from './grow.js'
import type { Corrections, Question, Violation } from './judge.js'
import { caches, type Knob, knobsOf, withConnections } from './knobs.js'
import { below, lowered, shrink } from './shrink.js'

export interface SearchInput {
  /** As declared. */
  readonly topology: Topology
  readonly parse: (settings: readonly string[]) => Topology
  readonly prices: PriceList
  readonly ratePerSecond: number
  readonly corrections: Corrections
}

export interface Found {
  readonly topology: Topology
  readonly knobs: readonly Knob[]
  readonly question: Question
  readonly stuck: readonly Violation[]
}

const gib = 1024 ** 3

/** Of one machine and its disk per month. */
export const machinePerMonth = (topology: Topology, list: PriceList, host: Host): number => {
  const usable = list.currency === topology.currency
  const listed = usable && host.machine !== undefined ? list.machines[host.machine] : undefined
  const storage = topology.prices?.storagePerGiBMonth ?? (usable ? list.storagePerGiBMonth : 0)
  return (host.pricePerHour ?? listed ?? 0) * hoursPerMonth + ((host.diskBytes ?? 0) / gib) * storage
}

export const machinesPerMonth = (topology: Topology, list: PriceList): number =>
  Object.values(topology.hosts).reduce((sum, host) => sum + host.count * machinePerMonth(topology, list, host), 0)

/** Components whose loss alone stops a class, or the work behind a queue. */
const indispensable = (topology: Topology): readonly string[] => {
  const placement = topologyPlacement(topology)
  if (!demandedKinds[topology.policy.survive].includes('instance')) return []
  const needed = new Set(
    Object.values(topology.requests)
      .filter(({ derivedFrom, share }) => derivedFrom === undefined && share > 0)
      .flatMap((request) => [...neededBy(topology, request)]),
  )
  const alone = lossesOf(topology, placement).flatMap((loss) =>
    loss.kind === 'instance' ? loss.instances.map((id) => id.split('/')[0] ?? '') : [],
  )
  return [...new Set(alone)].filter((id) => {
    const component = topology.components[id]
    return needed.has(id) || (component?.role === 'service' && component.consumes !== undefined)
  })
}

/** Numbers at their least: of a component that must outlive a loss those of its form, which the parsed topology has. */
const start = (topology: Topology, knobs: readonly Knob[], formed: ReadonlySet<string>): Topology =>
  knobs.reduce((all, knob) => {
    const kept = formed.has(knob.of) && ['replicas', 'brokers', 'masters', 'copies'].includes(knob.kind)
    return kept || knob.kind === 'in-flight' ? all : knob.set(all, knob.least)
  }, topology)

/** The component of the instance whose loss cannot be borne, if a form of it could be. */
const fragile = (stuck: readonly Violation[]): string | undefined => {
  const loss = stuck.find(({ loss }) => loss?.kind === 'instance')?.loss
  return loss?.instances[0]?.split('/')[0]
}

const searchFormed = (input: SearchInput, formed: ReadonlySet<string>): Found => {
  const { topology: declared, parse, prices, ratePerSecond, corrections } = input
  const settings = [...formed].flatMap((id) => redundantForm(declared, id) ?? [])
  const topology = settings.length === 0 ? declared : parse(settings)
  const knobs = knobsOf(topology, (host) => machinePerMonth(topology, prices, host))
  const asked = caches(topology)
  const question: Question = {
    ratePerSecond,
    corrections,
    caches: new Set(knobs.flatMap(({ kind, of }) => (kind === 'memory' && asked.has(of) ? [of] : []))),
  }
  const grown = grow(start(topology, knobs, formed), knobs, question)
  return { topology: grown.topology, knobs, question, stuck: grown.stuck }
}

/** Reachable at all? Without lowering what was raised too far. */
export const reach = (input: SearchInput): Found => {
  const formed = new Set(indispensable(input.topology).filter((id) => redundantForm(input.topology, id) !== undefined))
  for (;;) {
    const found = searchFormed(input, formed)
    const next = fragile(found.stuck)
    if (next === undefined || formed.has(next) || redundantForm(input.topology, next) === undefined) return found
    formed.add(next)
  }
}

/** What a machine less breaks when everything that costs nothing may be raised instead. */
export interface Exchange {
  readonly knob: Knob
  readonly less: number
  readonly stuck: readonly Violation[]
  readonly topology: Topology
}

export const exchanges = ({ topology, knobs, question }: Found): readonly Exchange[] => {
  const free = knobs.filter(({ kind }) => kind !== 'hosts')
  return knobs.flatMap((knob): readonly Exchange[] => {
    const less = knob.kind === 'hosts' ? below(topology, knob) : undefined
    if (less === undefined) return []
    const grown = grow(lowered(topology, knob, less), free, question)
    return [{ knob, less, ...grown }]
  })
}

/** Lowers a plan that holds as far as it goes. */
export const settle = (found: Found): Found => {
  let topology = shrink(found.topology, found.knobs, found.question)
  for (;;) {
    const better = exchanges({ ...found, topology }).find(({ stuck }) => stuck.length === 0)
    if (better === undefined) return { ...found, topology: withConnections(topology) }
    topology = shrink(better.topology, found.knobs, found.question)
  }
}
