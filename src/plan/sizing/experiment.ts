/** The experiment by which a plan is verified: its load, steady, after a warm-up. */
import type { Topology } from '../../topology/types.js'
import { predict } from '../prediction.js'
import { solveAt } from './solved.js'
import { decimal, type SizedLoad } from './target.js'

export interface ProofTimes {
  /** Measured. */
  readonly seconds: number
  readonly warmupSeconds: number
}

/** Requests that a simulation measures, as long as the longest of them fits twenty times. */
const requests = { quick: 40_000, proof: 60_000 }

/** Long enough for what is slow, and no longer: a quick look is to take seconds. */
export const proofSeconds = (load: SizedLoad, topology: Topology, proof: boolean): ProofTimes => {
  const operation = solveAt({ topology, ratePerSecond: load.ratePerSecond })
  const longest = Math.max(
    0,
    ...Object.values(operation.topology.requests).flatMap((request) =>
      ['latency.mean', 'completion.mean'].map((path) => {
        const mean = predict(operation, request, path) ?? 0
        return Number.isFinite(mean) ? mean : 0
      }),
    ),
  )
  const seconds = Math.max(5, 20 * longest, Math.min(300, requests[proof ? 'proof' : 'quick'] / load.ratePerSecond))
  return {
    seconds: Math.ceil(seconds),
    warmupSeconds: Math.ceil(Math.max(2, 5 * longest, 2 * (load.thinkSeconds ?? 0))),
  }
}

/** `file`: the path of the topology. */
export const steadyExperiment = (load: SizedLoad, file: string, times: ProofTimes, seed: number): string => {
  const hold = load.users === null ? `${decimal(load.ratePerSecond)}/s` : String(load.users)
  return `apiVersion: plimsoll/v1
kind: Experiment
name: sizing
topology: ${JSON.stringify(file)}
seed: ${seed}
load:
  mode: ${load.users === null ? 'open' : 'closed'}
  stages: [{ hold: ${hold}, for: ${times.seconds + times.warmupSeconds}s }]
warmup: ${times.warmupSeconds}s
`
}
