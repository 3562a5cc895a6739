/** `plimsoll plan --target`: searched by queueing theory, verified by simulation. */
import { resolve } from 'node:path'
import { engineRegistry } from '../catalog/index.js'
import type { PriceList } from '../catalog/prices/list.js'
import { parseSetting } from '../lib/document/settings.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { proofSeconds, steadyExperiment } from '../plan/sizing/experiment.js'
import { describe, type Outcome, type SizingInput, settingsOf, size } from '../plan/sizing/sizing.js'
import { parseTarget } from '../plan/sizing/target.js'
import { type Simulate, verified } from '../plan/sizing/verify.js'
import { renderMarkdown, renderText } from '../report/document.js'
import { paintFor } from '../report/paint.js'
import { sizingDocument } from '../report/sizing.js'
import { replicationPlan } from '../run/replications.js'
import { simulateAll } from '../run/simulate-all.js'
import { readTopologyFile } from '../system/files.js'
import { cores } from '../system/proc.js'
import { parseTopology } from '../topology/parse.js'
import { progressBar } from './bar.js'
import type { Invocation } from './command.js'
import { printJson } from './json.js'

/** Of the proof. */
const proofReplications = 20

const seed = 1

/** What is not reached, or does not hold when it is simulated, ends with 4. */
export const planTarget = async ({ args, options, host }: Invocation, prices: PriceList): Promise<ExitCode> => {
  const [file = ''] = args
  const target = parseTarget(String(options.target))
  const given = [options.set ?? []].flat().map((text) => parseSetting(String(text)))
  const source = await readTopologyFile(resolve(host.cwd, file), { file })
  const { text, ...place } = source
  const parse: SizingInput['parse'] = (settings) =>
    parseTopology(text, {
      ...place,
      registry: engineRegistry,
      settings: [...given, ...settings.map((setting) => parseSetting(setting))],
    })
  const input: SizingInput = { topology: parse([]), parse, target, prices }
  const outcome = size(input)
  const replications = options.prove === true ? proofReplications : 1
  const bar = progressBar(host)
  const simulate: Simulate = async (load, topologies, times) => {
    const total = topologies.length * replications
    try {
      return await simulateAll({
        source: {
          topology: source,
          experiment: { file: '--target', text: steadyExperiment(load, file, times, seed), traces: {} },
          durationSeconds: times.seconds,
        },
        points: topologies.map((topology) => ({
          settings: [
            ...given,
            ...[...load.settings, ...settingsOf(input, topology)].map((setting) => parseSetting(setting)),
          ],
          seed,
        })),
        plan: replicationPlan(replications, undefined),
        threads: cores,
        signal: host.signal,
        now: host.now,
        onProgress: (played) => bar.draw(played / total, `${Math.floor(played)} of ${total} simulations`),
      })
    } finally {
      bar.end()
    }
  }
  const made = await verified(input, outcome, {
    simulate,
    replications,
    seed,
    times: (load, topology) => proofSeconds(load, topology, replications > 1),
    decrements: options.prove === true,
  })
  if (made === undefined) return host.signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted
  const plan = describe(input, made.outcome, made)
  if (options.json === true) printJson(host, plan)
  else if (options.md === true) host.stdout.write(renderMarkdown(sizingDocument(plan)))
  else
    host.stdout.write(
      renderText(sizingDocument(plan), {
        columns: Math.min(host.stdout.columns, 100),
        paint: paintFor(host.stdout.color),
      }),
    )
  return holds(made.outcome, plan.plan?.verification?.holds) ? exitCodes.ok : exitCodes.doesNotHold
}

const holds = (outcome: Outcome, simulated: boolean | undefined): boolean => outcome.reached && simulated === true
