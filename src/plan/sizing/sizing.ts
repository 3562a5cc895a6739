/** The smallest numbers that carry a target: why each is what it is, and what the next cheaper plan breaks. */
import type { PriceList } from '../../catalog/prices/list.js'
import { formatBytes } from '../../lib/units.js'
import { percent } from '../../lib/words.js'
import type { Topology } from '../../topology/types.js'
import { predict } from '../prediction.js'
import { type Corrections, judge, objectiveKey, type Violation } from './judge.js'
import { exchanges, type Found, machinePerMonth, machinesPerMonth, reach, type SearchInput, settle } from './search.js'
import { settingsBetween } from './settings.js'
import { type Decrement, decrementsOf } from './shrink.js'
import { loadOf, type SizedLoad, type Target } from './target.js'
import type { Reason, Sized, SizedNumber, SizedTarget, SizingPlan } from './types.js'

export interface SizingInput {
  /** As the file declares it. */
  readonly topology: Topology
  /** It with these settings, as `--set` takes them. */
  readonly parse: (settings: readonly string[]) => Topology
  readonly target: Target
  readonly prices: PriceList
}

/** A search and its result, for whoever goes on to simulate it. */
export interface Sizing {
  readonly load: SizedLoad
  readonly found: Found
  readonly decrements: readonly Decrement[]
}

export type Outcome =
  | { readonly reached: true; readonly sizing: Sizing }
  | {
      readonly reached: false
      readonly load: SizedLoad
      readonly reasons: readonly Violation[]
      /** For the same users with more time to think, or for as many requests as can be carried. */
      readonly instead: Sizing | undefined
    }

const searched = (input: SizingInput, load: SizedLoad, corrections: Corrections): SearchInput => ({
  topology: input.topology,
  parse: input.parse,
  prices: input.prices,
  ratePerSecond: load.ratePerSecond,
  corrections,
})

const settledFor = (load: SizedLoad, reached: Found): Sizing => {
  const found = settle(reached)
  return { load, found, decrements: decrementsOf(found.topology, found.knobs, found.question) }
}

/** What people can remember: the next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten. */
const steps = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10] as const

function* roundAbove(least: number): Generator<number> {
  let power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-3)))
  for (let tries = 0; tries < 40; power *= 10)
    for (const step of steps.slice(0, -1))
      if (step * power >= least) {
        tries++
        yield step * power
      }
}

/** At most this part of the target: what no number lifts says how far it is beyond. */
const excessOf = (reasons: readonly Violation[]): number =>
  Math.max(1, ...reasons.map(({ excess }) => (Number.isFinite(excess) ? excess : 1)))

/** Only what grows with load can be helped by less of it. */
const isStructural = ({ excess, objective }: Violation): boolean => excess === Infinity && objective === undefined

const mostAttempts = 24

const nearest = (input: SizingInput, load: SizedLoad, reasons: readonly Violation[]): Sizing | undefined => {
  if (reasons.some(isStructural)) return undefined
  // What an objective lacks says nothing about the load at which it would hold.
  const beyond = excessOf(reasons.filter(({ limit }) => limit !== undefined))
  const attempt = (candidate: SizedLoad): Sizing | undefined => {
    const found = reach(searched(input, candidate, new Map()))
    return found.stuck.length === 0 ? settledFor(candidate, found) : undefined
  }
  if (load.users === null) {
    let rate = load.ratePerSecond / beyond
    for (let i = 0; i < mostAttempts; i++, rate *= 0.9) {
      const rounded = Number(rate.toPrecision(2)) <= rate ? Number(rate.toPrecision(2)) : floorTwo(rate)
      const found = attempt(loadOf(input.topology, { ratePerSecond: rounded }))
      if (found !== undefined) return found
    }
    return undefined
  }
  const alone = load.users / load.ratePerSecond - (load.thinkSeconds ?? 0)
  const needed = (load.users * beyond) / load.ratePerSecond - alone
  let attempts = 0
  for (const think of roundAbove(Math.max(needed, load.thinkSeconds ?? 0))) {
    if (attempts++ >= mostAttempts) break
    const found = attempt(loadOf(input.topology, { users: load.users }, think))
    if (found !== undefined) return found
  }
  return undefined
}

