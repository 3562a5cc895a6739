/** Finds the highest rate that a stack carries within a limit of latency: its knee. Pure: whoever calls it measures. */

export interface KneeOptions {
  /** Requests per second to begin with. */
  readonly startPerSecond: number
  /** How near to each other the highest rate that held and the lowest that did not must come, as a ratio: 0.06. */
  readonly precision: number
  readonly mostMeasurements: number
  /** Did the stack carry this rate? */
  readonly carries: (ratePerSecond: number) => Promise<boolean>
}

/**
 * The rate is doubled until it is too much (or halved until it is not), then the gap is halved. Undefined: not even a sixteenth of
 * the first rate was carried.
 */
export const findKnee = async (options: KneeOptions): Promise<number | undefined> => {
  const { startPerSecond, precision, mostMeasurements, carries } = options
  let held: number | undefined
  let failed: number | undefined
  for (let n = 0; n < mostMeasurements; n++) {
    if (held !== undefined && failed !== undefined && failed / held <= 1 + precision) break
    const rate: number =
      held === undefined
        ? (failed ?? 2 * startPerSecond) / 2
        : failed === undefined
          ? 2 * held
          : Math.sqrt(held * failed)
    if (rate < startPerSecond / 16) return undefined
    if (await carries(rate)) held = rate
    else failed = rate
  }
  return held
}
