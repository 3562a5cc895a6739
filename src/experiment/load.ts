/**
 * The load of an experiment as a function of time, shared by the simulator and the load generator, so that both are offered
 * the same process. The level is piecewise linear; Λ(t) = ∫₀ᵗ level is the expected number of arrivals until t.
 *
 * Arrivals by inversion of Λ (Çinlar; Devroye, Non-Uniform Random Variate Generation, VI.1.3): if S₁, S₂, … is a Poisson
 * process of rate 1, Λ⁻¹(S₁), Λ⁻¹(S₂), … is one of rate level(t): exact, without thinning.
 */
import type { RandomStream } from '../lib/random.js'
import type { Topology } from '../topology/types.js'
import type { Arrivals, Load, Stage } from './types.js'

/** Runs are made of requests: one of more would not end. */
export const maxRequests = 1e9

export const loadSeconds = (load: Load): number => load.stages.reduce((sum, stage) => sum + stage.durationSeconds, 0)

/** Rate per second (open) or users (closed) at `at` seconds; 0 before and after the load. */
export const levelAt = (load: Load, at: number): number => {
  let start = 0
  for (const { fromLevel, toLevel, durationSeconds } of load.stages) {
    const into = at - start
    if (into >= 0 && into < durationSeconds) return fromLevel + ((toLevel - fromLevel) * into) / durationSeconds
    start += durationSeconds
  }
  return 0
}

/** Closed: how many users there are at `at`, rounded to the nearest. */
export const usersAt = (load: Load, at: number): number => Math.round(levelAt(load, at))

/** The most that the level reaches. */
export const peakLevel = (load: Load): number =>
  Math.max(0, ...load.stages.map((stage) => Math.max(stage.fromLevel, stage.toLevel)))

/** Closed: when a user comes or goes, in order of time: the instants at which `usersAt` changes, and its value from there. */
export const userChanges = (load: Load): readonly { readonly at: number; readonly users: number }[] => {
  const changes: { at: number; users: number }[] = []
  let users = 0
  const change = (at: number, to: number): void => {
    if (to !== users) changes.push({ at, users: to })
    users = to
  }
  let start = 0
  for (const { fromLevel: from, toLevel: to, durationSeconds } of load.stages) {
    change(start, Math.round(from))
    // Halfway between two whole numbers the rounded level changes.
    const step = Math.sign(to - from)
    while (users !== Math.round(to)) {
      const into = ((users + step / 2 - from) / (to - from)) * durationSeconds
      change(start + into, users + step)
    }
    start += durationSeconds
  }
  change(start, 0)
  return changes
}

/** Λ(at): arrivals expected until `at`. */
export const expectedArrivals = (load: Load, at: number): number => {
  let start = 0
  let sum = 0
  for (const stage of load.stages) {
    if (at <= start) break
    sum += areaOf(stage, Math.min(at - start, stage.durationSeconds))
    start += stage.durationSeconds
  }
  return sum
}

const areaOf = ({ fromLevel, toLevel, durationSeconds }: Stage, into: number): number =>
  fromLevel * into + ((toLevel - fromLevel) * into * into) / (2 * durationSeconds)

/** Λ⁻¹ for areas that only grow; Infinity beyond the last arrival. */
const inverse = (load: Load): ((area: number) => number) => {
  let index = 0
  let start = 0
  let passed = 0
  return (area) => {
    for (;;) {
      const stage = load.stages[index]
      if (stage === undefined) return Number.POSITIVE_INFINITY
      const { fromLevel: a, toLevel: b, durationSeconds: d } = stage
      const total = ((a + b) / 2) * d
      const rest = area - passed
      // The root of a·x + (b − a)/(2d)·x² = rest in a form that neither cancels nor divides by 0 when a = b.
      if (rest < total) return start + (2 * rest) / (a + Math.sqrt(Math.max(0, a * a + (2 * (b - a) * rest) / d)))
      passed += total
      start += d
      index++
    }
  }
}

