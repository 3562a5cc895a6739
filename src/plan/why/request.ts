/** Which class is looked at when none is named. */
import type { CapacityPlan } from '../types.js'

const order = (value: number | null): number => value ?? Number.POSITIVE_INFINITY

/** The class whose 95th percentile is largest beside what is asked of it; where nothing is asked of any, the one with the largest. */
export const worstRequest = ({ objectives, requests }: CapacityPlan): string | undefined => {
  const judged = objectives
    .filter(({ path }) => path === 'latency.p95')
    .map(({ request, predicted, bound }) => ({ request, ratio: order(predicted) / bound }))
  const all =
    judged.length > 0
      ? judged
      : Object.entries(requests).map(([request, { p95Seconds }]) => ({ request, ratio: order(p95Seconds) }))
  return all.reduce<(typeof all)[number] | undefined>(
    (worst, one) => (worst === undefined || one.ratio > worst.ratio ? one : worst),
    undefined,
  )?.request
}
