/** What a new calibration changes, entry by entry, against what the model believed before. */
import type { Calibrated, Calibration } from '../topology/calibration.js'
import { demandAt } from '../topology/calibration.js'
import { stepFacts } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import type { Estimates } from './moments.js'

export interface Difference {
  /** Path in calibration.yaml: `steps.get-route/0.cpu`. */
  readonly entry: string
  readonly unit: 'seconds' | 'ratio'
  /** From the earlier calibration, else as declared; null: nobody said. */
  readonly old: number | null
  readonly oldFrom: 'calibration' | 'topology' | null
  readonly new: number
  readonly halfWidth: number | null
  /** Executions or visits that it rests on; null for ratios. */
  readonly samples: number | null
}

/** A law's value at the highest load that it was measured at. */
export const representative = ({ demand }: Calibrated): number => {
  if (demand.law === 'power') return demand.seconds
  if (demand.law === 'table') return demand.points.at(-1)?.seconds ?? 0
  return demandAt(demand, 1)
}

export const differences = (topology: Topology, before: Calibration | undefined, after: Estimates): Difference[] => {
  const facts = stepFacts(topology)
  const row = (
    entry: string,
    old: Calibrated | undefined,
    declared: number | undefined,
    calibrated: Calibrated,
  ): Difference => ({
    entry,
    unit: 'seconds',
    old: old === undefined ? (declared ?? null) : representative(old),
    oldFrom: old !== undefined ? 'calibration' : declared !== undefined ? 'topology' : null,
    new: representative(calibrated),
    halfWidth: calibrated.halfWidthSeconds ?? null,
    samples: calibrated.samples,
  })
  return [
    ...Object.entries(after.components).flatMap(([id, calibrated]) => [
      row(`components.${id}`, before?.components[id], undefined, calibrated),
      ...kinds(`components.${id}`, before?.components[id], calibrated),
    ]),
    ...Object.entries(after.steps).flatMap(([id, { cpu, wait }]) => {
      const fact = facts.get(id)
      return [
        ...(cpu === undefined ? [] : [row(`steps.${id}.cpu`, before?.steps[id]?.cpu, fact?.cpuSeconds, cpu)]),
        ...(wait === undefined ? [] : [row(`steps.${id}.wait`, before?.steps[id]?.wait, fact?.waitSeconds, wait)]),
      ]
    }),
    ...surroundings(before, after),
    ...Object.entries(after.hitRatios).map(([id, ratio]): Difference => {
      const old = before?.hitRatios[id]
      return {
        entry: `hitRatios.${id}`,
        unit: 'ratio',
        old: old ?? null,
        oldFrom: old === undefined ? null : 'calibration',
        new: ratio,
        halfWidth: null,
        samples: null,
      }
    }),
  ]
}

/** Of visits of one kind, at the highest load. */
const kinds = (entry: string, before: Calibrated | undefined, after: Calibrated): Difference[] =>
  Object.entries(after.kinds ?? {}).map(([kind, { factor }]): Difference => {
    const old = before === undefined ? null : representative(before) * (before.kinds?.[kind]?.factor ?? 1)
    return {
      entry: `${entry}.kinds.${kind}`,
      unit: 'seconds',
      old,
      oldFrom: old === null ? null : 'calibration',
      new: representative(after) * factor,
      halfWidth: null,
      samples: null,
    }
  })

/** Of what no step and no component has: the lateness at the highest rate, and the two shares. */
const surroundings = (before: Calibration | undefined, after: Estimates): Difference[] => {
  const values = (of: Estimates | undefined) =>
    [
      ['lateness', 'seconds', of?.lateness?.at(-1)?.meanSeconds],
      ['aftermath', 'ratio', of?.aftermath],
      ['background', 'ratio', of?.background],
    ] as const
  const earlier = values(before)
  return values(after).flatMap(([entry, unit, value], i): Difference[] => {
    if (value === undefined) return []
    const old = earlier[i]?.[2] ?? null
    const oldFrom = old === null ? null : 'calibration'
    return [{ entry, unit, old, oldFrom, new: value, halfWidth: null, samples: null }]
  })
}
