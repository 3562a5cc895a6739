/** Arrival rates of components, on which calibrated demand may depend: planned at the start, then as observed. */
import { classMix, expectedArrivals, levelAt, loadSeconds } from '../../experiment/load.js'
import type { Load } from '../../experiment/types.js'
import { meanSeconds } from '../../lib/distribution.js'
import type { Step } from '../../topology/flow.js'
import type { ServiceComponent, Target, Topology } from '../../topology/types.js'

/** Visits per second and component that the load means at its start; a lookup without a declared ratio counts as half hit. */
export const plannedRates = (topology: Topology, load: Load): ReadonlyMap<string, number> => {
  const rates = new Map<string, number>()
  const add = (component: string, rate: number): void => {
    rates.set(component, (rates.get(component) ?? 0) + rate)
  }
  const first = load.stages.find((stage) => Math.max(stage.fromLevel, stage.toLevel) > 0)
  const level =
    levelAt(load, 0) > 0 ? levelAt(load, 0) : first === undefined ? 0 : (first.fromLevel + first.toLevel) / 2
  const perSecond = load.mode === 'open' ? level : usersPerSecond(topology, load, level)
  const mix = classMix(topology, load)
  add('generator', perSecond)
  for (const [i, id] of mix.ids.entries()) {
    const request = topology.requests[id]
    const rate = perSecond * (mix.shares[i] ?? 0)
    if (request === undefined || rate === 0) continue
    for (const component of [...request.enter, request.serve]) add(component, rate)
    visit(topology, request.flow, rate, add)
  }
  return rates
}

/**
 * About how many requests a run has; a user makes at most one per second, for all that is known before. On this order of magnitude
 * nothing depends but how soon the engine prepares for many.
 */
export const foreseenRequests = (topology: Topology, load: Load): number => {
  const area = expectedArrivals(load, loadSeconds(load))
  return load.mode === 'open' ? area : Math.min(area, usersPerSecond(topology, load, area))
}

/** Users who each wait at least as long as they think: a first guess that observation corrects. */
const usersPerSecond = (topology: Topology, load: Load, users: number): number => {
  const think = load.thinkTime ?? (topology.traffic?.mode === 'closed' ? topology.traffic.thinkTime : undefined)
  return users / Math.max(0.01, think === undefined ? 0 : meanSeconds(think))
}

type Add = (component: string, rate: number) => void

const visit = (
  topology: Topology,
  steps: readonly Step[],
  rate: number,
  add: Add,
  within: readonly Target[] = [],
): void => {
  for (const step of steps)
    switch (step.kind) {
      case 'lookup': {
        const misses = rate * (1 - (step.hitRatio ?? 0.5))
        add(step.target.component, rate + misses)
        visit(topology, step.miss, misses, add, within)
        break
      }
      case 'query':
      case 'write':
        add(step.target.component, rate)
        break
      case 'transaction':
        add(step.target.component, 2 * rate)
        visit(topology, step.do, rate, add, within)
        break
      case 'call': {
        add(step.target.component, rate)
        const callee = topology.components[step.target.component]
        const operation = callee?.role === 'service' ? callee.operations[step.target.operation ?? ''] : undefined
        if (operation !== undefined) visit(topology, operation.flow, rate, add, within)
        break
      }
      case 'choose':
        for (const option of step.options) visit(topology, option.flow, rate * option.weight, add, within)
        break
      case 'repeat':
        visit(topology, step.do, rate * step.times, add, within)
        break
      case 'parallel':
        for (const branch of step.branches) visit(topology, branch, rate, add, within)
        break
      case 'publish':
        add(step.target.component, rate)
        if (!within.some((other) => sameTarget(other, step.target)))
          deliver(topology, step.target, rate, add, [...within, step.target])
        break
      default:
    }
}

const sameTarget = (a: Target, b: Target): boolean =>
  a.component === b.component && a.queue === b.queue && a.topic === b.topic

/** Workers of a queue share its messages by their slots, each consumer of a topic gets all. Circles end by chance. */
const deliver = (topology: Topology, target: Target, rate: number, add: Add, within: readonly Target[]): void => {
  const consumers = Object.values(topology.components).filter(
    (component): component is ServiceComponent =>
      component.role === 'service' && component.consumes !== undefined && sameTarget(component.consumes, target),
  )
  const slots = consumers.reduce((sum, consumer) => sum + consumer.slots * consumer.replicas, 0)
  for (const consumer of consumers) {
    const share = target.queue === undefined ? 1 : (consumer.slots * consumer.replicas) / slots
    // Delivery and acknowledgement.
    add(target.component, 2 * rate * share)
    add(consumer.id, rate * share)
    visit(topology, consumer.flow, rate * share, add, within)
  }
}

/** Observed rates with an exponential memory of a few seconds, so that demand follows the load and not its noise. */
export class SmoothedRates {
  private readonly rates: Map<string, number>
  private visits: ReadonlyMap<string, number> = new Map()
  private static readonly weight = 0.25

  constructor(planned: ReadonlyMap<string, number>) {
    this.rates = new Map(planned)
  }

  /** Visits so far by component, and requests of the generator; `elapsed` since the last call. */
  add(visits: ReadonlyMap<string, number>, elapsed: number): ReadonlyMap<string, number> {
    if (elapsed <= 0) return this.rates
    for (const [id, count] of visits) {
      const rate = (count - (this.visits.get(id) ?? 0)) / elapsed
      const before = this.rates.get(id)
      this.rates.set(id, before === undefined ? rate : before + SmoothedRates.weight * (rate - before))
    }
    this.visits = visits
    return this.rates
  }
}
