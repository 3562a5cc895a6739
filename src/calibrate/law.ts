/** From measured points of one demand (a point a run) to a law of demand as a function of the rate of visits. */
import { linearRegression } from 'simple-statistics'
import { randomStream } from '../lib/random.js'
import { studentT } from '../lib/student-t.js'
import { type Calibrated, type DemandLaw, demandAt } from '../topology/calibration.js'

/** What one run says: CPU-seconds per visit, at how many visits per second, and how many visits that rests on. */
export interface DemandPoint {
  readonly ratePerSecond: number
  readonly seconds: number
  readonly samples: number
  /** Share of its cores that was busy, with whatever runs there; undefined: nobody can tell. */
  readonly busy?: number | undefined
  /** Requests per second of the run, by which runs of one load know each other; undefined: its own rate. */
  readonly load?: number
}

const loadOf = ({ load, ratePerSecond }: DemandPoint): number => load ?? ratePerSecond

/** Rates nearer to each other than this are one load: of 400 requests, as many as a short run at a low rate has, 5 % are chance. */
export const sameLoad = 1.25
/** From this ratio of highest to lowest rate on, the rate may explain a difference in demand. */
const distinctLoads = 1.5
/** A change over the measured range that is smaller than this is noise: the demand is constant. */
const constantWithin = 0.03
/** A power law that misses a point by more is not the law of these points; a table is. */
const powerWithin = 0.15
const exponents = { lowest: -1, highest: 0.5 } as const

const sumOf = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0)

/** Mean demand, each run weighted by its visits: Σ CPU-seconds / Σ visits (the utilization law over all runs). */
export const pooled = (points: readonly DemandPoint[]): DemandPoint => {
  if (points.length === 1 && points[0] !== undefined) return points[0]
  const samples = sumOf(points, (point) => point.samples)
  const weigh = (value: (point: DemandPoint) => number): number =>
    samples > 0 ? sumOf(points, (point) => value(point) * point.samples) / samples : 0
  return {
    ratePerSecond: weigh((point) => point.ratePerSecond),
    seconds: weigh((point) => point.seconds),
    samples,
    ...(points.every(({ busy }) => busy !== undefined) ? { busy: weigh(({ busy = 0 }) => busy) } : {}),
  }
}

/** Least squares of ln s on ln λ, weighted by visits: s = s₀ · (λ/λ₀)^k, λ₀ the highest measured rate. */
const powerLaw = (points: readonly DemandPoint[]): Extract<DemandLaw, { law: 'power' }> => {
  const weight = sumOf(points, (point) => point.samples)
  const x = (point: DemandPoint): number => Math.log(point.ratePerSecond)
  const y = (point: DemandPoint): number => Math.log(point.seconds)
  const meanX = sumOf(points, (point) => x(point) * point.samples) / weight
  const meanY = sumOf(points, (point) => y(point) * point.samples) / weight
  const exponent =
    sumOf(points, (point) => point.samples * (x(point) - meanX) * (y(point) - meanY)) /
    sumOf(points, (point) => point.samples * (x(point) - meanX) ** 2)
  const atRatePerSecond = Math.max(...points.map((point) => point.ratePerSecond))
  return {
    law: 'power',
    seconds: Math.exp(meanY + exponent * (Math.log(atRatePerSecond) - meanX)),
    atRatePerSecond,
    exponent,
  }
}

/** In groups of one load each, the lowest first. */
export const byLoad = <T>(items: readonly T[], loadOf: (item: T) => number): T[][] => {
  const groups: T[][] = []
  for (const item of [...items].sort((a, b) => loadOf(a) - loadOf(b))) {
    const group = groups.at(-1)
    if (group?.[0] !== undefined && loadOf(item) <= loadOf(group[0]) * sameLoad) group.push(item)
    else groups.push([item])
  }
  return groups
}

const relativeMiss = (law: DemandLaw, point: DemandPoint): number =>
  Math.abs(demandAt(law, point.ratePerSecond) / point.seconds - 1)

const constantLaw = (points: readonly DemandPoint[]): DemandLaw => ({
  law: 'constant',
  seconds: pooled(points).seconds,
})

