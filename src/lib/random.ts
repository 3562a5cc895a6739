/**
 * Hot: seeded random streams, integer state in fields, tables in typed arrays, no closures and no allocation per draw. Each
 * source of randomness (an arrival process, a step, a balancer) draws from a stream of its own name, so that a change in
 * one component does not reshuffle the others (common random numbers for what-if pairs).
 *
 * sfc32 (C. Doty-Humphrey, PractRand), seeded by the name and the seed through a 128-bit string hash (cyrb128).
 * Exponential and normal by the ziggurat method (G. Marsaglia, W. W. Tsang, "The Ziggurat Method for Generating Random
 * Variables", 2000) with 256 layers, and with separate bits for the layer and the place in it (J. A. Doornik, "An Improved
 * Ziggurat Method to Generate Normal Random Samples", 2005).
 */
import { type Distribution, lognormalSigma } from './distribution.js'

const layers = 256
/** 2⁻²⁴ */
const ulp24 = 5.9604644775390625e-8
/** 2⁻⁵³ */
const ulp53 = 1.1102230246251565e-16

/** Where the tail begins, and the area of each layer, for 256 layers (Marsaglia and Tsang). */
const exponentialTail = 7.69711747013105
const exponentialArea = 3.949659822581572e-3
const normalTail = 3.6541528853610088
const normalArea = 4.92867323399e-3

/**
 * Of layers of equal area under `density` (1 at 0, falling): right ends x₀ > x₁ = tail > … > x₂₅₆ = 0, where x₀ is that of a
 * rectangle with the area of the lowest layer and the tail; and the density there.
 */
const zigguratEnds = (
  tail: number,
  area: number,
  density: (x: number) => number,
  inverse: (y: number) => number,
): { readonly ends: Float64Array; readonly heights: Float64Array } => {
  const ends = new Float64Array(layers + 1)
  ends[0] = area / density(tail)
  ends[1] = tail
  for (let i = 2; i < layers; i++) {
    const below = ends[i - 1] as number
    ends[i] = inverse(area / below + density(below))
  }
  return { ends, heights: ends.map(density) }
}

const exponential = zigguratEnds(
  exponentialTail,
  exponentialArea,
  (x) => Math.exp(-x),
  (y) => -Math.log(y),
)
const normal = zigguratEnds(
  normalTail,
  normalArea,
  (x) => Math.exp(-0.5 * x * x),
  (y) => Math.sqrt(-2 * Math.log(y)),
)

/** Width of 2^−bits of a layer, and how many of these surely lie under the curve. */
const widths = (ends: Float64Array, bits: number): Float64Array => ends.map((end) => end / 2 ** bits)
const surelyInside = (ends: Float64Array, bits: number): Int32Array =>
  Int32Array.from({ length: layers }, (_, i) => Math.floor(((ends[i + 1] as number) / (ends[i] as number)) * 2 ** bits))

const exponentialHeights = exponential.heights
const exponentialWidths = widths(exponential.ends, 24)
const exponentialInside = surelyInside(exponential.ends, 24)
const normalHeights = normal.heights
const normalWidths = widths(normal.ends, 23)
const normalInside = surelyInside(normal.ends, 23)

/** By layer: the width of a place (of 2²⁴ or, of normals, 2²³ with a sign), and how many of these lie surely under the curve. */
export const ziggurat = { exponentialWidths, exponentialInside, normalWidths, normalInside } as const

const kinds = { constant: 0, exponential: 1, uniform: 2, lognormal: 3, gamma: 4, boostedGamma: 5 } as const
type SamplerKind = (typeof kinds)[keyof typeof kinds]

/** A distribution made ready for drawing: what needs a root or a logarithm is computed once. */
export class Sampler {
  constructor(
    readonly kind: SamplerKind,
    /** Seconds. */
    readonly scale: number,
    /** Lowest value in seconds, σ, or d of the gamma's algorithm. */
    readonly a = 0,
    /** c of the gamma's algorithm. */
    readonly b = 0,
    /** 1/k of a gamma with shape k < 1. */
    readonly power = 0,
  ) {}
}

