/**
 * Seeded random streams. Each source of randomness (an arrival process, a step, a balancer) draws from a stream of its
 * own name, so that a change in one component does not reshuffle the others (common random numbers for what-if pairs).
 * sfc32 (C. Doty-Humphrey, PractRand), seeded by the name and the seed through a 128-bit string hash (cyrb128).
 */
import { type Distribution, lognormalSigma } from './distribution.js'

export interface RandomStream {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number
  /** Exponential with mean 1, by inversion. */
  exponential(): number
  /** Standard normal, by the polar method of Marsaglia. */
  normal(): number
  /** A sample in seconds. */
  sample(distribution: Distribution): number
}

const hash128 = (text: string): [number, number, number, number] => {
  let h1 = 1779033703
  let h2 = 3144134277
  let h3 = 1013904242
  let h4 = 2773480762
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i)
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067)
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233)
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213)
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179)
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067)
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233)
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213)
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179)
  return [h1 ^ h2 ^ h3 ^ h4, h2 ^ h1, h3 ^ h1, h4 ^ h1]
}

export const randomStream = (seed: number, name: string): RandomStream => {
  let [a, b, c, d] = hash128(`${seed}/${name}`)
  const next32 = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) next32()
  const uniform = (): number => ((next32() >>> 5) * 67108864 + (next32() >>> 6)) / 9007199254740992
  const exponential = (): number => -Math.log(1 - uniform())
  let spare = Number.NaN
  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const value = spare
      spare = Number.NaN
      return value
    }
    for (;;) {
      const u = 2 * uniform() - 1
      const v = 2 * uniform() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * Math.log(s)) / s)
        spare = v * factor
        return u * factor
      }
    }
  }
  /** Gamma with shape k and scale 1: Marsaglia and Tsang (2000); k < 1 by the boost U^(1/k). */
  const gamma = (k: number): number => {
    if (k < 1) return gamma(k + 1) * uniform() ** (1 / k)
    const m = k - 1 / 3
    const n = 1 / Math.sqrt(9 * m)
    for (;;) {
      const x = normal()
      const v = (1 + n * x) ** 3
      if (v > 0 && Math.log(1 - uniform()) < 0.5 * x * x + m - m * v + m * Math.log(v)) return m * v
    }
  }
  const sample = (distribution: Distribution): number => {
    switch (distribution.shape) {
      case 'exponential':
        return distribution.meanSeconds * exponential()
      case 'constant':
        return distribution.seconds
      case 'uniform':
        return distribution.lowSeconds + (distribution.highSeconds - distribution.lowSeconds) * uniform()
      case 'lognormal':
        return (
          distribution.p50Seconds *
          Math.exp(lognormalSigma(distribution.p50Seconds, distribution.p99Seconds) * normal())
        )
      case 'gamma': {
        if (distribution.cv === 0) return distribution.meanSeconds
        const k = 1 / distribution.cv ** 2
        return (distribution.meanSeconds * gamma(k)) / k
      }
    }
  }
  return { uniform, exponential, normal, sample }
}
