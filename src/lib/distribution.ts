/**
 * Shapes of work times. All values are seconds, ≥ 0. `mean` and `scv` are what queueing formulas take; sampling is in
 * `random.ts`.
 */
export type Distribution =
  | { readonly shape: 'exponential'; readonly meanSeconds: number }
  | { readonly shape: 'gamma'; readonly meanSeconds: number; readonly cv: number }
  | { readonly shape: 'lognormal'; readonly p50Seconds: number; readonly p99Seconds: number }
  | { readonly shape: 'constant'; readonly seconds: number }
  | { readonly shape: 'uniform'; readonly lowSeconds: number; readonly highSeconds: number }

/** The 99 % quantile of the standard normal distribution. */
export const z99 = 2.3263478740408408

/** σ of the underlying normal of a lognormal given by its median and 99th percentile: ln(p99/p50)/z₀.₉₉. */
export const lognormalSigma = (p50Seconds: number, p99Seconds: number): number =>
  p50Seconds > 0 ? Math.log(p99Seconds / p50Seconds) / z99 : 0

/** Mean in seconds. Lognormal: p50 · e^(σ²/2). */
export const meanSeconds = (d: Distribution): number => {
  switch (d.shape) {
    case 'exponential':
    case 'gamma':
      return d.meanSeconds
    case 'constant':
      return d.seconds
    case 'uniform':
      return (d.lowSeconds + d.highSeconds) / 2
    case 'lognormal':
      return d.p50Seconds * Math.exp(lognormalSigma(d.p50Seconds, d.p99Seconds) ** 2 / 2)
  }
}

/** Squared coefficient of variation, Var/mean². Lognormal: e^(σ²) − 1. */
export const scv = (d: Distribution): number => {
  switch (d.shape) {
    case 'exponential':
      return 1
    case 'gamma':
      return d.cv ** 2
    case 'constant':
      return 0
    case 'uniform': {
      const mean = meanSeconds(d)
      return mean > 0 ? (d.highSeconds - d.lowSeconds) ** 2 / 12 / mean ** 2 : 0
    }
    case 'lognormal':
      return Math.exp(lognormalSigma(d.p50Seconds, d.p99Seconds) ** 2) - 1
  }
}

/** The same shape with its mean multiplied by `factor`. */
export const scaled = (d: Distribution, factor: number): Distribution => {
  switch (d.shape) {
    case 'exponential':
      return { shape: 'exponential', meanSeconds: d.meanSeconds * factor }
    case 'gamma':
      return { shape: 'gamma', meanSeconds: d.meanSeconds * factor, cv: d.cv }
    case 'constant':
      return { shape: 'constant', seconds: d.seconds * factor }
    case 'uniform':
      return { shape: 'uniform', lowSeconds: d.lowSeconds * factor, highSeconds: d.highSeconds * factor }
    case 'lognormal':
      return { shape: 'lognormal', p50Seconds: d.p50Seconds * factor, p99Seconds: d.p99Seconds * factor }
  }
}

/** `{cpu, wait}` of a step: `cpu` shares the cores of the host that it runs on, `wait` does not. */
export interface Work {
  readonly cpu?: Distribution
  readonly wait?: Distribution
}
