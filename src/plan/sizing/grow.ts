/** From the least numbers upwards: whatever binds is raised by as much as is asked for, until nothing is broken, or nothing helps. */
import type { Topology } from '../../topology/types.js'
import { judge, type Question, type Violation } from './judge.js'
import { type Knob, withConnections } from './knobs.js'

export interface Grown {
  readonly topology: Topology
  /** Empty: nothing is broken. Else what no number mends. */
  readonly stuck: readonly Violation[]
}

/** Steps at most; each mends something. */
const mostSteps = 400

/** The least that is `excess` times as much, and more. */
const raised = (knob: Knob, value: number, excess: number): number =>
  Math.min(knob.most, Math.max(value + 1, Math.ceil(value * Math.min(excess, 1000) - 1e-9)))

export const raise = (topology: Topology, knob: Knob, excess: number): Topology =>
  withConnections(knob.set(topology, raised(knob, knob.get(topology), excess)))

const find = (knobs: readonly Knob[], of: string, ...kinds: readonly Knob['kind'][]): Knob | undefined =>
  knobs.find((knob) => knob.of === of && kinds.includes(knob.kind))

/** As many machines as a host's components have instances, at least: a replica without a machine of its own carries no more. */
const withMachines = (topology: Topology, knobs: readonly Knob[], component: string): Topology | undefined => {
  const host = topology.components[component]?.host
  const machines = host === undefined ? undefined : find(knobs, host, 'hosts')
  return machines === undefined ? undefined : raise(topology, machines, 1)
}

/** Machines more, with a replica on each of whatever can have more of them there. */
const moreMachines = (
  topology: Topology,
  knobs: readonly Knob[],
  host: string,
  excess: number,
): readonly Topology[] => {
  const machines = find(knobs, host, 'hosts')
  if (machines === undefined) return []
  const grown = raise(topology, machines, excess)
  const count = machines.get(grown)
  const spread = Object.values(topology.components)
    .filter((component) => component.host === host)
    .reduce((all, component) => {
      const replicas = find(knobs, component.id, 'replicas', 'masters', 'brokers')
      return replicas === undefined || replicas.get(all) >= count ? all : replicas.set(all, count)
    }, grown)
  return [grown, withConnections(spread)]
}

/** Ways to have more of what a limit names, the cheapest first. */
const forLimit = (topology: Topology, knobs: readonly Knob[], { limit, excess }: Violation): readonly Topology[] => {
  if (limit === undefined) return []
  if (limit.kind === 'host') return moreMachines(topology, knobs, limit.id.slice('host:'.length), excess)
  const [component = '', part] = limit.id.split('.')
  if (limit.kind === 'pool') {
    const pool = knobs.find((knob) => knob.kind === 'pool' && knob.of === component && knob.part === part)
    return pool === undefined ? [] : [raise(topology, pool, excess)]
  }
  if (limit.kind === 'connections')
    return knobs.filter(({ kind }) => kind === 'pool').map((pool) => raise(topology, pool, excess))
  if (limit.kind === 'lock' || limit.kind === 'rate-limit') return []
  const kinds: readonly Knob['kind'][] =
    limit.kind === 'slots'
      ? ['slots', 'replicas']
      : limit.kind === 'in-flight'
        ? ['in-flight', 'replicas']
        : limit.role === 'replica'
          ? ['copies', 'shards']
          : ['replicas', 'masters', 'shards', 'brokers']
  return kinds.flatMap((kind): readonly Topology[] => {
    const knob = find(knobs, component, kind)
    if (knob === undefined) return []
    const grown = raise(topology, knob, excess)
    const housed = withMachines(grown, knobs, component)
    return housed === undefined ? [grown] : [grown, housed]
  })
}

/** More machines, so that what is lost together is not all there is. */
const forLoss = (topology: Topology, knobs: readonly Knob[], { gone = [], loss }: Violation): readonly Topology[] => {
  if (loss?.kind !== 'host') return []
  return gone.flatMap((id) => {
    const grown = withMachines(topology, knobs, id)
    return grown === undefined ? [] : [grown]
  })
}

