/** What the rows of a check have in common. */
import type { Placement } from '../../../result/placement.js'
import type { RunResult } from '../../../result/run-result.js'
import type { Topology } from '../../../topology/types.js'
import type { Solved } from '../network/solve.js'
import type { Judged, Judgements } from './judge.js'
import type { CheckRow } from './types.js'

export interface Context {
  readonly result: RunResult
  readonly topology: Topology
  readonly placement: Placement
  readonly solved: Solved
  readonly judgements: Judgements
}

/** Before it is compared. */
export type Row = Omit<CheckRow, 'difference' | 'inside' | 'basis' | 'theory' | 'formula' | 'why'> & {
  readonly theory: number
  readonly judged: Judged
}

export const widthOf = (
  of: { readonly halfWidth?: Readonly<Record<string, number>> } | undefined,
  path: string,
): number | null => of?.halfWidth?.[path] ?? null

/** What operational laws say holds of any distribution. */
export const law = (formula: string): Judged => ({ formula, why: undefined })

/** Of several things that a quantity rests on: exact if all are. */
export const together = (all: readonly Judged[]): Judged => {
  const formulas = [...new Set(all.map(({ formula }) => formula))]
  const why = all.find((each) => each.why !== undefined)?.why
  return {
    formula: formulas.length === 1 ? (formulas[0] ?? '') : why === undefined ? 'Jackson/BCMP network' : 'decomposition',
    why,
  }
}