/** Two significant digits, not more. */
const floorTwo = (value: number): number => {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1)
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(2))
}

/** The search by queueing theory. `corrections`: what simulations taught about it. */
export const size = (input: SizingInput, corrections: Corrections = new Map()): Outcome => {
  const load = loadOf(input.topology, input.target)
  const found = reach(searched(input, load, corrections))
  if (found.stuck.length === 0) return { reached: true, sizing: settledFor(load, found) }
  return { reached: false, load, reasons: found.stuck, instead: nearest(input, load, found.stuck) }
}

/** Once more for the same load, with what simulations taught; undefined: nothing holds any more. */
export const resize = (input: SizingInput, load: SizedLoad, corrections: Corrections): Sizing | undefined => {
  const found = reach(searched(input, load, corrections))
  return found.stuck.length === 0 ? settledFor(load, found) : undefined
}

/** As `--set` takes them: of the plan, and of the traffic that it is for. */
export const settingsOf = (input: SizingInput, topology: Topology): readonly string[] =>
  settingsBetween(input.topology, topology)

const reasonsOf = (violations: readonly Violation[]): readonly Reason[] =>
  violations.map(({ constraint, subject, sentence }) => ({ constraint, subject, sentence }))

const targetOf = ({ ratePerSecond, users, thinkSeconds, sentence }: SizedLoad): SizedTarget => ({
  ratePerSecond,
  users,
  thinkSeconds,
  sentence,
})

const cheaperThan = ({ found, decrements }: Sizing, prices: PriceList): Sized['cheaper'] => {
  const { topology } = found
  const now = machinesPerMonth(topology, prices)
  const dearest = exchanges(found)
    .map((exchange) => ({ ...exchange, perMonth: machinesPerMonth(exchange.topology, prices) }))
    .filter(({ perMonth, stuck }) => perMonth < now && stuck.length > 0)
    .toSorted((a, b) => b.perMonth - a.perMonth)[0]
  if (dearest === undefined) {
    const smaller =
      decrements.find(({ knob, breaks }) => knob.kind === 'replicas' && breaks.length > 0) ??
      decrements.find(({ breaks }) => breaks.length > 0)
    if (smaller?.less === undefined) return null
    const { knob, less, value } = smaller
    return {
      words: `no machine can go; ${knob.id} ${numberText(knob.kind, less)} instead of ${numberText(knob.kind, value)}`,
      perMonth: now,
      breaks: reasonsOf(smaller.breaks),
    }
  }
  return {
    words: `${dearest.less} instead of ${dearest.knob.get(topology)} machines of ${dearest.knob.of}, whatever else is raised`,
    perMonth: dearest.perMonth,
    breaks: reasonsOf(dearest.stuck),
  }
}

/** Hosts that cost nothing that is known, and components that run nowhere that is described. */
const unpriced = (topology: Topology, prices: PriceList): readonly string[] => [
  ...Object.values(topology.hosts).flatMap((host) =>
    machinePerMonth(topology, prices, host) === 0 ? [`host:${host.id}`] : [],
  ),
  ...Object.values(topology.components).flatMap(({ id, host, role }) =>
    host === undefined && role !== 'external' && role !== 'monitor' ? [id] : [],
  ),
]

