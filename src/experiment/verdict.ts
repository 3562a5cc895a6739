/**
 * Whether what was expected held: steady state over windows, objectives over the whole measured part. Pure, and the same
 * for simulated and measured results.
 *
 * A second counts as steady if it lies in at least one window (of `window` length, ending on a full second) in which the
 * expectation holds. So a window smooths noise without smearing an incident of one second over all windows that touch it.
 * The absence is the number of measured seconds that are not steady; the expectation holds if the absence is at most
 * `tolerate` and, where faults were injected, the run does not end without it.
 *
 * Windows in which nothing was asked say nothing. Windows in which requests were made and none came back do not hold.
 */
import { formatRatio, formatSeconds } from '../lib/units.js'
import { beganAt, type SecondEvent, secondsIn } from '../result/run-event.js'
import type { Judgement, RunResult } from '../result/run-result.js'
import { type Disturbance, disturbances } from '../result/validity.js'
import type { Objective, Topology } from '../topology/types.js'
import { type Observed, type Quantity, quantityOf, type Subject } from './quantities.js'
import type { Condition, Expectation, Experiment } from './types.js'

/** The result with its judgements: steady state, objectives, and of the invariants those that were asked for. */
export const judged = (result: RunResult, experiment: Experiment, topology: Topology): RunResult => {
  const disturbed = disturbances(result)
  return {
    ...withObjectives(result, topology),
    steadyState: experiment.steadyState.map((expectation) => steadyState(expectation, result, topology, disturbed)),
    invariants: experiment.invariants.map(
      (name) =>
        result.invariants.find((judgement) => judgement.name === name) ?? {
          name,
          verdict: 'invalid' as const,
          observed: null,
          bound: null,
          why: 'nobody checks this on a running stack yet',
        },
    ),
  }
}

/** The result with its objectives judged: all that can be judged of merged replications, which have no seconds in common. */
export const withObjectives = (result: RunResult, topology: Topology): RunResult => {
  const disturbed = disturbances(result)
  return {
    ...result,
    slo: Object.values(topology.requests)
      .filter((request) => result.requests[request.id] !== undefined)
      .flatMap((request) => request.slo.flatMap((slo) => objective(request.id, slo, result, disturbed))),
  }
}

/** What a condition's subject is in this topology. */
export const subjectOf = (topology: Topology, subject: string): Subject => {
  const component = Object.hasOwn(topology.components, subject) ? topology.components[subject] : undefined
  if (component === undefined) return { kind: 'class' }
  return {
    kind: 'component',
    pools: component.role === 'service' ? Object.keys(component.pools) : [],
    queues: component.role === 'store' ? [...Object.keys(component.queues), ...Object.keys(component.topics)] : [],
  }
}

export const holds = (value: number, op: Condition['op'], bound: number): boolean => {
  switch (op) {
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '>':
      return value > bound
    case '>=':
      return value >= bound
  }
}

/** The worse of two values of a quantity that should lie on the good side of a bound. */
const worse = (op: Condition['op'], a: number, b: number): number =>
  op.startsWith('<') ? Math.max(a, b) : Math.min(a, b)

const steadyState = (
  expectation: Expectation,
  result: RunResult,
  topology: Topology,
  disturbed: readonly Disturbance[],
): Judgement => {
  const { text: name, bound } = expectation
  const quantity = quantityOf(subjectOf(topology, expectation.subject), expectation.path.join('.'))
  if (quantity?.over === undefined) {
    const observed = quantity?.whole(result, expectation.subject) ?? null
    return weigh(
      { name, bound, observed, passes: observed !== null && holds(observed, expectation.op, bound) },
      quantity,
      disturbed,
    )
  }
  const seconds = result.series.filter(
    (event) => beganAt(event) >= result.warmupSeconds && event.at <= Math.ceil(result.durationSeconds),
  )
  const watched = watch(expectation, quantity, seconds)
  if (watched.observed === null && watched.absent.length === 0)
    return { name, bound, observed: null, verdict: 'invalid', why: 'nothing was measured that could tell' }
  const faulted = result.events.some((event) => event.type === 'fault' && event.phase === 'injected')
  const lost = faulted && watched.endsWithout
  const absentSeconds = Math.round(secondsIn(watched.absent) * 1e6) / 1e6
  const tolerated = absentSeconds <= expectation.tolerateSeconds + 1e-9
  const why = [
    ...(absentSeconds === 0 ? [] : [`absent for ${absentSeconds} s (${ranges(watched.absent)})`]),
    ...(watched.absent.length > 0 ? [`tolerated ${expectation.tolerateSeconds} s`] : []),
    ...(lost ? ['and not regained by the end'] : []),
  ].join(', ')
  return weigh(
    { name, bound, observed: watched.observed, passes: tolerated && !lost, ...(why === '' ? {} : { why }) },
    quantity,
    disturbed,
  )
}

