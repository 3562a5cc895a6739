/** How late the load generator sends, as a function of its rate: one point for each load. */
import type { LatenessAt } from '../topology/calibration.js'
import { sameLoad } from './law.js'
import type { LatenessPoint } from './surroundings.js'

/** In order of rate; runs of one load are averaged, weighted by their requests. */
export const latenessPoints = (points: readonly LatenessPoint[]): readonly LatenessAt[] => {
  const groups: LatenessPoint[][] = []
  for (const point of [...points].sort((a, b) => a.ratePerSecond - b.ratePerSecond)) {
    const group = groups.at(-1)
    if (group?.[0] !== undefined && point.ratePerSecond <= group[0].ratePerSecond * sameLoad) group.push(point)
    else groups.push([point])
  }
  return groups.map((group) => {
    const samples = group.reduce((sum, point) => sum + point.samples, 0)
    const weigh = (value: (point: LatenessPoint) => number): number =>
      group.reduce((sum, point) => sum + value(point) * point.samples, 0) / samples
    return {
      ratePerSecond: weigh((point) => point.ratePerSecond),
      p50Seconds: weigh((point) => point.p50Seconds),
      meanSeconds: weigh((point) => point.meanSeconds),
    }
  })
}
