/** Time that requests spend at each station and in each service, read off the trees of their work. */
import type { Node } from './flow-tree.js'
import { momentsOf, type Timing } from './timing.js'
import type { ClassLoad, Kept } from './usage.js'

/** Per connection taken. */
export interface PoolResidence {
  /** Connections taken per request of the mix. */
  readonly count: number
  readonly holdSeconds: number
  readonly waitSeconds: number
  readonly waitProbability: number
}

export interface Residences {
  /** By station, seconds per request of the mix, waiting for its CPU included, in and without a message. */
  readonly stations: ReadonlyMap<string, number>
  /** By service, seconds per request of the mix from the arrival of calls to their answers, the wait for a thread included. */
  readonly services: ReadonlyMap<string, number>
  readonly pools: ReadonlyMap<string, PoolResidence>
}

export const residencesOf = (kept: Kept, classes: readonly ClassLoad[], timing: Timing): Residences => {
  const stations = new Map<string, number>()
  const services = new Map<string, number>()
  const pools = new Map<string, PoolResidence>()
  const add = (map: Map<string, number>, key: string, count: number, seconds: number): void => {
    // Nothing times an endless wait is nothing.
    if (count > 0) map.set(key, (map.get(key) ?? 0) + (seconds === 0 ? 0 : count * seconds))
  }
  const visit = (node: Node, count: number, here: Timing): void => {
    if (!(count > 0)) return
    switch (node.kind) {
      case 'work':
        add(stations, kept.stationIdOf(node), count, momentsOf(node, here).mean)
        return
      case 'series':
      case 'fork':
        for (const part of node.parts) visit(part, count, here)
        return
      case 'choice':
        for (const { weight, body } of node.parts) visit(body, count * weight, here)
        return
      case 'weighted':
        visit(node.body, count * node.weight, here)
        return
      case 'message':
      case 'later':
        visit(node.body, count, here)
        return
      case 'serve': {
        const inside = here.held(node)?.inside ?? here
        add(services, node.component, count, momentsOf(node, here).mean)
        visit(node.body, count, inside)
        return
      }
      case 'hold': {
        const held = here.held(node)
        const inside = held?.inside ?? here
        const before = pools.get(node.pool)
        const taken = {
          count,
          holdSeconds: momentsOf(node.body, inside).mean,
          waitSeconds: held?.waitSeconds ?? 0,
          waitProbability: held?.waitProbability ?? 0,
        }
        pools.set(node.pool, before === undefined ? taken : averaged(before, taken))
        visit(node.body, count, inside)
      }
    }
  }
  for (const { tree, perRequest } of classes) visit(tree, perRequest, timing)
  return { stations, services, pools }
}

const averaged = (a: PoolResidence, b: PoolResidence): PoolResidence => {
  const count = a.count + b.count
  const mean = (key: 'holdSeconds' | 'waitSeconds' | 'waitProbability'): number =>
    (a.count * a[key] + b.count * b[key]) / count
  return {
    count,
    holdSeconds: mean('holdSeconds'),
    waitSeconds: mean('waitSeconds'),
    waitProbability: mean('waitProbability'),
  }
}
