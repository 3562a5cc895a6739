import { mm1 } from './mmc.js'

/**
 * Mean response of a request that forks to `branches` equal M/M/1 stations and waits for all of them. Two: exact,
 * (12 − ρ)/8 · R₁. More: Nelson and Tantawi's approximation, R_n = [H(n)/H(2) + 4/11·(1 − H(n)/H(2))·ρ]·R₂, within 5 %.
 * Source: Flatto & Hahn (1984); R. Nelson and A. N. Tantawi, IEEE Trans. Computers 37(6), 1988.
 */
export const forkJoinResponse = (branches: number, arrivalRatePerSecond: number, serviceSeconds: number): number => {
  const { utilization: rho, responseSeconds } = mm1(arrivalRatePerSecond, serviceSeconds)
  return branches <= 1 || rho >= 1 ? responseSeconds : responseSeconds * relativeJoin(branches, rho)
}

const harmonic = (n: number): number => {
  let sum = 0
  for (let k = 1; k <= n; k++) sum += 1 / k
  return sum
}

/** R_n/R₁ */
const relativeJoin = (branches: number, utilization: number): number => {
  const ratio = harmonic(branches) / harmonic(2)
  return ((ratio + (4 / 11) * (1 - ratio) * utilization) * (12 - utilization)) / 8
}

/**
 * What the join waits beyond one branch, over what it would wait for as many independent ones, H(n) − 1: 1 − ρ/4 for two. Branches arrive together and find queues
 * that are alike.
 */
export const forkDependence = (branches: number, utilization: number): number =>
  branches <= 1 ? 1 : (relativeJoin(branches, utilization) - 1) / (harmonic(branches) - 1)