export const sampler = (distribution: Distribution): Sampler => {
  switch (distribution.shape) {
    case 'exponential':
      return new Sampler(kinds.exponential, distribution.meanSeconds)
    case 'constant':
      return new Sampler(kinds.constant, distribution.seconds)
    case 'uniform':
      return new Sampler(kinds.uniform, distribution.highSeconds - distribution.lowSeconds, distribution.lowSeconds)
    case 'lognormal': {
      const { p50Seconds, p99Seconds } = distribution
      return new Sampler(kinds.lognormal, p50Seconds, lognormalSigma(p50Seconds, p99Seconds))
    }
    case 'gamma':
      return gammaSampler(distribution.meanSeconds, distribution.cv)
  }
}

/** Shape k = 1/cv², scale mean·cv². */
const gammaSampler = (meanSeconds: number, cv: number): Sampler => {
  if (cv === 0) return new Sampler(kinds.constant, meanSeconds)
  const shape = 1 / cv ** 2
  const scale = meanSeconds * cv ** 2
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  return shape < 1 ? new Sampler(kinds.boostedGamma, scale, d, c, 1 / shape) : new Sampler(kinds.gamma, scale, d, c)
}

/** What a rare case has drawn: a number that a function returns without being inlined would be allocated. */
const edge = new Float64Array(1)

export class RandomStream {
  // Initialised, so that V8 keeps them as small integers from the first.
  private a = 0
  private b = 0
  private c = 0
  private d = 0

  /** The state of sfc32: four words of 32 bits. */
  constructor(a: number, b: number, c: number, d: number) {
    this.a = a | 0
    this.b = b | 0
    this.c = c | 0
    this.d = d | 0
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    const { a, b, c, d } = this
    const t = (a + b + d) | 0
    this.a = b ^ (b >>> 9)
    this.b = (c + (c << 3)) | 0
    this.c = (((c << 21) | (c >>> 11)) + t) | 0
    this.d = (d + 1) | 0
    return t
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const high = this.bits() >>> 5
    return (high * 67108864 + (this.bits() >>> 6)) * ulp53
  }

  /**
   * Exponential with mean 1. Of the 32 bits eight choose the layer and 24 the place in it; 24 bits of the state fill up the
   * places behind these, so that values do not repeat. 98.9 % of draws end here.
   */
  exponential(): number {
    const { a, b, c, d } = this
    const t = (a + b + d) | 0
    this.a = b ^ (b >>> 9)
    this.b = (c + (c << 3)) | 0
    this.c = (((c << 21) | (c >>> 11)) + t) | 0
    this.d = (d + 1) | 0
    const layer = t & 255
    const place = t >>> 8
    const x = (place + (c >>> 8) * ulp24) * (exponentialWidths[layer] as number)
    if (place < (exponentialInside[layer] as number)) return x
    this.exponentialEdge(layer, x)
    return edge[0] as number
  }

  /** Standard normal. As `exponential`, with one bit for the sign and 23 for the place. */
  normal(): number {
    const { a, b, c, d } = this
    const t = (a + b + d) | 0
    this.a = b ^ (b >>> 9)
    this.b = (c + (c << 3)) | 0
    this.c = (((c << 21) | (c >>> 11)) + t) | 0
    this.d = (d + 1) | 0
    const layer = t & 255
    const place = t >> 8
    const x = (place + (c >>> 8) * ulp24) * (normalWidths[layer] as number)
    if (Math.abs(place) < (normalInside[layer] as number)) return x
    this.normalEdge(layer, x)
    return edge[0] as number
  }

  /** A sample in seconds. */
  sample(distribution: Distribution): number {
    switch (distribution.shape) {
      case 'exponential':
        return distribution.meanSeconds * this.exponential()
      case 'constant':
        return distribution.seconds
      default:
        return this.draw(sampler(distribution))
    }
  }

  /** A sample in seconds; allocates nothing. */
  draw(from: Sampler): number {
    switch (from.kind) {
      case kinds.constant:
        return from.scale
      case kinds.exponential:
        return from.scale * this.exponential()
      case kinds.uniform:
        return from.a + from.scale * this.uniform()
      case kinds.lognormal:
        return from.scale * Math.exp(from.a * this.normal())
      case kinds.gamma:
        return from.scale * this.gamma(from.a, from.b)
      case kinds.boostedGamma:
        return from.scale * this.gamma(from.a, from.b) * Math.exp(-this.exponential() * from.power)
    }
  }

