/**
 * The level of a load (a rate, or a number of users) as a function of time: straight lines and waves, stage by stage.
 * Λ(t) = ∫₀ᵗ level is the expected number of arrivals until t.
 *
 * Hot: `Inverse.timeOf` is called once per arrival; it allocates nothing.
 */
import type { Stage, Wave } from './types.js'

/** Of a stage, at its beginning and end, from a wave. */
export const waveStage = (wave: Wave, durationSeconds: number): Stage => ({
  fromLevel: waveLevel(wave, 0),
  toLevel: waveLevel(wave, durationSeconds),
  durationSeconds,
  wave,
})

const angular = ({ periodSeconds }: Wave): number => (2 * Math.PI) / periodSeconds

const waveLevel = (wave: Wave, into: number): number =>
  wave.mean + wave.amplitude * Math.cos(angular(wave) * (into - wave.peakSeconds))

const levelIn = ({ fromLevel, toLevel, durationSeconds, wave }: Stage, into: number): number =>
  wave === undefined ? fromLevel + ((toLevel - fromLevel) * into) / durationSeconds : waveLevel(wave, into)

/** ∫ level over the first `into` seconds of a stage. */
const areaIn = ({ fromLevel, toLevel, durationSeconds, wave }: Stage, into: number): number => {
  if (wave === undefined) return fromLevel * into + ((toLevel - fromLevel) * into * into) / (2 * durationSeconds)
  const w = angular(wave)
  const { mean, amplitude, peakSeconds } = wave
  return mean * into + (amplitude / w) * (Math.sin(w * (into - peakSeconds)) + Math.sin(w * peakSeconds))
}

export const secondsOf = (stages: readonly Stage[]): number =>
  stages.reduce((sum, stage) => sum + stage.durationSeconds, 0)

/** 0 before and after the stages. */
export const levelOf = (stages: readonly Stage[], at: number): number => {
  let start = 0
  for (const stage of stages) {
    const into = at - start
    if (into >= 0 && into < stage.durationSeconds) return levelIn(stage, into)
    start += stage.durationSeconds
  }
  return 0
}

/** The most that a stage reaches. */
export const peakIn = ({ fromLevel, toLevel, durationSeconds, wave }: Stage): number => {
  if (wave === undefined) return Math.max(fromLevel, toLevel)
  const { mean, amplitude, periodSeconds, peakSeconds } = wave
  const firstPeak = peakSeconds - Math.floor(peakSeconds / periodSeconds) * periodSeconds
  return firstPeak <= durationSeconds ? mean + amplitude : Math.max(fromLevel, toLevel)
}

/** Λ(at). */
export const areaUntil = (stages: readonly Stage[], at: number): number => {
  let start = 0
  let sum = 0
  for (const stage of stages) {
    if (at <= start) break
    sum += areaIn(stage, Math.min(at - start, stage.durationSeconds))
    start += stage.durationSeconds
  }
  return sum
}

/** Λ for times that only grow. */
export class Area {
  private index = 0
  private start = 0
  private passed = 0

  constructor(private readonly stages: readonly Stage[]) {}

  until(at: number): number {
    for (;;) {
      const stage = this.stages[this.index]
      if (stage === undefined) return this.passed
      if (at <= this.start + stage.durationSeconds) return this.passed + areaIn(stage, at - this.start)
      this.passed += areaIn(stage, stage.durationSeconds)
      this.start += stage.durationSeconds
      this.index++
    }
  }
}

/** Λ⁻¹ for areas that only grow. */
export class Inverse {
  private index = -1
  private stage: Stage | undefined
  private start = 0
  private passed = 0
  /** Area below the present stage. */
  private total = 0
  /** Where the last arrival was, in the present stage: from there a wave is searched. */
  private into = 0
  /** Of the present wave: the sine at its beginning, with the other sign. */
  private offset = 0

  constructor(private readonly stages: readonly Stage[]) {
    this.next()
  }

  /** Infinity beyond the last arrival. */
  timeOf(area: number): number {
    for (;;) {
      const { stage } = this
      if (stage === undefined) return Number.POSITIVE_INFINITY
      const rest = area - this.passed
      if (rest < this.total)
        return this.start + (stage.wave === undefined ? line(stage, rest) : this.waved(stage.wave, rest))
      this.passed += this.total
      this.start += stage.durationSeconds
      this.next()
    }
  }

