/** --seed and --samples, and what they draw. Loaded only for a file with uncertain numbers. */
import type { PriceList } from '../catalog/prices/list.js'
import type { Setting } from '../lib/document/settings.js'
import { PlimsollError } from '../lib/errors.js'
import type { CapacityPlan } from '../plan/types.js'
import { uncertaintyOf } from '../plan/uncertainty/uncertainty.js'
import type { Topology } from '../topology/types.js'
import type { Invocation } from './command.js'
import { countOf, seedOf } from './flags.js'

const defaultSamples = 200
const mostSamples = 100_000

/** The plan with its intervals. `parse`: of the same file, with what is drawn in it. */
export const withUncertainty = (
  plan: CapacityPlan,
  request: {
    readonly options: Invocation['options']
    readonly topology: Topology
    readonly parse: (settings: readonly Setting[]) => Topology
    readonly prices: PriceList | undefined
  },
): CapacityPlan => {
  const { options, topology, parse, prices } = request
  const uncertainty = uncertaintyOf({
    topology,
    plan,
    prices,
    seed: seedOf(options.seed) ?? 1,
    samples: countOf('--samples', options.samples, mostSamples) ?? defaultSamples,
    parse: (settings) => {
      try {
        return parse(settings)
      } catch (error) {
        if (error instanceof PlimsollError) return undefined
        throw error
      }
    },
  })
  return { ...plan, uncertainty }
}