/** Constant from one load; from several, a power law where it passes near every load, else a table. */
export const fitLaw = (points: readonly DemandPoint[]): DemandLaw => {
  const loads = byLoad(points, loadOf).map(pooled)
  const rates = loads.map((load) => load.ratePerSecond)
  const constant = constantLaw(points)
  const spread = Math.max(...rates) / Math.min(...rates)
  if (loads.length < 2 || !(spread >= distinctLoads)) return constant
  const table: DemandLaw = {
    law: 'table',
    points: loads.map(({ ratePerSecond, seconds }) => ({ ratePerSecond, seconds })),
  }
  if (loads.some((load) => load.seconds <= 0)) return table
  const power = powerLaw(loads)
  if (Math.abs(spread ** power.exponent - 1) < constantWithin) return constant
  const fits =
    power.exponent >= exponents.lowest &&
    power.exponent <= exponents.highest &&
    loads.every((load) => relativeMiss(power, load) <= powerWithin)
  return fits ? { ...power, ...fullMachine(loads, power) } : table
}

/** Loads must differ by this much of the cores to tell what a full machine would be like. */
const distinctBusy = 0.15

/**
 * A process that is busy anyway need not be woken, and takes in hand all that has come in meanwhile: what a visit costs beyond its work
 * falls linearly with the idle share of the cores, D = a + w·(1 − ρ). So does what all together use of the cores per visit, from which the
 * rate of a full machine follows: λ = 1/(ρ/λ at ρ = 1). The straight line through a few loads overshoots as the power law falls short
 * (docs/adr/0051): their mean counts.
 */
const fullMachine = (
  loads: readonly DemandPoint[],
  power: Extract<DemandLaw, { law: 'power' }>,
): { readonly full?: { readonly ratePerSecond: number; readonly seconds: number } } => {
  const known = loads.flatMap((load) => (load.busy === undefined ? [] : [{ ...load, busy: load.busy }]))
  const busy = known.map((load) => load.busy)
  if (known.length < 2 || Math.max(...busy) - Math.min(...busy) < distinctBusy) return {}
  const atFull = (value: (load: (typeof known)[number]) => number): number => {
    const { m, b } = linearRegression(known.map((load) => [load.busy, value(load)]))
    return m + b
  }
  const perVisit = atFull((load) => load.busy / load.ratePerSecond)
  const ratePerSecond = 1 / perVisit
  if (!(perVisit > 0) || ratePerSecond <= power.atRatePerSecond) return {}
  const byPower = demandAt(power, ratePerSecond)
  const seconds =
    (Math.max(
      0,
      atFull((load) => load.seconds),
    ) +
      byPower) /
    2
  return { full: { ratePerSecond, seconds: Math.min(seconds, power.seconds) } }
}

const resamples = 400
/** The 97.5 % quantile of the normal distribution. */
const z975 = 1.96

/**
 * 95 % half-width of the demand at the highest rate, by bootstrap (Efron 1979): the runs of each load are drawn anew with
 * replacement, the law is fitted to them, and the middle 95 % of what it says count. Few runs look more alike than they are; so it
 * is widened by √(n/(n − 1)) and by Student's t over the normal quantile, n the fewest runs of a load. Undefined: one run of some
 * load cannot tell.
 */
const halfWidth = (
  groups: readonly (readonly DemandPoint[])[],
  lawOf: (points: readonly DemandPoint[]) => DemandLaw,
): number | undefined => {
  const fewest = Math.min(...groups.map((group) => group.length))
  if (fewest < 2) return undefined
  const random = randomStream(1, 'bootstrap')
  const highest = Math.max(...groups.flat().map((point) => point.ratePerSecond))
  const values = new Float64Array(resamples)
  for (let i = 0; i < resamples; i++) {
    const drawn = groups.flatMap((group) =>
      group.flatMap(() => group[Math.floor(random.uniform() * group.length)] ?? []),
    )
    values[i] = demandAt(lawOf(drawn), highest)
  }
  values.sort()
  const quantile = (q: number): number => values[Math.round(q * (resamples - 1))] as number
  const percentile = (quantile(0.975) - quantile(0.025)) / 2
  return (percentile * Math.sqrt(fewest / (fewest - 1)) * studentT(fewest - 1)) / z975
}

/** Undefined: no run visited it. `varies: false` for what does not depend on load, such as pure computation. */
export const estimate = (points: readonly DemandPoint[], varies: boolean): Calibrated | undefined => {
  const known = points.filter((point) => point.samples > 0 && point.ratePerSecond > 0)
  if (known.length === 0) return undefined
  const lawOf = varies ? fitLaw : constantLaw
  const law = lawOf(known)
  const halfWidthSeconds = halfWidth(varies ? byLoad(known, loadOf) : [known], lawOf)
  return {
    demand: law,
    ...(halfWidthSeconds === undefined ? {} : { halfWidthSeconds }),
    samples: Math.round(sumOf(known, (point) => point.samples)),
  }
}
