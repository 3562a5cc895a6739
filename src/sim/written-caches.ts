/** Caches that a write concerns: those in which some lookup keeps the data that it is about, and by which policy. */
import { type Step, walk } from '../topology/flow.js'
import { flowsOf } from '../topology/flows.js'
import type { ComponentId, DataId, Topology } from '../topology/types.js'

export type Lookup = Extract<Step, { kind: 'lookup' }>
export type Write = Extract<Step, { kind: 'query' | 'write' }>

export interface WrittenCache {
  readonly cache: ComponentId
  readonly writes: Lookup['writes']
  /** The lookup that says so: of several in one cache the one that goes furthest. */
  readonly lookup: Lookup
}

const reach = { aside: 0, through: 1, back: 2 } as const

/** By cache, the lookups of this data. */
export const cachesOf = (topology: Topology, data: DataId): readonly WrittenCache[] => {
  const found = new Map<ComponentId, WrittenCache>()
  for (const flow of flowsOf(topology))
    for (const step of walk(flow)) {
      if (step.kind !== 'lookup' || step.key !== data) continue
      const { writes } = step
      const before = found.get(step.target.component)
      if (before === undefined || reach[writes] > reach[before.writes])
        found.set(step.target.component, { cache: step.target.component, writes, lookup: step })
    }
  return [...found.values()]
}

/** What a write does to caches, and what the store's part of it is. */
export interface WriteWay {
  /** The data that it is about: its own key, else what it invalidates. */
  readonly about: DataId | undefined
  /** It is acknowledged when this cache has it; undefined: when the store has. */
  readonly back: WrittenCache | undefined
  /** Given the value once the store has it. */
  readonly through: readonly WrittenCache[]
  /** Told to forget it. */
  readonly invalidated: readonly ComponentId[]
}

/** A store that is in the middle of a transaction has the write itself: `back` is `through` there. */
export const writeWay = (topology: Topology, step: Write, inTransaction: boolean): WriteWay => {
  const about = step.key ?? step.invalidates
  const kept = step.kind === 'write' && about !== undefined ? cachesOf(topology, about) : []
  const back = inTransaction ? undefined : kept.find(({ writes }) => writes === 'back')
  const through = kept.filter((cache) => cache.writes !== 'aside' && cache !== back)
  const updated = new Set(kept.filter(({ writes }) => writes !== 'aside').map(({ cache }) => cache))
  const invalidated =
    step.invalidates === undefined ? [] : cachesOf(topology, step.invalidates).map(({ cache }) => cache)
  return {
    about,
    back,
    through,
    invalidated: invalidated.filter((cache) => step.invalidates !== about || !updated.has(cache)),
  }
}