  /**
   * Gamma with shape d + 1/3 ≥ 1 and scale 1, c = 1/√(9d): G. Marsaglia and W. W. Tsang, "A Simple Method for Generating
   * Gamma Variables", 2000. A shape below 1 is that of one more, times U^(1/shape).
   */
  private gamma(d: number, c: number): number {
    for (;;) {
      const x = this.normal()
      const root = 1 + c * x
      if (root <= 0) continue
      const v = root * root * root
      const square = x * x
      const u = this.uniform()
      if (u < 1 - 0.0331 * square * square || Math.log(u) < 0.5 * square + d - d * v + d * Math.log(v)) return d * v
    }
  }

  /** The state, four words from `at` on: for code that keeps it in cells of its own and draws by itself (`sim/des/express`). */
  saveState(words: Int32Array, at: number): void {
    words[at] = this.a
    words[at + 1] = this.b
    words[at + 2] = this.c
    words[at + 3] = this.d
  }

  loadState(words: Int32Array, at: number): void {
    this.a = words[at] as number
    this.b = words[at + 1] as number
    this.c = words[at + 2] as number
    this.d = words[at + 3] as number
  }

  /** The rest of an `exponential` begun by such code, whose first layer and place in it were not enough. */
  exponentialRest(words: Int32Array, at: number, layer: number, x: number): number {
    this.loadState(words, at)
    this.exponentialEdge(layer, x)
    this.saveState(words, at)
    return edge[0] as number
  }

  /** As `exponentialRest`, of a `normal`. */
  normalRest(words: Int32Array, at: number, layer: number, x: number): number {
    this.loadState(words, at)
    this.normalEdge(layer, x)
    this.saveState(words, at)
    return edge[0] as number
  }

  // The rare cases of a ziggurat loop instead of starting again: as V8 inlines them, recursion would bloat the fast path.

  /** Near the curve, or in the tail, which is an exponential again. */
  private exponentialEdge(firstLayer: number, firstX: number): void {
    for (let layer = firstLayer, x = firstX; ; ) {
      if (layer === 0) {
        edge[0] = x < exponentialTail ? x : exponentialTail - Math.log(1 - this.uniform())
        return
      }
      edge[0] = x
      if (this.height(exponentialHeights, layer) < Math.exp(-x)) return
      const t = this.bits()
      const place = t >>> 8
      layer = t & 255
      x = (place + (this.c >>> 8) * ulp24) * (exponentialWidths[layer] as number)
      edge[0] = x
      if (place < (exponentialInside[layer] as number)) return
    }
  }

  /** The tail by G. Marsaglia, "Generating a Variable from the Tail of the Normal Distribution", 1964. */
  private normalEdge(firstLayer: number, firstX: number): void {
    for (let layer = firstLayer, x = firstX; ; ) {
      if (layer === 0) {
        edge[0] = Math.abs(x) < normalTail ? x : x < 0 ? -this.normalTail() : this.normalTail()
        return
      }
      edge[0] = x
      if (this.height(normalHeights, layer) < Math.exp(-0.5 * x * x)) return
      const t = this.bits()
      const place = t >> 8
      layer = t & 255
      x = (place + (this.c >>> 8) * ulp24) * (normalWidths[layer] as number)
      edge[0] = x
      if (Math.abs(place) < (normalInside[layer] as number)) return
    }
  }

  private normalTail(): number {
    for (;;) {
      const beyond = -Math.log(1 - this.uniform()) / normalTail
      if (-2 * Math.log(1 - this.uniform()) > beyond * beyond) return normalTail + beyond
    }
  }

  /** Of a point at random in the layer. */
  private height(heights: Float64Array, layer: number): number {
    const low = heights[layer] as number
    return low + this.uniform() * ((heights[layer + 1] as number) - low)
  }
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
  const stream = new RandomStream(...hash128(`${seed}/${name}`))
  for (let i = 0; i < 15; i++) stream.bits()
  return stream
}
