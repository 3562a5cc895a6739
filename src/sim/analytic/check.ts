/**
 * Theory beside simulation: for each class, component, pool and shared host what the analytic solver says, what the run found with its
 * half-width, and where theory holds exactly, approximately, or not at all, each with the reason by name.
 */
import type { Experiment } from '../../experiment/types.js'
import type { Placement } from '../../result/placement.js'
import type { RunResult } from '../../result/run-result.js'
import type { Topology } from '../../topology/types.js'
import { caveatsOf } from './check/caveats.js'
import { judge } from './check/judge.js'
import { theoryLoad } from './check/load.js'
import { requestRows } from './check/request-rows.js'
import { componentRows, hostRows, poolRows } from './check/resource-rows.js'
import type { Context, Row } from './check/rows.js'
import type { Basis, Caveat, CheckRow, TheoryCheck } from './check/types.js'
import { type Solved, solveTopology } from './network/solve.js'
import { momentsOf } from './network/timing.js'

export type { Basis, Caveat, CheckRow, TheoryCheck } from './check/types.js'

/** Overload has no steady state: what does not grow without bound is then bounded by capacity, not by what is offered. */
const saturated = (solved: Solved): boolean =>
  solved.point.table.traffic === 'open' &&
  solved.classes.some(
    ({ tree, perRequest }) => perRequest > 0 && !Number.isFinite(momentsOf(tree, solved.point.timing).mean),
  )

/** A probability or a number that no simulation will ever see. */
const negligible = 1e-9

const finished = (row: Row, general: readonly Caveat[]): CheckRow => {
  const { theory, judged, ...rest } = row
  const finite = !Number.isFinite(theory) ? null : Math.abs(theory) < negligible ? 0 : theory
  const { simulated, halfWidth } = rest
  const worst = general.find(({ basis }) => basis === 'does-not-apply') ?? general[0]
  const basis: Basis =
    finite === null || worst?.basis === 'does-not-apply'
      ? 'does-not-apply'
      : worst !== undefined || judged.why !== undefined
        ? 'approximation'
        : 'exact'
  const why =
    finite === null
      ? 'theory says that it grows without bound'
      : worst?.basis === 'does-not-apply'
        ? worst.what
        : (judged.why ?? worst?.what)
  const { kind, subject, quantity, unit } = rest
  return {
    kind,
    subject,
    quantity,
    unit,
    theory: finite,
    simulated,
    halfWidth,
    difference: finite === null || finite === 0 || simulated === null ? null : simulated / finite - 1,
    inside:
      finite === null || simulated === null || halfWidth === null || isUnseen(simulated, halfWidth)
        ? null
        : Math.abs(simulated - finite) <= halfWidth + negligible,
    basis,
    formula: judged.formula,
    ...(basis === 'exact' || why === undefined ? {} : { why }),
  }
}

/** What never happened in a run varied in none of its batches: that interval of no width says nothing of how rare it is. */
const isUnseen = (simulated: number, halfWidth: number): boolean => simulated === 0 && halfWidth === 0

/** `placement`: where the run happened; the result knows. Pure: same inputs, same check. */
export const checkAgainstTheory = (
  result: RunResult,
  topology: Topology,
  experiment: Experiment,
  placement: Placement = result.placement,
): TheoryCheck => {
  const load = theoryLoad(topology, experiment, { from: result.warmupSeconds, to: result.durationSeconds })
  const { solved } = solveTopology(load.topology, placement, 'placed')
  const context: Context = {
    result,
    topology: load.topology,
    placement,
    solved,
    judgements: judge(solved, load.topology),
  }
  const caveats: readonly Caveat[] = [
    ...(saturated(solved)
      ? [
          {
            what: 'saturation',
            why: 'more is offered than can be carried: there is no steady state',
            basis: 'does-not-apply' as const,
          },
        ]
      : []),
    ...(solved.point.table.method === 'bound'
      ? [
          {
            what: 'a cap',
            why: 'something that is no station (a rate limit, a limit of connections) holds the throughput down',
            basis: 'does-not-apply' as const,
          },
        ]
      : []),
    ...load.caveats,
    ...caveatsOf(load.topology, experiment, result),
  ]
  const rows = [requestRows, componentRows, poolRows, hostRows]
    .flatMap((rowsOf) => rowsOf(context))
    .map((row) => finished(row, caveats))
  const exact = rows.filter(({ basis }) => basis === 'exact')
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'TheoryCheck',
    topology: result.topology,
    experiment: result.experiment,
    load: load.text,
    caveats,
    rows,
    summary: {
      exact: exact.length,
      inside: exact.filter(({ inside }) => inside === true).length,
      outside: exact.filter(({ inside }) => inside === false).length,
    },
  }
}
