/**
 * The load of an experiment as a function of time, shared by the simulator and the load generator, so that both are offered
 * the same process. Hot: one call per arrival, which allocates nothing.
 *
 * Arrivals by inversion of Λ (Çinlar; Devroye, Non-Uniform Random Variate Generation, VI.1.3): if S₁, S₂, … is a Poisson
 * process of rate 1, Λ⁻¹(S₁), Λ⁻¹(S₂), … is one of rate level(t): exact, without thinning.
 */
import type { RandomStream } from '../lib/random.js'
import type { Topology } from '../topology/types.js'
import { Area, areaUntil, Inverse, levelOf, peakIn, roundedChanges, secondsOf, type UserChange } from './level.js'
import type { RecordedClasses } from './trace.js'
import type { Arrivals, Load } from './types.js'

/** Runs are made of requests: one of more would not end. */
export const maxRequests = 1e9

export const loadSeconds = (load: Load): number => secondsOf(load.stages)

/** Rate per second (open) or users (closed) at `at` seconds; 0 before and after the load. */
export const levelAt = (load: Load, at: number): number => levelOf(load.stages, at)

/** Closed: how many users there are at `at`, rounded to the nearest. */
export const usersAt = (load: Load, at: number): number => Math.round(levelAt(load, at))

/** The most that the level reaches. */
export const peakLevel = (load: Load): number => Math.max(0, ...load.stages.map(peakIn))

/** Closed: when a user comes or goes, in order of time: the instants at which `usersAt` changes, and its value from there. */
export const userChanges = (load: Load): readonly UserChange[] => roundedChanges(load.stages)

/** Λ(at): arrivals expected until `at`. */
export const expectedArrivals = (load: Load, at: number): number => areaUntil(load.stages, at)

/**
 * Open: intended starts in seconds, one a call, never decreasing; Infinity after the last. Draws from `stream` only.
 * `constant` is evenly spaced in Λ: arrivals at Λ = ½, 1½, 2½, …
 */
export const arrivalTimes = (load: Load, stream: RandomStream): (() => number) => {
  const { arrivals, stages } = load
  switch (arrivals.kind) {
    case 'constant': {
      const source = new ConstantArrivals(new Inverse(stages))
      return () => source.next()
    }
    case 'poisson': {
      const level = soleLevel(load)
      const source =
        level === undefined
          ? new PoissonArrivals(new Inverse(stages), stream)
          : new SteadyArrivals(level, loadSeconds(load), stream)
      return () => source.next()
    }
    case 'bursty': {
      const source = new BurstyArrivals(arrivals, load, stream)
      return () => source.next()
    }
    case 'trace': {
      let next = 0
      return () => arrivals.times[next++] ?? Number.POSITIVE_INFINITY
    }
  }
}

/** As `arrivalTimes`, into a cell: what a function returns without being inlined is allocated. */
export interface ArrivalTimes {
  next(at: Float64Array): void
  /** Where they are Poisson at one rate from the beginning to the end. */
  readonly steady?: SteadyArrivals
}

export const arrivalCells = (load: Load, stream: RandomStream): ArrivalTimes => {
  const level = load.arrivals.kind === 'poisson' ? soleLevel(load) : undefined
  if (level !== undefined) {
    const source = new SteadyArrivals(level, loadSeconds(load), stream)
    return {
      steady: source,
      next: (at) => {
        at[0] = source.next()
      },
    }
  }
  const next = arrivalTimes(load, stream)
  return {
    next: (at) => {
      at[0] = next()
    },
  }
}

/** The level, where it is the same from the beginning to the end. */
const soleLevel = ({ stages: [only, ...more] }: Load): number | undefined =>
  only !== undefined && more.length === 0 && only.wave === undefined && only.fromLevel === only.toLevel
    ? only.fromLevel
    : undefined

// Classes with fields, not closures over variables: a number that a closure writes to is allocated anew each time.

class ConstantArrivals {
  private area = -0.5

