/** Downwards, dearest numbers first, until each single decrement breaks something. */
import type { Topology } from '../../topology/types.js'
import { judge, type Question, type Violation } from './judge.js'
import { type Knob, withConnections } from './knobs.js'

export interface Decrement {
  readonly knob: Knob
  readonly value: number
  /** Undefined: there is none below. */
  readonly less: number | undefined
  /** What it breaks; empty where there is no decrement. */
  readonly breaks: readonly Violation[]
}

export const lowered = (topology: Topology, knob: Knob, value: number): Topology =>
  withConnections(knob.set(topology, value))

/** The value one decrement below; undefined: it is the least already. */
export const below = (topology: Topology, knob: Knob): number | undefined => {
  const value = knob.less(knob.get(topology))
  return value === undefined || value < knob.least ? undefined : value
}

const feasible = (topology: Topology, question: Question): boolean => judge(topology, question).violations.length === 0

/** The least value that still holds, by halving; what holds is taken to go on holding above. */
const least = (topology: Topology, knob: Knob, question: Question): Topology => {
  let best = topology
  let high = knob.get(topology)
  const single = below(topology, knob)
  if (single === undefined || !feasible(lowered(topology, knob, single), question)) return topology
  best = lowered(topology, knob, single)
  high = single
  let low = knob.least - 1
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const tried = lowered(topology, knob, middle)
    if (feasible(tried, question)) {
      best = tried
      high = middle
    } else low = middle
  }
  return best
}

/** A feasible topology in, one of which no number can be lowered by itself out. */
export const shrink = (start: Topology, knobs: readonly Knob[], question: Question): Topology => {
  let topology = start
  for (;;) {
    const before = topology
    for (const knob of knobs) topology = least(topology, knob, question)
    if (topology === before) return topology
  }
}

/** What each decrement breaks. */
export const decrementsOf = (topology: Topology, knobs: readonly Knob[], question: Question): readonly Decrement[] =>
  knobs.map((knob): Decrement => {
    const less = below(topology, knob)
    return {
      knob,
      value: knob.get(topology),
      less,
      breaks: less === undefined ? [] : judge(lowered(topology, knob, less), question).violations,
    }
  })
