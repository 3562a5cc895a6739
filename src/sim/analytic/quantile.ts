/** The t at which a decreasing tail P(T > t) falls to 1 − p, by bisection to the last digits; `scale` > 0 is where to begin. */
export const quantileOf = (tail: (t: number) => number, p: number, scale: number): number => {
  if (tail(0) <= 1 - p) return 0
  let high = scale
  while (tail(high) > 1 - p) high *= 2
  let low = 0
  for (let i = 0; i < 200 && high - low > Number.EPSILON * high; i++) {
    const middle = (low + high) / 2
    if (tail(middle) > 1 - p) low = middle
    else high = middle
  }
  return (low + high) / 2
}
