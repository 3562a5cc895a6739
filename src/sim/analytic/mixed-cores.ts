/**
 * Cores on which event loops run beside work that runs in parallel, and beside more loops than there are cores: each running burst gets min(1, c/n) of a
 * core. A loop runs one burst at a time, whatever waits behind it, so that loops crowd the cores less than their load as processor
 * sharing would. An approximation of our own: parallel jobs are a birth-and-death process among loops that are busy independently of each other, loops run at the mean
 * speed among those jobs; a fixed point, found by the secant method. Within some 10 % of the event engine (`test/sim/analytic/network.test.ts`).
 */
export interface MixedCores {
  readonly cores: number
  /** Event loops on these cores. */
  readonly loops: number
  /** CPU-seconds per second, of all loops and of all parallel work. */
  readonly loopLoad: number
  readonly parallelLoad: number
}

export interface MixedAnswer {
  /** How long a second of CPU takes in parallel work, and once a loop runs it. */
  readonly parallelStretch: number
  readonly loopStretch: number
}

const rounds = 60
const mostJobs = 10_000

export const mixedCores = ({ cores, loops, loopLoad, parallelLoad }: MixedCores): MixedAnswer => {
  if (loopLoad + parallelLoad >= cores)
    return { parallelStretch: Number.POSITIVE_INFINITY, loopStretch: Number.POSITIVE_INFINITY }
  const least = 1 / Math.min(1, cores)
  let loopStretch = least
  let parallelStretch = loopStretch
  let before = { stretch: Number.NaN, gap: Number.NaN }
  for (let round = 0; round < rounds; round++) {
    const busy = loops > 0 ? Math.min(1, (loopLoad * loopStretch) / loops) : 0
    const jobs = jobDistribution(parallelLoad, cores, binomial(loops, busy))
    parallelStretch = parallelLoad > 0 ? meanOf(jobs) / parallelLoad : parallelStretch
    const others = binomial(Math.max(0, loops - 1), busy)
    let speed = 0
    for (const [n, p] of jobs.entries())
      for (const [b, q] of others.entries()) speed += p * q * Math.min(1, cores / (n + 1 + b))
    const next = 1 / speed
    const gap = next - loopStretch
    if (Math.abs(gap) <= 1e-9 * next) break
    const secant = loopStretch - (gap * (loopStretch - before.stretch)) / (gap - before.gap)
    before = { stretch: loopStretch, gap }
    // Half the way is safe; the secant's step is taken where it does not lead further than twenty gaps.
    loopStretch =
      secant >= least && Math.abs(secant - loopStretch) <= 20 * Math.abs(gap) ? secant : loopStretch + gap / 2
  }
  return { parallelStretch, loopStretch }
}

const meanOf = (distribution: readonly number[]): number => distribution.reduce((sum, p, n) => sum + n * p, 0)

/** Of how many of `count` are busy, each with probability `p`; what is rarer than 10⁻¹² is left out. */
const binomial = (count: number, p: number): readonly number[] => {
  if (p >= 1) return Array.from({ length: count + 1 }, (_, b) => (b === count ? 1 : 0))
  const found: number[] = []
  let ln = count * Math.log1p(-p)
  for (let b = 0; b <= count; b++) {
    found.push(Math.exp(ln))
    if (p === 0 || (b > count * p && ln < -28)) break
    ln += Math.log(((count - b) / (b + 1)) * (p / (1 - p)))
  }
  return found
}

/** Number of parallel jobs: births at their load, deaths at what the busy loops leave to n of them. */
const jobDistribution = (load: number, cores: number, busy: readonly number[]): readonly number[] => {
  if (load === 0) return [1]
  const weights = [1]
  let total = 1
  let weight = 1
  for (let n = 1; n < mostJobs; n++) {
    let rate = 0
    for (const [b, q] of busy.entries()) rate += q * n * Math.min(1, cores / (n + b))
    weight *= load / rate
    weights.push(weight)
    total += weight
    if (load < rate && weight < 1e-14 * total) break
  }
  return weights.map((each) => each / total)
}
