/**
 * Where theory is exact. A network is in product form where all stations are quasi-reversible (processor sharing with any service; first come,
 * first served with one exponential service time for all) and arrivals are Poisson or users who think. A station of another kind
 * is exact by itself where its arrivals are Poisson: M/G/1, visited once, before anything that is not quasi-reversible.
 * Source: Baskett, Chandy, Muntz, Palacios 1975; F. P. Kelly, Reversibility and Stochastic Networks, ch. 3.
 */
import type { Topology } from '../../../topology/types.js'
import type { Node } from '../network/flow-tree.js'
import type { Site } from '../network/places.js'
import { preemptiveAt, ranksAt } from '../network/priorities.js'
import type { Solved } from '../network/solve.js'
import { placeOf, stationId } from '../network/stations.js'
import { alone, momentsOf } from '../network/timing.js'

export interface Judged {
  readonly formula: string
  /** Undefined: exact. */
  readonly why: string | undefined
}

interface Local extends Judged {
  /** Its departures are Poisson when its arrivals are. */
  readonly quasi: boolean
}

export interface Judgements {
  readonly station: (id: string) => Judged
  readonly holder: (id: string) => Judged
  readonly request: (id: string) => Judged
}

/** What a request goes through, in the order in which it does. */
interface Stop {
  readonly id: string
  readonly kind: 'station' | 'holder'
  readonly inFork: boolean
  readonly repeated: boolean
}

/** Nobody is ever seen to wait for it. */
const never = 1e-6

const spreadWhy = {
  turn: 'round robin',
  least: 'least connections',
  shared: 'one queue',
  two: 'the better of two',
  random: 'hashing',
} as const

