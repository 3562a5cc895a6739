/** Of steps: beyond it rounding decides. */
const leastStep = 1e-14

/**
 * The t at which a decreasing tail P(T > t) falls to 1 − p; `scale` > 0 is where to begin. By the Illinois method (Dowell and Jarratt 1971) on the tail's
 * logarithm, which for the tails of queues is nearly a straight line.
 */
export const quantileOf = (tail: (t: number) => number, p: number, scale: number): number => {
  const above = (t: number): number => Math.log(tail(t) / (1 - p))
  let low = 0
  let lowGap = above(0)
  if (lowGap <= 0) return 0
  let high = scale
  let highGap = above(high)
  while (highGap > 0) {
    low = high
    lowGap = highGap
    high *= 2
    highGap = above(high)
  }
  let last = 0
  for (let i = 0; i < 200 && high - low > Number.EPSILON * high; i++) {
    const guess = (low * highGap - high * lowGap) / (highGap - lowGap)
    // A tail that is 0 has no logarithm, and a step that leaves the interval no use.
    const middle = guess > low && guess < high ? guess : (low + high) / 2
    const gap = above(middle)
    if (gap === 0) return middle
    const moved = gap > 0 ? middle - low : high - middle
    if (gap > 0) {
      low = middle
      lowGap = gap
      if (last === 1) highGap /= 2
    } else {
      high = middle
      highGap = gap
      if (last === -1) lowGap /= 2
    }
    if (Math.abs(gap) < leastStep || moved < leastStep * middle) return middle
    last = Math.sign(gap)
  }
  return (low + high) / 2
}
