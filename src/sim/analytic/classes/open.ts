/**
 * Open networks of several classes in product form: stations are processor sharing, first come first served with one exponential service
 * time for all, or delays, and each behaves as if it were alone under Poisson arrivals. Mixed networks: closed classes see stations slowed down by the open ones.
 * Source: J. R. Jackson 1957, 1963; F. Baskett, K. M. Chandy, R. R. Muntz, F. G. Palacios, JACM 22(2), 1975; Lazowska et al., ch. 7.
 */
import { loadDependent, serversPace } from '../load-dependent.js'
import type { ClassAnswer, ClassNetwork, ClassStation } from './network.js'
import { closedNetwork } from './solve.js'

export interface OpenAnswer {
  /** By class; Infinity: it grows without bound. */
  readonly responseSeconds: readonly number[]
  readonly stations: readonly {
    readonly utilization: number
    readonly residenceSeconds: readonly number[]
    readonly inSystem: readonly number[]
  }[]
}

/** R(k, r) = D(k, r)·(1 + C(c, a)/(c − a)), a = Σ λ·D: for one server D/(1 − ρ). */
export const openNetwork = (
  arrivalRatesPerSecond: readonly number[],
  stations: readonly ClassStation[],
): OpenAnswer => {
  const solved = stations.map(({ servers, demandSeconds }) => {
    const offered = arrivalRatesPerSecond.reduce((sum, rate, r) => sum + rate * (demandSeconds[r] ?? 0), 0)
    const stretch =
      !Number.isFinite(servers) || offered === 0
        ? 1
        : loadDependent(offered, serversPace(1, servers)).inSystem / offered
    const residenceSeconds = demandSeconds.map((demand) => (demand > 0 ? demand * stretch : 0))
    return {
      utilization: Number.isFinite(servers) ? offered / servers : 0,
      residenceSeconds,
      inSystem: residenceSeconds.map((residence, r) =>
        residence > 0 ? residence * (arrivalRatesPerSecond[r] ?? 0) : 0,
      ),
    }
  })
  return {
    responseSeconds: arrivalRatesPerSecond.map((_, r) =>
      solved.reduce((sum, { residenceSeconds }) => sum + (residenceSeconds[r] ?? 0), 0),
    ),
    stations: solved,
  }
}

/**
 * Visits per arrival from routing probabilities: V = e + V·P, `entry[j]` where arrivals enter, `routing[i][j]` from i to j; what is left leaves.
 * Undefined: some customers never leave. Gaussian elimination.
 */
export const visitCounts = (
  entry: readonly number[],
  routing: readonly (readonly number[])[],
): readonly number[] | undefined => {
  const size = entry.length
  // (I − Pᵀ)·V = e
  const rows = entry.map((value, j) => [...entry.map((_, i) => (i === j ? 1 : 0) - (routing[i]?.[j] ?? 0)), value])
  for (let column = 0; column < size; column++) {
    let pivot = column
    for (let i = column + 1; i < size; i++)
      if (Math.abs(rows[i]?.[column] ?? 0) > Math.abs(rows[pivot]?.[column] ?? 0)) pivot = i
    const [chosen, replaced] = [rows[pivot], rows[column]]
    if (chosen === undefined || replaced === undefined || Math.abs(chosen[column] ?? 0) < 1e-12) return undefined
    rows[column] = chosen
    rows[pivot] = replaced
    for (const [i, row] of rows.entries()) {
      if (i === column) continue
      const factor = (row[column] ?? 0) / (chosen[column] ?? 1)
      for (let j = column; j <= size; j++) row[j] = (row[j] ?? 0) - factor * (chosen[j] ?? 0)
    }
  }
  return rows.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1))
}

/**
 * A mixed network: closed classes see demands D/(1 − ρ of the open classes), open classes D·(1 + Q of the closed ones)/(1 − ρ of
 * the open ones). Exact for stations of one server and delays, which are all that it takes.
 */
export const mixedNetwork = (
  arrivalRatesPerSecond: readonly number[],
  closed: ClassNetwork,
  /** By station, the demands of the open classes. */
  openDemandSeconds: readonly (readonly number[])[],
): { readonly closed: ClassAnswer; readonly openResponseSeconds: readonly number[] } => {
  const loads = openDemandSeconds.map((demands) =>
    demands.reduce((sum, demand, r) => sum + demand * (arrivalRatesPerSecond[r] ?? 0), 0),
  )
  const free = closed.stations.map(({ servers }, k) =>
    Number.isFinite(servers) ? Math.max(0, 1 - (loads[k] ?? 0)) : 1,
  )
  if (closed.stations.some(({ servers }) => Number.isFinite(servers) && servers !== 1))
    throw new RangeError('mixedNetwork: stations have one server, or are delays')
  const answer = closedNetwork({
    classes: closed.classes,
    stations: closed.stations.map(({ servers, demandSeconds }, k) => ({
      servers,
      demandSeconds: demandSeconds.map((demand) => (demand > 0 ? demand / (free[k] ?? 1) : 0)),
    })),
  })
  return {
    closed: answer,
    openResponseSeconds: arrivalRatesPerSecond.map((_, r) =>
      openDemandSeconds.reduce((sum, demands, k) => {
        const demand = demands[r] ?? 0
        if (demand === 0) return sum
        if (!Number.isFinite(closed.stations[k]?.servers ?? 1)) return sum + demand
        const queue = answer.stations[k]?.inSystem.reduce((all, value) => all + value, 0) ?? 0
        return sum + (demand * (1 + queue)) / (free[k] ?? 1)
      }, 0),
    ),
  }
}