const worst = (violations: readonly Violation[], like: Violation): number =>
  violations.find(({ constraint, subject, sentence, limit, objective }) =>
    limit !== undefined || like.limit !== undefined
      ? constraint === like.constraint &&
        subject === like.subject &&
        limit?.id === like.limit?.id &&
        limit?.kind === like.limit?.kind
      : objective !== undefined || like.objective !== undefined
        ? constraint === like.constraint &&
          subject === like.subject &&
          objective?.path === like.objective?.path &&
          objective?.request === like.objective?.request
        : constraint === like.constraint && subject === like.subject && sentence === like.sentence,
  )?.excess ?? 0

/** Later kinds of violations are looked for only when the earlier are mended: to get there is progress. */
const stages = (violations: readonly Violation[]): number => {
  const [first] = violations
  if (first === undefined) return 3
  return first.constraint === 'survival' ? 2 : first.constraint === 'objective' ? 1 : 0
}

/** Relative improvement below which a try did not help. */
const helps = 1e-4

/** How much more of everything is tried at once, where something is slow and nothing exhausted. */
const stride = 1.15

/** The next topology on the way; undefined: nothing helps against this violation. */
const mend = (
  topology: Topology,
  knobs: readonly Knob[],
  question: Question,
  violation: Violation,
  stage: number,
): Topology | undefined => {
  if (violation.constraint === 'memory') {
    const machines = find(knobs, violation.of ?? '', 'hosts')
    return machines === undefined ? undefined : raise(topology, machines, violation.excess)
  }
  if (violation.constraint === 'hit-ratio') {
    const memory = find(knobs, violation.of ?? '', 'memory')
    return memory === undefined || memory.get(topology) >= memory.most ? undefined : raise(topology, memory, 2)
  }
  const tried =
    violation.objective !== undefined
      ? knobs
          .filter(({ kind, get, most }) => kind !== 'in-flight' && get(topology) < most)
          .flatMap((knob) => {
            if (knob.kind === 'hosts') return moreMachines(topology, knobs, knob.of, stride)
            const grown = raise(topology, knob, stride)
            const housed = withMachines(grown, knobs, knob.of)
            return housed === undefined ? [grown] : [grown, housed]
          })
      : violation.limit !== undefined
        ? forLimit(topology, knobs, violation)
        : forLoss(topology, knobs, violation)
  let best: { readonly topology: Topology; readonly excess: number } | undefined
  for (const candidate of tried) {
    const { violations } = judge(candidate, question)
    const excess = stages(violations) > stage ? 0 : stages(violations) < stage ? Infinity : worst(violations, violation)
    // A limit's ways are in the order of their price; of an objective the one that helps most is taken.
    if (violation.objective === undefined) {
      if (excess < violation.excess * (1 - helps) || (violation.excess === Infinity && excess === 0)) return candidate
    } else if (excess < violation.excess * (1 - helps) && excess < (best?.excess ?? Infinity))
      best = { topology: candidate, excess }
  }
  if (best !== undefined || tried.length === 0) return best?.topology
  // A machine that was lost is still too few of, until there are more than two.
  return violation.loss?.kind === 'host' && stageless(tried, topology) ? tried[0] : undefined
}

const stageless = (tried: readonly Topology[], topology: Topology): boolean => {
  const machines = Object.values(tried[0]?.hosts ?? {}).reduce((sum, { count }) => sum + count, 0)
  const before = Object.values(topology.hosts).reduce((sum, { count }) => sum + count, 0)
  return machines > before && Object.values(tried[0]?.hosts ?? {}).every(({ count }) => count <= 7)
}

/** Raises what binds until `question` is answered. */
export const grow = (start: Topology, knobs: readonly Knob[], question: Question): Grown => {
  let topology = withConnections(start)
  for (let step = 0; step < mostSteps; step++) {
    const { violations } = judge(topology, question)
    if (violations.length === 0) return { topology, stuck: [] }
    const stage = stages(violations)
    const stuck: Violation[] = []
    for (const violation of violations) {
      const next = mend(topology, knobs, question, violation, stage)
      if (next === undefined) stuck.push(violation)
      else topology = next
      // What comes after may have been mended along.
      if (next !== undefined && violation.limit === undefined) break
    }
    if (stuck.length > 0) return { topology, stuck }
  }
  return { topology, stuck: judge(topology, question).violations }
}
