/**
 * A fixed piece of computation, timed: how fast this machine is just now. A virtual CPU changes its speed by a quarter within
 * minutes, and what was measured before and after that is not comparable.
 */

/** About 4 ms on a CPU of 2020. */
const iterations = 2_000_000
const rounds = 15

let sink = 1

/** Integer arithmetic whose result the next step needs: neither caches nor vector units play a part. */
const compute = (): void => {
  let x = sink
  for (let i = 0; i < iterations; i++) x = (Math.imul(x, 31) + 7) | 0
  sink = x
}

/** Seconds for the fixed piece: the least of some rounds, since whatever interrupts it only adds. Takes about 60 ms. */
export const probeSeconds = (now: () => number = () => performance.now() / 1000): number => {
  compute()
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const began = now()
    compute()
    least = Math.min(least, now() - began)
  }
  return least
}