const notesOf = (topology: Topology): readonly string[] => [
  ...(topology.policy.survive === 'one-node' && Object.values(topology.hosts).some(({ count }) => count === 1)
    ? ['survive: one-node is about instances: copies may share a machine; survive: one-host asks for machines, too']
    : []),
  ...Object.values(topology.components).flatMap((component): readonly string[] => {
    if (component.role === 'service' && component.scaling !== undefined)
      return [
        `${component.id} is autoscaled: its minimum is sized for the target, and its maximum (${component.scaling.max}) lies no lower; connections are counted at the maximum`,
      ]
    if (component.role === 'store' && component.maxConnections !== undefined)
      return [
        `${component.id} accepts ${component.maxConnections} connections: what all pools hold at most, and ${component.reservedConnections} reserved`,
      ]
    return []
  }),
]

/** What a simulation said of the objectives of a plan, by `request path`. */
export type Observed = ReadonlyMap<string, { readonly value: number | null; readonly holds: boolean }>

export interface Described {
  readonly observed?: Observed | undefined
  readonly verification?: Sized['verification'] | undefined
  /** Knobs whose decrement was simulated, with what that broke. */
  readonly simulated?: ReadonlyMap<string, readonly Reason[]> | undefined
}

const declaredValue = (topology: Topology, { knob }: Decrement): number => knob.get(topology)

/** The document. */
export const describe = (
  input: SizingInput,
  outcome: Outcome,
  { observed, verification, simulated }: Described = {},
): SizingPlan => {
  const { topology, prices } = input
  const sizing = outcome.reached ? outcome.sizing : outcome.instead
  const load = outcome.reached ? outcome.sizing.load : outcome.load
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'SizingPlan',
    topology: { name: topology.name, digest: topology.digest },
    target: targetOf(load),
    unreachable: outcome.reached
      ? null
      : {
          reasons: reasonsOf(outcome.reasons),
          instead: outcome.instead === undefined ? null : targetOf(outcome.instead.load),
        },
    plan: sizing === undefined ? null : planOf(),
  }

  function planOf(): Sized {
    const { found, decrements, load: carried } = sizing as Sizing
    const { operation } = judge(found.topology, found.question)
    return {
      numbers: decrements.map(
        (decrement): SizedNumber => ({
          id: decrement.knob.id,
          kind: decrement.knob.kind,
          declared: declaredValue(topology, decrement),
          value: decrement.value,
          less: decrement.less ?? null,
          breaks: [...(simulated?.get(decrement.knob.id) ?? []), ...reasonsOf(decrement.breaks)],
          simulated: simulated?.has(decrement.knob.id) ?? false,
        }),
      ),
      settings: settingsOf(input, found.topology),
      traffic: carried.settings,
      cost: {
        currency: topology.currency,
        perMonth: machinesPerMonth(found.topology, prices),
        declaredPerMonth: machinesPerMonth(topology, prices),
        unpriced: unpriced(topology, prices),
      },
      cheaper: cheaperThan(sizing as Sizing, prices),
      objectives: Object.values(found.topology.requests).flatMap((request) =>
        request.slo
          .filter(({ path }) => path !== 'availability')
          .map(({ path, bound }) => {
            const key = objectiveKey(request.id, path)
            const predicted = predict(operation, request, path)
            const seen = observed?.get(key)
            return {
              request: request.id,
              path,
              bound,
              predicted: predicted === undefined || !Number.isFinite(predicted) ? null : predicted,
              simulated: seen?.value ?? null,
              holds: seen?.holds ?? (predicted === undefined || predicted <= bound * (1 + 1e-9)),
            }
          }),
      ),
      verification: verification ?? null,
      notes: notesOf(found.topology),
    }
  }
}

/** For a number of this kind as people write it. */
export const numberText = (kind: SizedNumber['kind'], value: number): string =>
  kind === 'memory' ? formatBytes(value * 1024 ** 2) : String(value)

export const policyText = ({ policy }: Topology): string =>
  `${percent(policy.headroom)} headroom, survives ${policy.survive === 'nothing' ? 'no loss' : `the loss of ${policy.survive.replace('one-', 'any one ').replace('node', 'instance')}`}`
