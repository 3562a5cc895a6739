import { describe, expect, it } from 'vitest'
import { type Distribution, lognormalSigma, meanSeconds, scv } from '../../src/lib/distribution.js'
import { RandomStream, randomStream, sampler } from '../../src/lib/random.js'

/** Regularised lower incomplete gamma function by its series; its lgamma by Stirling's after shifting. */
const incompleteGamma = (a: number, x: number): number => {
  if (x <= 0) return 0
  let shift = 0
  let z = a + 1
  for (; z < 12; z++) shift += Math.log(z)
  const logGamma = (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * z) - 1 / (360 * z ** 3) - shift
  let term = 1
  let sum = 1
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= x / (a + n)
    sum += term
  }
  return Math.exp(a * Math.log(x) - x - logGamma) * sum
}

const normalCdf = (x: number): number => 0.5 * (1 + Math.sign(x) * incompleteGamma(0.5, (x * x) / 2))

const cdf = (d: Distribution, x: number): number => {
  switch (d.shape) {
    case 'exponential':
      return 1 - Math.exp(-x / d.meanSeconds)
    case 'uniform':
      return (x - d.lowSeconds) / (d.highSeconds - d.lowSeconds)
    case 'lognormal':
      return normalCdf(Math.log(x / d.p50Seconds) / lognormalSigma(d.p50Seconds, d.p99Seconds))
    case 'gamma':
      return incompleteGamma(1 / d.cv ** 2, x / (d.meanSeconds * d.cv ** 2))
    case 'constant':
      return x < d.seconds ? 0 : 1
  }
}

/** √n times the largest distance of the empirical from the exact distribution: above 1.95 in one of a thousand samples. */
const kolmogorovSmirnov = (n: number, draw: () => number, exact: (x: number) => number): number => {
  const values = Float64Array.from({ length: n }, draw).sort()
  let distance = 0
  values.forEach((x, i) => {
    const p = exact(x)
    distance = Math.max(distance, p - i / n, (i + 1) / n - p)
  })
  return distance * Math.sqrt(n)
}

const n = 200_000

describe('the generator', () => {
  it('is sfc32: the numbers of the published algorithm from the state 1, 2, 3, 4', () => {
    const stream = new RandomStream(1, 2, 3, 4)
    const first = Array.from({ length: 8 }, () => stream.bits() >>> 0)
    expect(first).toEqual([0x7, 0x22, 0x3600060, 0xb421d78, 0xcc849c75, 0x17ce4c72, 0x2ed5fa36, 0xe51a5f05])
    for (let i = 8; i < 999; i++) stream.bits()
    expect(stream.bits() >>> 0).toBe(0x6be45dc0)
  })

  it('draws uniform numbers of 53 bits below 1, evenly in 256 cells of three consecutive ones', () => {
    const stream = randomStream(3, 'uniform')
    expect(
      kolmogorovSmirnov(
        n,
        () => stream.uniform(),
        (x) => x,
      ),
    ).toBeLessThan(1.95)
    const cells = new Float64Array(512)
    const triples = 512 * 400
    for (let i = 0; i < triples; i++) {
      const cell = Math.floor(stream.uniform() * 8) * 64 + Math.floor(stream.uniform() * 8) * 8
      const at = cell + Math.floor(stream.uniform() * 8)
      cells[at] = (cells[at] ?? 0) + 1
    }
    const chiSquare = cells.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0)
    // 511 degrees of freedom: mean 511, standard deviation 32.
    expect(Math.abs(chiSquare - 511)).toBeLessThan(3 * 32)
  })

  it('is the same for the same seed and name, and independent for other names and seeds', () => {
    const draw = (seed: number, name: string): number[] => {
      const stream = randomStream(seed, name)
      return Array.from({ length: n }, () => stream.exponential())
    }
    const one = draw(1, 'app/0')
    expect(draw(1, 'app/0')).toEqual(one)
    for (const other of [draw(1, 'app/1'), draw(2, 'app/0'), draw(-1, 'app/0')]) {
      const correlation = one.reduce((sum, x, i) => sum + (x - 1) * ((other[i] as number) - 1), 0) / n
      expect(Math.abs(correlation)).toBeLessThan(3.3 / Math.sqrt(n))
    }
    for (const lag of [1, 2, 3, 7]) {
      const own = one.slice(lag).reduce((sum, x, i) => sum + (x - 1) * ((one[i] as number) - 1), 0) / n
      expect(Math.abs(own)).toBeLessThan(3.3 / Math.sqrt(n))
    }
  })
})