  private next(): void {
    this.index++
    this.stage = this.stages[this.index]
    this.into = 0
    this.total = this.stage === undefined ? 0 : areaIn(this.stage, this.stage.durationSeconds)
    const wave = this.stage?.wave
    this.offset = wave === undefined ? 0 : Math.sin(angular(wave) * wave.peakSeconds)
  }

  /**
   * The root of areaIn(x) = rest by Newton's method, from the arrival before (so that one step is usually enough), within a
   * bracket that halves where a step leaves it.
   */
  private waved({ mean, amplitude, periodSeconds, peakSeconds }: Wave, rest: number): number {
    const w = (2 * Math.PI) / periodSeconds
    let low = this.into
    let high = (this.stage as Stage).durationSeconds
    let x = low
    for (let i = 0; i < 100; i++) {
      const phase = w * (x - peakSeconds)
      const level = mean + amplitude * Math.cos(phase)
      const excess = mean * x + (amplitude / w) * (Math.sin(phase) + this.offset) - rest
      if (excess === 0) break
      if (excess > 0) high = x
      else low = x
      const next = level > 0 ? x - excess / level : Number.NaN
      const inside = next > low && next < high
      const step = inside ? next - x : (low + high) / 2 - x
      x += step
      const enough = 1e-12 * (1 + x)
      if (Math.abs(step) <= enough) break
      // What a step of Newton leaves is at most step²·|level′|/(2·level), and |level′| ≤ amplitude·w.
      if (inside && amplitude * w * step * step <= enough * level) break
    }
    this.into = x
    return x
  }
}

/** The root of a·x + (b − a)/(2d)·x² = rest in a form that neither cancels nor divides by 0 when a = b. */
const line = ({ fromLevel: a, toLevel: b, durationSeconds: d }: Stage, rest: number): number =>
  a === b ? rest / a : (2 * rest) / (a + Math.sqrt(Math.max(0, a * a + (2 * (b - a) * rest) / d)))

export interface UserChange {
  readonly at: number
  /** From there on. */
  readonly users: number
}

/** When the rounded level changes, in order of time, and its value from there on; 0 at the end. */
export const roundedChanges = (stages: readonly Stage[]): readonly UserChange[] => {
  const changes: { at: number; users: number }[] = []
  let users = 0
  const change = (at: number, to: number): void => {
    if (to !== users) changes.push({ at, users: to })
    users = to
  }
  let start = 0
  for (const stage of stages) {
    change(start, Math.round(levelIn(stage, 0)))
    for (const piece of monotone(stage)) {
      const last = Math.round(piece.toLevel)
      const step = Math.sign(last - users)
      // Halfway between two whole numbers the rounded level changes.
      while (users !== last) change(start + piece.reaches(users + step / 2), users + step)
    }
    start += stage.durationSeconds
  }
  change(start, 0)
  return changes
}

/** How often the rounded level changes, about. */
export const roundedChangeCount = (stages: readonly Stage[]): number => {
  let before = 0
  let count = 0
  for (const stage of stages) {
    count += Math.abs(stage.fromLevel - before)
    for (const { fromLevel, toLevel } of monotone(stage)) count += Math.abs(toLevel - fromLevel)
    before = stage.toLevel
  }
  return count + before
}

interface Monotone {
  readonly fromLevel: number
  readonly toLevel: number
  /** Seconds into the stage at which a level between the two is reached. */
  readonly reaches: (level: number) => number
}

function* monotone(stage: Stage): Generator<Monotone> {
  const { fromLevel, toLevel, durationSeconds, wave } = stage
  if (wave === undefined) {
    yield {
      fromLevel,
      toLevel,
      reaches: (level) => ((level - fromLevel) / (toLevel - fromLevel)) * durationSeconds,
    }
    return
  }
  const { mean, amplitude, periodSeconds, peakSeconds } = wave
  const half = periodSeconds / 2
  // Peaks at even, troughs at odd halves of the period.
  let k = Math.floor(-peakSeconds / half)
  for (let from = 0; from < durationSeconds; k++) {
    const nextTurn = peakSeconds + (k + 1) * half
    const to = Math.min(durationSeconds, nextTurn)
    if (to <= from) continue
    const falls = k % 2 === 0
    const peakAt = peakSeconds + (falls ? k : k + 1) * half
    const away = (level: number): number =>
      Math.acos(Math.max(-1, Math.min(1, (level - mean) / amplitude))) / angular(wave)
    yield {
      fromLevel: waveLevel(wave, from),
      toLevel: waveLevel(wave, to),
      reaches: (level) => (falls ? peakAt + away(level) : peakAt - away(level)),
    }
    from = to
  }
}
