/** From measured points of one demand (a point a run) to a law of demand as a function of the rate of visits. */
import { studentT } from '../lib/student-t.js'
import { type Calibrated, type DemandLaw, demandAt } from '../topology/calibration.js'

/** What one run says: CPU-seconds per visit, at how many visits per second, and how many visits that rests on. */
export interface DemandPoint {
  readonly ratePerSecond: number
  readonly seconds: number
  readonly samples: number
}

/** Rates nearer to each other than this are one load. */
export const sameLoad = 1.1
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
  return { ratePerSecond: weigh((point) => point.ratePerSecond), seconds: weigh((point) => point.seconds), samples }
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

/** One point per load. */
const byLoad = (points: readonly DemandPoint[]): DemandPoint[] => {
  const groups: DemandPoint[][] = []
  for (const point of [...points].sort((a, b) => a.ratePerSecond - b.ratePerSecond)) {
    const group = groups.at(-1)
    if (group?.[0] !== undefined && point.ratePerSecond <= group[0].ratePerSecond * sameLoad) group.push(point)
    else groups.push([point])
  }
  return groups.map(pooled)
}

const relativeMiss = (law: DemandLaw, point: DemandPoint): number =>
  Math.abs(demandAt(law, point.ratePerSecond) / point.seconds - 1)

/** Constant from one load; from several, a power law where it passes near every load, else a table. */
export const fitLaw = (points: readonly DemandPoint[]): DemandLaw => {
  const loads = byLoad(points)
  const rates = loads.map((load) => load.ratePerSecond)
  const constant: DemandLaw = { law: 'constant', seconds: pooled(points).seconds }
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
  return fits ? power : table
}

const parameters = (law: DemandLaw): number =>
  law.law === 'constant' ? 1 : law.law === 'table' ? law.points.length : 2

/**
 * 95 % half-width of the demand at the pooled rate, from how far the runs scatter around the law: t · s/√n, s from the
 * residuals with n − (parameters of the law) degrees of freedom. Undefined where no run is left over.
 */
const halfWidth = (law: DemandLaw, points: readonly DemandPoint[]): number | undefined => {
  const freedom = points.length - parameters(law)
  if (freedom < 1) return undefined
  const squares = sumOf(points, (point) => (point.seconds - demandAt(law, point.ratePerSecond)) ** 2)
  return studentT(freedom) * Math.sqrt(squares / freedom / points.length)
}

/** Undefined: no run visited it. `varies: false` for what does not depend on load, such as pure computation. */
export const estimate = (points: readonly DemandPoint[], varies: boolean): Calibrated | undefined => {
  const known = points.filter((point) => point.samples > 0 && point.ratePerSecond > 0)
  if (known.length === 0) return undefined
  const law: DemandLaw = varies ? fitLaw(known) : { law: 'constant', seconds: pooled(known).seconds }
  const halfWidthSeconds = halfWidth(law, known)
  return {
    demand: law,
    ...(halfWidthSeconds === undefined ? {} : { halfWidthSeconds }),
    samples: Math.round(sumOf(known, (point) => point.samples)),
  }
}
