/** `plan --why`: what a percentile of a class of requests consists of, by simulations without each cause. */
import { suggestion } from '../lib/did-you-mean.js'
import { parseSetting } from '../lib/document/settings.js'
import { invalidInput, usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import type { Simulate } from '../plan/why/lengths.js'
import { worstRequest } from '../plan/why/request.js'
import { type Measure, measures } from '../plan/why/types.js'
import { whySoLong } from '../plan/why/why.js'
import { whyDocument } from '../report/why.js'
import { replicationSeed } from '../run/replications.js'
import { simulateAll } from '../run/simulate-all.js'
import type { SimulationSource } from '../run/source.js'
import type { TopologyFile } from '../system/files.js'
import { cores } from '../system/proc.js'
import { progressBar } from './bar.js'
import { seedOf } from './flags.js'
import { many } from './plan-mode.js'
import { type MoreRequest, show } from './plan-more.js'

export interface WhyRequest extends MoreRequest {
  readonly source: TopologyFile
}

const measureOf = (value: unknown): Measure => {
  const found = measures.find((measure) => measure === value)
  if (found === undefined)
    throw usageError(`--why: expected one of ${measures.join(', ')}, got "${String(value)}"`, 'for example --why p95')
  return found
}

export const planWhy = async (request: WhyRequest): Promise<ExitCode> => {
  const { host, options, file } = request
  const measure = measureOf(options.why)
  const seed = seedOf(options.seed) ?? 1
  const settings = many(options.set).map((text) => parseSetting(text))
  const topology = request.parse(settings)
  if (topology.traffic === undefined)
    throw invalidInput({
      message: `--why: ${file} declares no "traffic" to be simulated`,
      position: topology.source.locate([]),
      hint: 'traffic: { rate: 100/s }',
    })
  const plan = request.plan(topology)
  const classes = Object.keys(topology.requests)
  const asked = typeof options.request === 'string' ? options.request : worstRequest(plan)
  if (asked === undefined || !classes.includes(asked))
    throw usageError(
      `--request: ${file} has no class of requests "${asked ?? ''}"`,
      suggestion(asked ?? '', classes) ?? `classes: ${classes.join(', ')}`,
    )
  const source: SimulationSource = { topology: request.source, experiment: undefined, durationSeconds: 1 }
  const bar = progressBar(host)
  const simulate: Simulate = (variants) =>
    simulateAll({
      source,
      points: variants.map(({ replication, ...counterfactual }) => ({
        settings,
        seed: replicationSeed(seed, replication),
        counterfactual,
      })),
      plan: { fewest: 1, most: 1, enough: () => true },
      threads: cores,
      signal: host.signal,
      now: host.now,
      onProgress: (played) =>
        bar.draw(played / variants.length, `${Math.floor(played)} of ${variants.length} simulations`),
    })
  const why = await whySoLong({ topology, plan, request: asked, measure, seed, simulate }).finally(() => bar.end())
  if (why === undefined) return host.signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted
  show(request, why, whyDocument(why))
  return exitCodes.ok
}
