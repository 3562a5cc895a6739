/** From values to heights, with round numbers at the ends. */

export interface Scale {
  /** 0…1 from the bottom to the top. */
  readonly share: (value: number) => number
  readonly value: (share: number) => number
  readonly isLogarithmic: boolean
}

/** A span of values that is drawn by its logarithm: from this ratio of its ends on, as in the curves of a sweep. */
const logarithmicFrom = 50

/** From 0 unless logarithmic; `ceiling` is at the top at least. */
export const scaleOf = (values: readonly number[], ceiling: number | undefined, mayBeLogarithmic: boolean): Scale => {
  const positive = values.filter((value) => value > 0)
  const least = Math.min(...positive)
  const most = Math.max(...positive, ceiling ?? 0)
  if (mayBeLogarithmic && positive.length > 0 && most / least >= logarithmicFrom) {
    const [low, high] = [Math.log(roundDown(least)), Math.log(roundUp(most))]
    return {
      share: (value) => clamp((Math.log(Math.max(value, Number.MIN_VALUE)) - low) / (high - low)),
      value: (share) => Math.exp(low + share * (high - low)),
      isLogarithmic: true,
    }
  }
  const top = most > 0 ? roundUp(most) : 1
  return { share: (value) => clamp(value / top), value: (share) => share * top, isLogarithmic: false }
}

const clamp = (share: number): number => Math.max(0, Math.min(1, share))

const steps = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]

const round = (value: number, choose: (size: number) => number | undefined): number => {
  const power = 10 ** Math.floor(Math.log10(value))
  return (choose(value / power) ?? 1) * power
}

/** The next of 1, 1.5, 2, … × 10ⁿ: the axis changes seldom while a run goes on. */
const roundUp = (value: number): number => round(value, (size) => steps.find((step) => step >= size - 1e-9))
const roundDown = (value: number): number => round(value, (size) => steps.findLast((step) => step <= size + 1e-9))
