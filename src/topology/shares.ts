import type { Path } from '../lib/document/nodes.js'
import { report, type Scope } from './scope.js'

/** Three thirds written as 33.3% are meant to be the whole. */
const tolerance = 0.001 + 1e-9

/**
 * Shares that must sum to 100 %, made to sum to exactly 1. When one of them could not be read, nothing is said of the
 * sum: its mistake was reported already.
 */
export const normalizedShares = (
  scope: Pick<Scope, 'reader'>,
  shares: readonly (number | undefined)[],
  at: Path,
  what: string,
): readonly number[] => {
  if (shares.length === 0) return []
  const known = shares.filter((share) => share !== undefined)
  if (known.length < shares.length) return shares.map((share) => share ?? 0)
  const sum = known.reduce((total, share) => total + share, 0)
  if (Math.abs(sum - 1) > tolerance) {
    report(scope, at, `${what} sum to ${exact(sum)}, not 100%`, `they are ${known.map(exact).join(' + ')}`)
    return known
  }
  return known.map((share) => share / sum)
}

const exact = (ratio: number): string =>
  Number.isInteger(Math.round(ratio * 1e6) / 1e4)
    ? `${Math.round(ratio * 100)}%`
    : `${Number((ratio * 100).toFixed(3))}%`
