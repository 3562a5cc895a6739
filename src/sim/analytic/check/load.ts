/** The load that theory is told: one level, held for the whole measured time, or what comes closest to it. */
import type { Experiment, Stage } from '../../../experiment/types.js'
import { meanSeconds } from '../../../lib/distribution.js'
import { formatSeconds } from '../../../lib/units.js'
import type { Topology, Traffic } from '../../../topology/types.js'
import type { Caveat } from './types.js'

export interface TheoryLoad {
  /** The topology as the experiment loads it: its traffic, its mix. */
  readonly topology: Topology
  readonly text: string
  readonly caveats: readonly Caveat[]
}

/** A wave swings about its mean. */
const meanLevel = (stage: Stage): number => stage.wave?.mean ?? (stage.fromLevel + stage.toLevel) / 2

const isConstant = (stage: Stage): boolean =>
  stage.fromLevel === stage.toLevel && (stage.wave === undefined || stage.wave.amplitude === 0)

/** The parts of stages that lie in the measured time. */
const measuredStages = (stages: readonly Stage[], from: number, to: number) => {
  let begins = 0
  return stages.flatMap((stage) => {
    const start = begins
    begins += stage.durationSeconds
    const seconds = Math.min(begins, to) - Math.max(start, from)
    return seconds > 0 ? [{ stage, seconds }] : []
  })
}

const arrivalCaveat = (kind: Experiment['load']['arrivals']['kind']): readonly Caveat[] => {
  const why = {
    constant: 'arrivals at equal intervals wait less than the Poisson arrivals of the formulas',
    bursty: 'arrivals in bursts wait longer than the Poisson arrivals of the formulas',
    trace: 'recorded arrivals are no Poisson process',
  }
  return kind === 'poisson' ? [] : [{ what: `${kind} arrivals`, why: why[kind], basis: 'does-not-apply' }]
}

export const theoryLoad = (
  topology: Topology,
  experiment: Experiment,
  measured: { readonly from: number; readonly to: number },
): TheoryLoad => {
  const { load } = experiment
  const stages = measuredStages(load.stages, measured.from, measured.to)
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0)
  const level = seconds > 0 ? stages.reduce((sum, each) => sum + meanLevel(each.stage) * each.seconds, 0) / seconds : 0
  const [first] = stages
  const steady = stages.every(({ stage }) => isConstant(stage) && stage.fromLevel === first?.stage.fromLevel)
  const thinkTime = load.thinkTime ?? (topology.traffic?.mode === 'closed' ? topology.traffic.thinkTime : undefined)
  const traffic: Traffic =
    load.mode === 'open'
      ? { mode: 'open', ratePerSecond: level }
      : { mode: 'closed', users: Math.round(level), thinkTime: thinkTime ?? { shape: 'constant', seconds: 0 } }
  const { mix } = load
  return {
    topology: {
      ...topology,
      traffic,
      requests:
        mix === undefined
          ? topology.requests
          : Object.fromEntries(
              Object.values(topology.requests).map((request) => [
                request.id,
                request.derivedFrom === undefined ? { ...request, share: mix[request.id] ?? 0 } : request,
              ]),
            ),
    },
    text:
      load.mode === 'open'
        ? `open, ${Number(level.toPrecision(6))}/s`
        : `closed, ${Math.round(level)} users who think ${formatSeconds(thinkOf(traffic))}`,
    caveats: [
      ...(steady
        ? []
        : [
            {
              what: 'a load that changes',
              why: 'theory is of one level held for ever; it was told the mean of the measured time',
              basis: 'does-not-apply' as const,
            },
          ]),
      ...(load.mode === 'open' ? arrivalCaveat(load.arrivals.kind) : []),
    ],
  }
}

const thinkOf = (traffic: Traffic): number => (traffic.mode === 'closed' ? meanSeconds(traffic.thinkTime) : 0)
