/**
 * M/G/1 with priorities that do not interrupt (highest first), Cobham: Wq(k) = W0 / ((1 − σ(k−1))(1 − σ(k))), with
 * W0 = Σ λS²(1 + cv²)/2 and σ(k) = Σ of the first k utilizations. Infinite from the first class that cannot keep up.
 * Source: A. Cobham (1954); Kleinrock, Queueing Systems II, §3.6.
 */
export const priorityWaits = (
  classes: readonly { readonly arrivalRatePerSecond: number; readonly serviceSeconds: number; readonly scv: number }[],
): readonly number[] => {
  const residual = classes.reduce(
    (sum, { arrivalRatePerSecond, serviceSeconds, scv }) =>
      sum + (arrivalRatePerSecond * serviceSeconds ** 2 * (1 + scv)) / 2,
    0,
  )
  let before = 0
  return classes.map(({ arrivalRatePerSecond, serviceSeconds }) => {
    const above = before
    before += arrivalRatePerSecond * serviceSeconds
    return before < 1 ? residual / ((1 - above) * (1 - before)) : Number.POSITIVE_INFINITY
  })
}