describe('the ziggurat', () => {
  it('exponential: the exact distribution and the first four moments', () => {
    const stream = randomStream(1, 'exponential')
    expect(
      kolmogorovSmirnov(
        n,
        () => stream.exponential(),
        (x) => 1 - Math.exp(-x),
      ),
    ).toBeLessThan(1.95)
    const sums = [0, 0, 0, 0, 0]
    const draws = 4_000_000
    for (let i = 0; i < draws; i++) {
      const x = stream.exponential()
      for (let k = 1, power = x; k <= 4; k++, power *= x) sums[k] = (sums[k] ?? 0) + power
    }
    // k! ± 3.5 standard errors, from Var(Xᵏ) = (2k)! − (k!)².
    const factorial = [1, 1, 2, 6, 24, 120, 720, 5040, 40320]
    for (let k = 1; k <= 4; k++) {
      const mean = factorial[k] as number
      const error = Math.sqrt(((factorial[2 * k] as number) - mean ** 2) / draws)
      expect(Math.abs((sums[k] as number) / draws - mean)).toBeLessThan(3.5 * error)
    }
  })

  it('exponential: tails down to one in a million, on both sides', () => {
    const stream = randomStream(2, 'tail')
    const draws = 20_000_000
    const probabilities = [1e-2, 1e-3, 4e-4, 1e-4, 1e-5, 1e-6]
    const above = probabilities.map((p) => ({ p, bound: -Math.log(p), count: 0 }))
    const below = probabilities.map((p) => ({ p, bound: -Math.log1p(-p), count: 0 }))
    for (let i = 0; i < draws; i++) {
      const x = stream.exponential()
      if (x < 0.0101) for (const tail of below) if (x < tail.bound) tail.count++
      if (x > 4.6) for (const tail of above) if (x > tail.bound) tail.count++
    }
    for (const { p, count } of [...above, ...below])
      expect(Math.abs(count - draws * p)).toBeLessThan(3.5 * Math.sqrt(draws * p))
  })

  it('normal: the exact distribution, symmetry, and tails on both sides of where the layers end', () => {
    const stream = randomStream(4, 'normal')
    expect(kolmogorovSmirnov(n, () => stream.normal(), normalCdf)).toBeLessThan(1.95)
    const draws = 10_000_000
    let [mean, square, fourth] = [0, 0, 0]
    // P(|X| > x), e.g. Abramowitz and Stegun, table 26.1.
    const tails = [
      { bound: 2, p: 0.0455002639 },
      { bound: 3, p: 0.0026997961 },
      { bound: 3.6541528853610088, p: 2.5803e-4 },
      { bound: 4, p: 6.33425e-5 },
      { bound: 4.5, p: 6.79535e-6 },
    ].map((tail) => ({ ...tail, left: 0, right: 0 }))
    for (let i = 0; i < draws; i++) {
      const x = stream.normal()
      mean += x
      square += x * x
      fourth += x ** 4
      if (x > 2) for (const tail of tails) if (x > tail.bound) tail.right++
      if (x < -2) for (const tail of tails) if (x < -tail.bound) tail.left++
    }
    expect(Math.abs(mean / draws)).toBeLessThan(3.5 / Math.sqrt(draws))
    expect(Math.abs(square / draws - 1)).toBeLessThan(3.5 * Math.sqrt(2 / draws))
    expect(Math.abs(fourth / draws - 3)).toBeLessThan(3.5 * Math.sqrt(96 / draws))
    for (const { p, left, right } of tails)
      for (const count of [left, right])
        expect(Math.abs(count - (draws * p) / 2)).toBeLessThan(3.5 * Math.sqrt((draws * p) / 2))
  })
})

const shapes: readonly Distribution[] = [
  { shape: 'exponential', meanSeconds: 0.2 },
  { shape: 'gamma', meanSeconds: 3, cv: 0.05 },
  { shape: 'gamma', meanSeconds: 2, cv: 0.5 },
  { shape: 'gamma', meanSeconds: 0.1, cv: 1 },
  { shape: 'gamma', meanSeconds: 0.1, cv: 2 },
  { shape: 'lognormal', p50Seconds: 0.02, p99Seconds: 0.06 },
  { shape: 'uniform', lowSeconds: 0.25, highSeconds: 4 },
]

describe('the shapes of the language', () => {
  it.each(shapes)('%j has its exact distribution, mean and variance', (shape) => {
    const stream = randomStream(5, JSON.stringify(shape))
    const made = sampler(shape)
    const draw = (): number => stream.draw(made)
    expect(kolmogorovSmirnov(n, draw, (x) => cdf(shape, x))).toBeLessThan(1.95)
    const mean = meanSeconds(shape)
    let [sum, squares] = [0, 0]
    const draws = 1_000_000
    for (let i = 0; i < draws; i++) {
      const x = draw() / mean
      sum += x
      squares += (x - 1) ** 2
    }
    expect(Math.abs(sum / draws - 1)).toBeLessThan(3.5 * Math.sqrt(scv(shape) / draws))
    expect(squares / draws / scv(shape)).toBeCloseTo(1, 1)
  })

  it('a constant, and shapes that have shrunk to one', () => {
    const stream = randomStream(6, 'constant')
    expect(stream.sample({ shape: 'constant', seconds: 0.3 })).toBe(0.3)
    expect(stream.sample({ shape: 'gamma', meanSeconds: 0.3, cv: 0 })).toBe(0.3)
    expect(stream.sample({ shape: 'uniform', lowSeconds: 2, highSeconds: 2 })).toBe(2)
    expect(stream.sample({ shape: 'lognormal', p50Seconds: 2, p99Seconds: 2 })).toBe(2)
    expect(stream.sample({ shape: 'exponential', meanSeconds: 0 })).toBe(0)
  })

  it('a sampler draws what `sample` draws', () => {
    for (const shape of shapes) {
      const one = randomStream(7, 'same')
      const other = randomStream(7, 'same')
      const made = sampler(shape)
      for (let i = 0; i < 1000; i++) expect(one.draw(made)).toBe(other.sample(shape))
    }
  })
})
