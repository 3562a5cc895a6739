/**
 * How many writes of the store a write makes that a cache gives it later. A key is flushed once in each cycle of the time T until its flush and
 * the time until its next write, 1/λ: λ/(1 + λT) flushes per second, 1/(1 + λT) per write (renewal; as a fixed time to live has misses).
 */
import { type Step, walk } from '../../../topology/flow.js'
import type { Topology } from '../../../topology/types.js'
import type { Write, WrittenCache } from '../../written-caches.js'
import { zipfGroups } from '../cache.js'

/** What others call by name is taken to be written so rarely that each write is flushed. */
export const flushRatios = (topology: Topology, classRate: (request: string) => number) => {
  const rateOf = (step: Step): number =>
    Object.values(topology.requests).reduce(
      (sum, { id, flow }) => sum + ([...walk(flow)].some((each) => each.id === step.id) ? classRate(id) : 0),
      0,
    )
  return (step: Write, { lookup }: WrittenCache): number => {
    const data = lookup.key === undefined ? undefined : topology.data[lookup.key]
    const exponent = data?.popularity.law === 'zipf' ? data.popularity.exponent : 0
    const perWrite = rateOf(step) * lookup.flushAfterSeconds
    return zipfGroups(data?.keys ?? 1, exponent).reduce(
      (sum, { count, probability }) => sum + (count * probability) / (1 + perWrite * probability),
      0,
    )
  }
}