export const judge = (solved: Solved, topology: Topology): Judgements => {
  const closed = topology.traffic?.mode === 'closed'
  const { network, timing } = solved.point
  const locals = new Map<string, Local>()
  const stopsOf = new Map(solved.classes.map(({ id, tree }) => [id, stops(tree, topology, solved)] as const))
  for (const all of stopsOf.values())
    for (const { id, kind } of all)
      if (!locals.has(id)) locals.set(id, kind === 'station' ? station(id, solved) : holder(id, solved))
  const why = new Map<string, string>()
  for (const [id, local] of locals) if (local.why !== undefined) why.set(id, local.why)
  const background = solved.usage.entries.some(({ synchronous, count }) => !synchronous && count > 0)
  if (closed) {
    const odd = [...locals].find(([, local]) => !local.quasi || local.why !== undefined)
    for (const id of locals.keys())
      if (!why.has(id) && (odd !== undefined || background))
        why.set(id, odd === undefined ? 'work behind a queue' : `${odd[0]} is not in product form`)
  } else spreadTaint(locals, [...stopsOf.values()], why)
  const judged = (id: string): Judged => {
    const local = locals.get(id)
    return {
      formula: closed && local?.why === undefined ? 'mean value analysis' : (local?.formula ?? 'Little'),
      why: why.get(id),
    }
  }
  return {
    station: judged,
    // A pool that nobody waits for is on nobody's way, and still has its formula.
    holder: (id) => (locals.has(id) ? judged(id) : holder(id, solved)),
    request: (id) => {
      const passed = (stopsOf.get(id) ?? []).filter((stop) => locals.get(stop.id)?.formula !== undefined)
      const worst = passed.find((stop) => why.has(stop.id))
      const formulas = [...new Set(passed.map((stop) => judged(stop.id).formula))]
      const forked = passed.some(({ inFork }) => inFork)
      return {
        formula:
          formulas.length === 0
            ? 'sum of waits'
            : formulas.length === 1
              ? (formulas[0] ?? '')
              : worst === undefined
                ? 'Jackson/BCMP network'
                : 'decomposition',
        why: forked
          ? 'parallel branches are taken to be independent'
          : worst === undefined
            ? undefined
            : `${worst.id}: ${why.get(worst.id)}`,
      }
    },
  }

  /** Arrivals are not Poisson after what is not quasi-reversible, and where requests come back to it. */
  function spreadTaint(
    all: ReadonlyMap<string, Local>,
    routes: readonly (readonly Stop[])[],
    found: Map<string, string>,
  ) {
    for (let changed = true; changed; ) {
      changed = false
      const mark = (id: string, text: string): void => {
        if (found.has(id)) return
        found.set(id, text)
        changed = true
      }
      for (const route of routes) {
        let after: string | undefined
        const seen = new Set<string>()
        for (const { id, inFork, repeated } of route) {
          if (after !== undefined && after !== id) mark(id, `arrivals after ${after} are not Poisson`)
          if (inFork) mark(id, 'parallel branches arrive together')
          const irregular = all.get(id)?.quasi === false
          if (irregular && (repeated || seen.has(id))) mark(id, 'a request comes more than once')
          seen.add(id)
          if (irregular || found.has(id)) after = id
        }
      }
    }
  }

  function stops(tree: Node, of: Topology, from: Solved): readonly Stop[] {
    const list: Stop[] = []
    const walk = (node: Node, inFork: boolean, repeated: boolean): void => {
      switch (node.kind) {
        case 'work': {
          const id = stationId(placeOf(of, node.at))
          const busy = timing.price(node).cpuSeconds > 0 && Number.isFinite(from.usage.stations.get(id)?.servers ?? 0)
          if (busy) list.push({ id, kind: 'station', inFork, repeated })
          return
        }
        case 'series':
          for (const part of node.parts) walk(part, inFork, repeated)
          return
        case 'fork':
          for (const part of node.parts) walk(part, inFork || node.parts.length > 1, repeated)
          return
        case 'choice':
          for (const { weight, body } of node.parts) if (weight > 0) walk(body, inFork, repeated)
          return
        case 'weighted':
          if (node.weight > 0) walk(node.body, inFork, repeated || node.weight > 1)
          return
        case 'message':
        case 'later':
          return
        default: {
          const id = network.limited(node)
          if (id !== undefined && (timing.held(node)?.waitProbability ?? 0) > never)
            list.push({ id, kind: 'holder', inFork, repeated })
          walk(node.body, inFork, repeated)
        }
      }
    }
    walk(tree, false, false)
    return list
  }

  function station(id: string, from: Solved): Local {
    const site = network.site(id)
    if (site === undefined) return { formula: 'delay', why: undefined, quasi: true }
    const own = site.loopsEach === undefined ? parallel(site) : inOrder(site, from)
    const queues = site.loopsEach === undefined ? site.domains.size : site.endpoints
    if (queues <= 1) return own
    const by = spreadWhy[site.dispatch]
    // Every k-th of a Poisson stream at a single exponential server is GI/M/1.
    if (site.dispatch === 'turn' && own.formula === 'M/M/1' && own.why === undefined)
      return { formula: 'Erlang/M/1', why: undefined, quasi: false }
    return {
      formula: site.dispatch === 'turn' ? 'G/G/c (Whitt)' : own.formula,
      why: own.why ?? `${by} among ${queues} queues`,
      quasi: false,
    }
  }

  function parallel(site: Site): Local {
    const [domain] = site.domains.keys()
    const formula = (domain?.cores ?? 1) <= 1 ? 'M/G/1-PS' : 'M/G/c-PS'
    const mixed = network.contention.sharesWithLoops(site)
    if (preemptiveAt(topology, site)) {
      const single = (domain?.cores ?? 1) <= 1
      return ranked(single, mixed ? 'event loops run on the same cores' : single ? undefined : unequal(site, solved))
    }
    return { formula, why: mixed ? 'event loops run on the same cores' : undefined, quasi: !mixed }
  }

  function inOrder(site: Site, from: Solved): Local {
    const loops = site.loopsEach ?? 1
    const single = loops === 1
    if (site.undisturbed && ranksAt(topology, site.station.component.id))
      return ranked(single, single ? undefined : unequal(site, from))
    if (!site.undisturbed)
      return { formula: single ? 'M/G/1' : 'M/G/c (Page)', why: 'its cores are shared', quasi: false }
    const why = unequal(site, from)
    if (why === undefined) return { formula: single ? 'M/M/1' : 'M/M/c', why, quasi: true }
    if (!single) return { formula: 'M/G/c (Page)', why, quasi: false }
    return { formula: 'M/G/1', why: undefined, quasi: false }
  }

  /** Undefined: all bursts at a station are exponential, and have one mean. */
  function unequal(site: Site, from: Solved): string | undefined {
    const prices = from.usage.entries.flatMap(({ node, count, station: at }) => {
      const price = timing.price(node)
      return at.id === site.station.id && count > 0 && price.cpuSeconds > 0 ? [price] : []
    })
    const alike = prices.every(
      ({ cpuSeconds, variance }) =>
        Math.abs(cpuSeconds - (prices[0]?.cpuSeconds ?? 0)) <= 1e-9 * cpuSeconds &&
        Math.abs(variance - cpuSeconds ** 2) <= 1e-9 * variance,
    )
    return alike ? undefined : 'service is not exponential, or not of one mean'
  }

  /** A line in which priorities go first: what leaves it is no Poisson process of each class. */
  function ranked(single: boolean, why: string | undefined): Local {
    return { formula: single ? 'priorities, M/G/1' : 'priorities, M/M/c', why, quasi: false }
  }

  function holder(id: string, from: Solved): Local {
    const { processes, level, dispatch } = network.describe(id)
    if (level.cpuSeconds.size > 0 || level.holders.size > 0)
      return { formula: 'flow-equivalent server', why: 'what is held waits for others inside', quasi: false }
    const idle = alone(timing.price)
    const bodies = from.usage.holders.flatMap(({ node, count }) =>
      network.limited(node) === id && count > 0 ? [momentsOf(node.body, idle)] : [],
    )
    const [first] = bodies
    const alike = bodies.every(
      ({ mean, variance }) =>
        Math.abs(mean - (first?.mean ?? 0)) <= 1e-9 * mean && Math.abs(variance - mean ** 2) <= 1e-9 * variance,
    )
    if (!alike) return { formula: 'M/G/c (Page)', why: 'the time it is held is not exponential', quasi: false }
    if (processes > 1)
      return { formula: 'Erlang C', why: `${spreadWhy[dispatch]} among ${processes} of them`, quasi: false }
    const [, component = ''] = id.startsWith('pool ') ? ['', id.slice(5).split('.')[0]] : id.split(' of ')
    if (ranksAt(topology, component) && !id.startsWith('slots ')) return ranked(false, undefined)
    return { formula: 'Erlang C', why: undefined, quasi: true }
  }
}