interface Watched {
  /** The seconds in which it did not hold. */
  readonly absent: readonly SecondEvent[]
  /** The worst window; null: no window tells. */
  readonly observed: number | null
  readonly endsWithout: boolean
}

const watch = (expectation: Expectation, quantity: Quantity, seconds: readonly SecondEvent[]): Watched => {
  const { op, bound, subject, windowSeconds } = expectation
  const steady = new Array<boolean>(seconds.length).fill(false)
  let observed: number | null = null
  let endsWithout = false
  for (const { from, end } of windows(seconds, windowSeconds)) {
    const value: Observed = quantity.over?.(seconds.slice(from, end), subject) ?? 'idle'
    const good = value === 'idle' || (value !== 'silent' && holds(value, op, bound))
    if (typeof value === 'number') observed = observed === null ? value : worse(op, observed, value)
    if (good) steady.fill(true, from, end)
    endsWithout = !good
  }
  return { absent: seconds.filter((_, i) => !steady[i]), observed, endsWithout }
}

/** The fewest whole intervals that are as long as a window, ending with each interval; all of them where that is too few. */
function* windows(
  seconds: readonly SecondEvent[],
  windowSeconds: number,
): Generator<{ readonly from: number; readonly end: number }> {
  let from = 0
  let length = 0
  let any = false
  for (const [i, { seconds: added = 1 }] of seconds.entries()) {
    length += added
    for (let first = seconds[from]?.seconds ?? 1; length - first >= windowSeconds - 1e-9 && from < i; ) {
      length -= first
      from++
      first = seconds[from]?.seconds ?? 1
    }
    const isLast = i === seconds.length - 1
    if (length < windowSeconds - 1e-9 && !(isLast && !any)) continue
    any = true
    yield { from, end: i + 1 }
  }
}

/** `12–15 s, 20–21 s`: seconds as stretches of time. */
const ranges = (seconds: readonly SecondEvent[]): string => {
  const stretches: { from: number; to: number }[] = []
  for (const second of seconds) {
    const last = stretches.at(-1)
    if (last !== undefined && beganAt(second) <= last.to + 1e-9) last.to = second.at
    else stretches.push({ from: beganAt(second), to: second.at })
  }
  const shown = stretches.slice(0, 4).map(({ from, to }) => `${from}–${to} s`)
  return stretches.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}

/** Objectives that are structural (`availability`) are for `plan` to judge, not for a run. */
const objective = (
  request: string,
  { path, op, bound }: Objective,
  result: RunResult,
  disturbed: readonly Disturbance[],
): Judgement[] => {
  if (path === 'availability') return []
  const quantity = quantityOf({ kind: 'class' }, path)
  const limit = quantity?.unit === 'ratio' ? formatRatio(bound) : formatSeconds(bound)
  const name = `${request}.${path} ${op} ${limit}`
  const observed = quantity?.whole(result, request) ?? null
  const counts = result.requests[request]
  if (observed === null && quantity !== undefined && (counts?.offered ?? 0) > 0 && (counts?.ok ?? 0) === 0)
    return [weigh({ name, bound, observed, passes: false, why: 'no request succeeded' }, quantity, disturbed)]
  return [
    weigh({ name, bound, observed, passes: observed !== null && holds(observed, op, bound) }, quantity, disturbed),
  ]
}

interface Weighed extends Omit<Judgement, 'verdict'> {
  readonly passes: boolean
}

/**
 * A generator that was the limit makes every verdict invalid: the load was not what the experiment says. Whatever else
 * disturbs a run makes it look worse than it is, so a pass stands, and only a failure of what was disturbed is invalid.
 */
const weigh = (
  { passes, ...judgement }: Weighed,
  quantity: Quantity | undefined,
  disturbed: readonly Disturbance[],
): Judgement => {
  const limit = disturbed.find(({ by, affects }) => by === 'generator' && affects.includes('rate'))
  if (limit !== undefined) return { ...judgement, verdict: 'invalid', why: limit.why }
  if (judgement.observed === null && judgement.why === undefined)
    return { ...judgement, verdict: 'invalid', why: 'not measured' }
  if (passes) return { ...judgement, verdict: 'pass' }
  const { aspect } = quantity ?? {}
  const excuse = aspect === undefined ? undefined : disturbed.find(({ affects }) => affects.includes(aspect))
  if (excuse !== undefined) return { ...judgement, verdict: 'invalid', why: excuse.why }
  return { ...judgement, verdict: 'fail' }
}