  constructor(private readonly inverse: Inverse) {}

  next(): number {
    this.area += 1
    return this.inverse.timeOf(this.area)
  }
}

class PoissonArrivals {
  private area = 0

  constructor(
    private readonly inverse: Inverse,
    private readonly stream: RandomStream,
  ) {}

  next(): number {
    this.area += this.stream.exponential()
    return this.inverse.timeOf(this.area)
  }
}

/** Poisson at one rate: what is asked for most, and needs no inversion. */
export class SteadyArrivals {
  /** Of the last. */
  at = 0
  readonly meanSeconds: number

  constructor(
    ratePerSecond: number,
    /** There are none from here on. */
    readonly seconds: number,
    readonly stream: RandomStream,
  ) {
    this.meanSeconds = 1 / ratePerSecond
  }

  next(): number {
    this.at += this.stream.exponential() * this.meanSeconds
    return this.at < this.seconds ? this.at : Number.POSITIVE_INFINITY
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
class BurstyArrivals {
  private readonly seconds: number
  private readonly inverse: Inverse
  private readonly areas: Area
  private readonly quiet: number
  private on: boolean
  /** Of the present burst or pause. */
  private endsAt: number
  private endsAtArea: number
  /** Λ (unmodulated) up to which the process has been played. */
  private area = 0

  constructor(
    private readonly bursty: Bursty,
    load: Load,
    private readonly stream: RandomStream,
  ) {
    this.seconds = loadSeconds(load)
    this.inverse = new Inverse(load.stages)
    this.areas = new Area(load.stages)
    this.quiet = Math.max(0, quietFactor(bursty))
    this.on = stream.uniform() * (bursty.onSeconds + bursty.offSeconds) < bursty.onSeconds
    this.endsAt = this.sojourn()
    this.endsAtArea = this.areas.until(this.endsAt)
  }

  next(): number {
    let need = this.stream.exponential()
    for (;;) {
      const factor = this.on ? this.bursty.factor : this.quiet
      const offered = (this.endsAtArea - this.area) * factor
      if (need < offered) {
        this.area += need / factor
        return this.inverse.timeOf(this.area)
      }
      if (this.endsAt >= this.seconds) return Number.POSITIVE_INFINITY
      need -= offered
      this.area = this.endsAtArea
      this.on = !this.on
      this.endsAt += this.sojourn()
      this.endsAtArea = this.areas.until(this.endsAt)
    }
  }

  private sojourn(): number {
    return this.stream.exponential() * (this.on ? this.bursty.onSeconds : this.bursty.offSeconds)
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

const recordedClasses = ({ arrivals }: Load): RecordedClasses | undefined =>
  arrivals.kind === 'trace' ? arrivals.classes : undefined

/** Of a trace that tells the class of each arrival: indices into `mix.ids`, in the order of the arrivals. */
export const recordedChoices = (load: Load, mix: ClassMix): Uint16Array | undefined => {
  const recorded = recordedClasses(load)
  return recorded?.of.map((index) => mix.ids.indexOf(recorded.ids[index] ?? ''))
}

const recordedCounts = ({ ids, of }: RecordedClasses): Readonly<Record<string, number>> => {
  const counts = new Float64Array(ids.length)
  for (let i = 0; i < of.length; i++) counts[of[i] as number] = (counts[of[i] as number] as number) + 1
  return Object.fromEntries(ids.map((id, i) => [id, counts[i] as number]))
}

/** What a trace recorded, else the experiment's mix, else the topology's shares. */
export const classMix = (topology: Topology, load: Load): ClassMix => {
  const recorded = recordedClasses(load)
  const written = recorded === undefined ? load.mix : recordedCounts(recorded)
  const shareOf = (id: string, own: number): number => (written === undefined ? own : (written[id] ?? 0))
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
      // A scan: up to some eight classes no slower than the alias method.
      for (let i = 0; i < last; i++) if (u < (cumulative[i] as number)) return i
      return last
    },
  }
}
