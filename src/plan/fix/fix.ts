/** Mends a topology by the patches of its findings, until none is left that changes anything. Pure: text in, text out. */
import type { PriceList } from '../../catalog/prices/list.js'
import type { Finding, Patch } from '../../contract/finding.js'
import { editText } from '../../lib/document/edit.js'
import { PlimsollError } from '../../lib/errors.js'
import type { Topology } from '../../topology/types.js'
import { capacityPlan } from '../capacity.js'
import type { CapacityPlan } from '../types.js'

export interface Mended {
  readonly text: string
  /** Of the mended text. */
  readonly topology: Topology
  readonly plan: CapacityPlan
  /** Findings whose patches were written, in their order. */
  readonly applied: readonly Finding[]
}

export interface FixOptions {
  /** Throws PlimsollError for a text that is no valid topology. */
  readonly parse: (text: string) => Topology
  /** Whose patches are written; default: all. */
  readonly accept?: (finding: Finding) => boolean
  /** Of what the topology does not price itself; default: the list that we ship. */
  readonly prices?: PriceList | undefined
}

/** What nobody but the owner of a topology may change: what is promised, what is asked for, what is tolerated. */
const isProtected = ({ path }: Patch): boolean =>
  path[0] === 'policy' ||
  path[0] === 'traffic' ||
  path[0] === 'growth' ||
  (path[0] === 'requests' && (path[2] === 'slo' || (path[2] === 'poll' && path[3] === 'slo')))

/** Each round mends what the one before made necessary; far more than any chain of such. */
const mostRounds = 50

export const mend = (text: string, { parse, accept = () => true, prices }: FixOptions): Mended => {
  let state = { text, topology: parse(text) }
  let plan = capacityPlan(state.topology, undefined, prices)
  const applied: Finding[] = []
  // Two rules that undo each other's patches would go on for ever.
  const tried = new Set<string>()
  for (let round = 0; round < mostRounds; round++) {
    const chosen = choose(plan.findings.filter(accept), tried)
    const before = state.text
    for (const finding of chosen) {
      const next = patched(state.text, finding, parse)
      if (next === undefined) continue
      state = next
      applied.push(finding)
    }
    if (state.text === before) break
    plan = capacityPlan(state.topology, undefined, prices)
  }
  return { ...state, plan, applied }
}

/** Findings of one round: of two that want to change the same place the first; the other is judged anew in the next. */
const choose = (findings: readonly Finding[], tried: Set<string>): readonly Finding[] => {
  const taken: Patch[] = []
  return findings.filter((finding) => {
    const patches = finding.patches ?? []
    const signature = JSON.stringify([finding.rule, patches])
    if (patches.length === 0 || patches.some(isProtected) || tried.has(signature)) return false
    if (patches.some((patch) => taken.some((other) => overlaps(patch.path, other.path)))) return false
    tried.add(signature)
    taken.push(...patches)
    return true
  })
}

/** Is one the other's ancestor, or do both change the number of items of one list? */
const overlaps = (a: Patch['path'], b: Patch['path']): boolean => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a[i] === b[i]) continue
    return typeof a[i] === 'number' && typeof b[i] === 'number' && i === length - 1
  }
  return true
}

/** All patches of a finding, or none: undefined when they make no valid topology together. */
const patched = (
  text: string,
  finding: Finding,
  parse: FixOptions['parse'],
): { readonly text: string; readonly topology: Topology } | undefined => {
  try {
    const next = (finding.patches ?? []).reduce((before, { path, value }) => editText(before, path, value), text)
    return next === text ? undefined : { text: next, topology: parse(next) }
  } catch (error) {
    if (error instanceof PlimsollError || error instanceof RangeError) return undefined
    throw error
  }
}
