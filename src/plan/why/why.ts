/**
 * A percentile taken apart by what it would be without each cause, one at a time, under common random numbers: every variant is
 * simulated with the same seeds, each purpose drawing from a stream of its own, so that two variants differ by the cause and not
 * by chance (A. M. Law, Simulation Modeling and Analysis, 11.2). Parts of a percentile do not add up by themselves; what is left
 * is stated as their interaction.
 */
import { invalidInput } from '../../lib/errors.js'
import { studentT } from '../../lib/student-t.js'
import type { RunResult } from '../../result/run-result.js'
import { mergeReplications } from '../../result/statistics/replications.js'
import { causesOf } from '../../sim/without/causes.js'
import type { Topology } from '../../topology/types.js'
import type { CapacityPlan } from '../types.js'
import { lengthsOf, replications, type Simulate } from './lengths.js'
import type { Measure, Part, Why } from './types.js'

export interface WhyInput {
  readonly topology: Topology
  readonly plan: CapacityPlan
  readonly request: string
  readonly measure: Measure
  readonly seed: number
  readonly simulate: Simulate
}

/** A variant: the value of all replications together, and of each. */
interface Measured {
  readonly seconds: number
  readonly each: readonly number[]
  readonly result: RunResult
}

const nanosecond = 1e-9
const rounded = (seconds: number): number => Math.round(seconds / nanosecond) / 1e9

const halfWidth = (values: readonly number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return rounded(studentT(values.length - 1) * Math.sqrt(variance / values.length))
}

const part = (seconds: number, each: readonly number[]): Part => ({
  seconds: rounded(seconds),
  halfWidthSeconds: halfWidth(each),
})

/** Undefined: interrupted. Throws a PlimsollError where no request of the class succeeds. */
export const whySoLong = async (input: WhyInput): Promise<Why | undefined> => {
  const { topology, plan, request, measure, seed, simulate } = input
  const causes = causesOf(topology)
  const removals = [[], ...causes.map((cause) => [cause]), ...(causes.length > 1 ? [causes] : [])]
  const lengths = await lengthsOf(topology, plan, request, removals, simulate)
  if (lengths === undefined) return undefined
  const results = await simulate(
    removals.flatMap((without, index) =>
      Array.from({ length: replications }, (_, replication) => ({
        without,
        replication,
        durationSeconds: lengths[index]?.durationSeconds ?? 0,
        warmupSeconds: lengths[index]?.warmupSeconds ?? 0,
      })),
    ),
  )
  if (results === undefined) return undefined
  const variants = removals.map((without, index) =>
    measured(results.slice(index * replications, (index + 1) * replications), input, without.join(', ')),
  )
  const base = variants[0] as Measured
  const work = variants.at(-1) as Measured
  const parts = causes.map((cause, index) => {
    const { seconds, each } = variants[index + 1] as Measured
    return {
      cause,
      ...part(rounded(base.seconds) - rounded(seconds), differences(base.each, each)),
      withoutSeconds: rounded(seconds),
    }
  })
  const explained = parts.reduce((sum, { seconds }) => sum + seconds, rounded(work.seconds))
  const unexplained = base.each.map((value, replication) =>
    causes.reduce(
      (left, _, index) => left - (value - (variants[index + 1]?.each[replication] ?? 0)),
      value - (work.each[replication] ?? 0),
    ),
  )
  const { durationSeconds, warmupSeconds } = lengths[0] ?? { durationSeconds: 0, warmupSeconds: 0 }
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'Why',
    topology: { name: topology.name, digest: topology.digest },
    request,
    measure,
    seed,
    value: part(base.seconds, base.each),
    work: part(work.seconds, work.each),
    causes: parts,
    interaction: part(rounded(base.seconds) - explained, unexplained),
    samples: base.result.requests[request]?.ok ?? 0,
    replications,
    measuredSeconds: (durationSeconds - warmupSeconds) * replications,
    notes: notesOf(input, base),
  }
}

const differences = (from: readonly number[], less: readonly number[]): readonly number[] =>
  from.map((value, index) => value - (less[index] ?? 0))

const measured = (
  results: readonly RunResult[],
  { topology, request, measure }: WhyInput,
  without: string,
): Measured => {
  const secondsOf = (result: RunResult): number => {
    const seconds = result.requests[request]?.latency?.[measure]
    if (seconds !== undefined) return seconds
    throw invalidInput({
      message: `no request of "${request}" succeeds${without === '' ? '' : ` without ${without}`}: there is no time to take apart`,
      position: topology.source.locate(['requests', request]),
      hint: 'plimsoll simulate tells how they fail; less traffic with --set traffic.rate=…, or a class that is asked for more often',
    })
  }
  const result = mergeReplications(results)
  return { seconds: secondsOf(result), each: results.map(secondsOf), result }
}

const notesOf = ({ topology, plan, request }: WhyInput, { result }: Measured): readonly string[] => {
  const { completed = 0, ok = 0 } = result.requests[request] ?? {}
  const failed = completed > 0 ? 1 - ok / completed : 0
  return [
    ...(topology.traffic?.mode === 'open' && (plan.headroomRatio ?? 1) <= 0
      ? [
          'more is offered than the system carries: lines grow for as long as the traffic lasts, and so do these numbers',
        ]
      : []),
    ...(failed >= 0.001
      ? [`${(failed * 100).toFixed(1)} % of these requests fail; the times are those of the others`]
      : []),
  ]
}
