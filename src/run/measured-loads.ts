/** Measurements that plimsoll makes by itself: a knee, and runs at several loads by turns, each again where it was disturbed. */
import { type SteadyLoad, steadyText } from '../experiment/steady-text.js'
import type { RunResult } from '../result/run-result.js'
import { type Disturbance, disturbances } from '../result/validity.js'
import type { Run } from './context.js'
import { findKnee } from './knee.js'
import type { Session } from './session.js'

/** What all measurements of a session have in common. */
export type Conditions = Pick<SteadyLoad, 'topology' | 'mix' | 'pin'>

export interface Measurement {
  readonly run: Run
  /** Why it says more of the machine than of the stack; empty: it can be trusted. */
  readonly disturbed: readonly Disturbance[]
}

export interface MeasureOptions {
  readonly session: Session
  readonly conditions: Conditions
  /** Told after each run, also of those that are made again. */
  readonly onMeasured: (name: string, measurement: Measurement) => void
}

/** A disturbed run is made anew so often; then the last one stands, and says by what it was disturbed. */
const tries = 4

/** p99 latency that a stack below its knee keeps. */
export const kneeSeconds = 0.05

/** Of what is counted; before that, a load needs a while to settle. */
const warmupOf = (seconds: number): number => Math.min(4, seconds / 4)

export type Level = SteadyLoad['level']

/** A saturated host is what a closed load is meant for, and no reason to measure it again. */
const disturbing = (result: RunResult, level: Level): readonly Disturbance[] =>
  disturbances(result).filter(({ why }) => 'ratePerSecond' in level || !why.includes('saturated'))

export const measureOnce = async (
  { session, conditions, onMeasured }: MeasureOptions,
  load: Pick<SteadyLoad, 'name' | 'seed' | 'level' | 'seconds'>,
): Promise<Measurement> => {
  const run = await session.measure(steadyText({ ...conditions, ...load, warmupSeconds: warmupOf(load.seconds) }))
  const measurement = { run, disturbed: disturbing(run.result, load.level) }
  onMeasured(load.name, measurement)
  return measurement
}

/** Anew with another seed until nothing disturbs it, or its tries are used up. */
export const measureUndisturbed = async (
  options: MeasureOptions,
  load: Pick<SteadyLoad, 'name' | 'seed' | 'level' | 'seconds'>,
  isGood: (measurement: Measurement) => boolean = ({ disturbed }) => disturbed.length === 0,
): Promise<Measurement> => {
  for (let n = 0; ; n++) {
    const measurement = await measureOnce(options, { ...load, seed: load.seed + n })
    if (isGood(measurement) || n + 1 >= tries || measurement.run.result.status !== 'completed') return measurement
  }
}

export interface KneeSearch {
  readonly startPerSecond: number
  readonly seconds: number
}

/** The highest rate with p99 < 50 ms and without errors; undefined: there is none from a sixteenth of the first on. */
export const measureKnee = (
  options: MeasureOptions,
  { startPerSecond, seconds }: KneeSearch,
): Promise<number | undefined> => {
  let seed = 100
  return findKnee({
    startPerSecond,
    precision: 0.06,
    mostMeasurements: 14,
    carries: async (ratePerSecond) => {
      seed += tries
      // What was carried although something disturbed it would be carried all the more without.
      const good = (measurement: Measurement): boolean => carried(measurement) || measurement.disturbed.every(ownLimit)
      const load = { name: 'knee', seed, level: { ratePerSecond }, seconds }
      return carried(await measureUndisturbed(options, load, good))
    },
  })
}

const carried = ({ run: { result } }: Measurement): boolean => {
  const { all } = result.requests
  return all !== undefined && all.ok === all.completed && (all.latency?.p99 ?? Number.POSITIVE_INFINITY) < kneeSeconds
}

/** Beyond its knee a stack takes its whole host, and a generator is late: that is no disturbance from outside. */
const ownLimit = ({ by, why }: Disturbance): boolean => by === 'generator' || why.includes('saturated')

/** By how much the share of one class is raised, at most half of what it lacks to all. */
const tilt = 0.125

/**
 * The mixes that calibration needs to tell classes apart: first the usual one, then by turns with more of one class, the rarest first.
 * Undefined: the usual one.
 */
export const tiltedMix = (
  mix: Readonly<Record<string, number>>,
  repeat: number,
): Readonly<Record<string, number>> | undefined => {
  const classes = Object.entries(mix).sort(([, a], [, b]) => a - b)
  const [id, share] = classes[(repeat - 1) % classes.length] ?? []
  if (repeat === 0 || id === undefined || share === undefined || classes.length < 2) return undefined
  const raised = share + Math.min(tilt, (1 - share) / 2)
  return Object.fromEntries(
    Object.entries(mix).map(([other, of]) => [other, other === id ? raised : (of * (1 - raised)) / (1 - share)]),
  )
}

export interface LoadPlan {
  readonly ratesPerSecond: readonly number[]
  /** Up to here the mix may be tilted: a load near the knee could not be carried with more of a dear class. */
  readonly tiltedUpToPerSecond: number
  /** The usual one, by class. */
  readonly mix: Readonly<Record<string, number>>
  readonly repeats: number
  readonly seconds: number
}

/** The loads by turns, so that what changes with time touches all of them alike. */
export const measureLoads = async (options: MeasureOptions, plan: LoadPlan): Promise<readonly Measurement[]> => {
  const measurements: Measurement[] = []
  for (let repeat = 0; repeat < plan.repeats; repeat++)
    for (const [i, ratePerSecond] of plan.ratesPerSecond.entries()) {
      const name = `calibrate-${Math.round(ratePerSecond)}`
      const seed = 1000 * (repeat + 1) + 10 * i
      const mix = ratePerSecond <= plan.tiltedUpToPerSecond ? tiltedMix(plan.mix, repeat) : undefined
      const conditions = mix === undefined ? options.conditions : { ...options.conditions, mix }
      const measurement = await measureUndisturbed(
        { ...options, conditions },
        {
          name,
          seed,
          level: { ratePerSecond },
          seconds: plan.seconds,
        },
      )
      measurements.push(measurement)
      if (measurement.run.result.status !== 'completed') return measurements
    }
  return measurements
}