/**
 * Open: intended starts in seconds, one a call, never decreasing; Infinity after the last. Draws from `stream` only.
 * `constant` is evenly spaced in Λ: arrivals at Λ = ½, 1½, 2½, …
 */
export const arrivalTimes = (load: Load, stream: RandomStream): (() => number) => {
  const { arrivals } = load
  const timeOf = inverse(load)
  let area = 0
  switch (arrivals.kind) {
    case 'constant':
      area = -0.5
      return () => {
        area += 1
        return timeOf(area)
      }
    case 'poisson':
      return () => {
        area += stream.exponential()
        return timeOf(area)
      }
    case 'bursty':
      return burstyArrivals(arrivals, load, stream)
    case 'trace': {
      let next = 0
      return () => arrivals.times[next++] ?? Number.POSITIVE_INFINITY
    }
  }
}

type Bursty = Extract<Arrivals, { kind: 'bursty' }>

/**
 * Level outside of bursts as a multiple of the declared level, so that the mean over bursts and pauses is the declared
 * level: p·factor + (1 − p)·quiet = 1, where p = on/(on + off) is the share of time spent in bursts.
 */
export const quietFactor = ({ factor, onSeconds, offSeconds }: Bursty): number =>
  (onSeconds + offSeconds - onSeconds * factor) / offSeconds

/** Largest factor that leaves nothing for the pauses between bursts. */
export const largestFactor = ({ onSeconds, offSeconds }: Pick<Bursty, 'onSeconds' | 'offSeconds'>): number =>
  (onSeconds + offSeconds) / onSeconds

/**
 * Markov-modulated Poisson process with two states (Fischer and Meier-Hellstern, 1993): bursts and pauses of exponential
 * length, begun in equilibrium; in each the arrivals are Poisson with the level times the state's factor.
 */
const burstyArrivals = (bursty: Bursty, load: Load, stream: RandomStream): (() => number) => {
  const total = loadSeconds(load)
  const quiet = quietFactor(bursty)
  const timeOf = inverse(load)
  let on = stream.uniform() * (bursty.onSeconds + bursty.offSeconds) < bursty.onSeconds
  const sojourn = (): number => stream.exponential() * (on ? bursty.onSeconds : bursty.offSeconds)
  let endsAt = sojourn()
  let endsAtArea = expectedArrivals(load, endsAt)
  /** Λ (unmodulated) up to which the process has been played. */
  let area = 0
  return () => {
    let need = stream.exponential()
    for (;;) {
      const factor = on ? bursty.factor : quiet
      const offered = (endsAtArea - area) * factor
      if (need < offered) {
        area += need / factor
        return timeOf(area)
      }
      if (endsAt >= total) return Number.POSITIVE_INFINITY
      need -= offered
      area = endsAtArea
      on = !on
      endsAt += sojourn()
      endsAtArea = expectedArrivals(load, endsAt)
    }
  }
}

export interface ClassMix {
  /** Request classes with a share, in the topology's order. */
  readonly ids: readonly string[]
  /** Their shares, summing to 1. */
  readonly shares: readonly number[]
  /** Index into `ids` for `u` uniform in [0, 1). */
  choose(u: number): number
}

/** The experiment's mix, else the topology's shares. */
export const classMix = (topology: Topology, load: Load): ClassMix => {
  const shareOf = (id: string, own: number): number => (load.mix === undefined ? own : (load.mix[id] ?? 0))
  const weighted = Object.values(topology.requests)
    .filter((request) => request.derivedFrom === undefined)
    .map((request) => ({ id: request.id, share: shareOf(request.id, request.share) }))
    .filter(({ share }) => share > 0)
  const sum = weighted.reduce((total, { share }) => total + share, 0)
  const shares = weighted.map(({ share }) => share / sum)
  let passed = 0
  const cumulative = shares.map((share) => {
    passed += share
    return passed
  })
  const last = weighted.length - 1
  return {
    ids: weighted.map(({ id }) => id),
    shares,
    choose: (u) => {
      for (let i = 0; i < last; i++) if (u < (cumulative[i] as number)) return i
      return last
    },
  }
}
