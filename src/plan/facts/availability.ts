/** Availability in series and in parallel. */
import { failoverOf } from '../../catalog/models.js'
import type { Step } from '../../topology/flow.js'
import type { Component, RequestClass } from '../../topology/types.js'
import { isCopied, machinesOf } from './machines.js'
import { majority, quorumOf } from './quorum.js'
import type { Review } from './review.js'

/** Of an instance or a machine about which nothing is declared: about nine hours of a year away. Written out wherever it is used. */
export const assumedAvailability = 0.999

/** What a request needs, outermost first: everything that it passes, and what its steps name unless they go on without it. */
export const chainOf = (review: Review, request: RequestClass): readonly Component[] => {
  const ids = new Set<string>([...request.enter, request.serve])
  const add = (steps: readonly Step[]): void => {
    for (const step of steps) {
      if (step.fallback !== undefined) continue
      // Without the cache the miss path answers.
      if (step.kind === 'lookup') {
        add(step.miss)
        continue
      }
      if (step.kind === 'reserve' || step.kind === 'release') ids.add(step.via.component)
      else if ('target' in step) ids.add(step.target.component)
      if (step.kind === 'call' && step.target.operation !== undefined) {
        const called = review.topology.components[step.target.component]
        if (called?.role === 'service') add(called.operations[step.target.operation]?.flow ?? [])
      }
      if (step.kind === 'parallel' && step.join === 'any') continue
      add(innerOf(step))
    }
  }
  add(request.flow)
  return [...ids].flatMap((id) => review.topology.components[id] ?? [])
}

const innerOf = (step: Step): readonly Step[] => {
  switch (step.kind) {
    case 'transaction':
    case 'lock':
    case 'repeat':
      return step.do
    case 'saga':
      return step.entries.map((entry) => entry.step)
    case 'parallel':
      return step.branches.flat()
    case 'choose':
      return step.options.flatMap(({ flow }) => flow)
    default:
      return []
  }
}

export interface Availability {
  readonly availability: number
  /** With the numbers in. */
  readonly sentence: string
}

export const availabilityOf = (review: Review, component: Component): Availability => {
  if (component.role === 'external') {
    const availability = component.availability ?? 1 - component.errors
    return { availability, sentence: ratio(availability) }
  }
  const instance = component.availability ?? assumedAvailability
  const host = component.host === undefined ? undefined : review.topology.hosts[component.host]
  const machine = host === undefined ? 1 : (host.availability ?? assumedAvailability)
  const groups = [...machinesOf(review, component).values()]
  const assumed = component.availability === undefined ? ' assumed' : ''
  const each = `${ratio(instance)}${assumed}${host === undefined ? '' : ` on ${ratio(machine)}${host.availability === undefined ? ' assumed' : ''}`}`
  const needed = neededOf(component)
  if (needed === 'all') {
    const all = groups.reduce((product, count) => product * machine * instance ** count, 1)
    return { availability: all, sentence: `all of ${sum(groups)} × ${each}` }
  }
  const availability = atLeast(groups, machine, instance, needed)
  return {
    availability,
    sentence: sum(groups) === 1 ? each : `${needed} of ${sum(groups)} × ${each}`,
  }
}

/** How many instances must be there. */
const neededOf = (component: Component): number | 'all' => {
  if (component.role !== 'store') return 1
  const quorum = quorumOf(component)
  if (quorum !== undefined && quorum.key === 'replicas') return majority(quorum.voters)
  if (component.masters > 1 && !isCopied(component)) return 'all'
  // Copies that nobody promotes answer reads at best.
  if (isCopied(component) && failoverOf(component).election === 'none') return 'all'
  return 1
}

/** P(at least `needed` instances work), machines failing with all that is on them. */
const atLeast = (groups: readonly number[], machine: number, instance: number, needed: number): number => {
  // Distribution of how many work, machine by machine.
  let working = [1]
  for (const count of groups) {
    const ofGroup = Array.from({ length: count + 1 }, (_, k) => machine * binomial(count, k, instance))
    ofGroup[0] = (ofGroup[0] ?? 0) + (1 - machine)
    const next = new Array<number>(working.length + count).fill(0)
    working.forEach((a, i) => {
      ofGroup.forEach((b, k) => {
        next[i + k] = (next[i + k] ?? 0) + a * b
      })
    })
    working = next
  }
  // The complement, so that many nines stay exact.
  return 1 - working.slice(0, needed).reduce((total, p) => total + p, 0)
}

const binomial = (n: number, k: number, p: number): number => {
  let ways = 1
  for (let i = 0; i < k; i++) ways = (ways * (n - i)) / (i + 1)
  return ways * p ** k * (1 - p) ** (n - k)
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const ratio = (value: number): string => `${Number((value * 100).toPrecision(6))} %`
