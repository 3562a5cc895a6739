/** Samples a running system at every full second, at the end of warm-up and at the end of the load. */
import type { ProcessCpu, RunningSystem, SystemSample } from '../contract/running-system.js'
import type { RunClock } from './clock.js'

export interface TimedSample {
  /** When it was due, in seconds of the run. */
  readonly at: number
  readonly sample: SystemSample
  /** Of the process that conducts the run, load generator included. */
  readonly conductor?: ProcessCpu
}

/** Full seconds from 0 to the duration, with the ends of warm-up and load where they are none. */
export const sampleTimes = (durationSeconds: number, warmupSeconds: number): readonly number[] => {
  const seconds = Array.from({ length: Math.floor(durationSeconds) + 1 }, (_, second) => second)
  return [...new Set([...seconds, warmupSeconds, durationSeconds])]
    .filter((at) => at <= durationSeconds)
    .sort((a, b) => a - b)
}

export interface SamplerOptions {
  readonly system: RunningSystem
  readonly clock: RunClock
  readonly zero: number
  readonly times: readonly number[]
  readonly conductor: (() => ProcessCpu) | undefined
  readonly onSample: (sample: TimedSample) => void
  readonly onError: (at: number, error: unknown) => void
}

/** Resolves after the last sample, or early when `signal` is aborted; one sample is taken then, so that nothing is lost. */
export const takeSamples = async (options: SamplerOptions, signal: AbortSignal): Promise<void> => {
  const { system, clock, zero, times, conductor, onSample, onError } = options
  const take = async (at: number): Promise<void> => {
    try {
      const sample = await system.sample()
      onSample({ at, sample, ...(conductor === undefined ? {} : { conductor: conductor() }) })
    } catch (error) {
      onError(at, error)
    }
  }
  for (const at of times) {
    await clock.waitUntil(zero + at, signal)
    if (signal.aborted) {
      const now = clock.now() - zero
      if (now > 0) await take(now)
      return
    }
    await take(at)
  }
}
