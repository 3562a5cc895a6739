import { mm1 } from './mmc.js'

/**
 * Mean response of a request that forks to `branches` equal M/M/1 stations and waits for all of them. Two: exact,
 * (12 − ρ)/8 · R₁. More: Nelson and Tantawi's approximation, R_n = [H(n)/H(2) + 4/11·(1 − H(n)/H(2))·ρ]·R₂, within 5 %.
 * Source: Flatto & Hahn (1984); R. Nelson and A. N. Tantawi, IEEE Trans. Computers 37(6), 1988.
 */
export const forkJoinResponse = (branches: number, arrivalRatePerSecond: number, serviceSeconds: number): number => {
  const { utilization: rho, responseSeconds } = mm1(arrivalRatePerSecond, serviceSeconds)
  if (branches <= 1 || rho >= 1) return responseSeconds
  const two = ((12 - rho) / 8) * responseSeconds
  let harmonic = 0
  for (let k = 1; k <= branches; k++) harmonic += 1 / k
  const ratio = harmonic / 1.5
  return (ratio + (4 / 11) * (1 - ratio) * rho) * two
}
