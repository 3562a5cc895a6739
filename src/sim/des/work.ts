/** A time that a step takes, drawn anew for each visit (hot path: into a cell, so that no number is boxed). */
import { type Distribution, lognormalSigma } from '../../lib/distribution.js'
import { type RandomStream, type Sampler, sampler } from '../../lib/random.js'

const exponential = 0
const constant = 1
const lognormal = 2
const other = 3

export class Work {
  private kind = other
  private scale = 0
  private sigma = 0
  private sampler: Sampler
  /** Done in the same go: what a visit costs on top of its step. */
  onTop: Work | undefined = undefined
  /** What was drawn last, in seconds, without what comes on top. */
  readonly part = new Float64Array(1)

  constructor(
    readonly stream: RandomStream,
    distribution: Distribution,
  ) {
    this.sampler = sampler(distribution)
    this.become(distribution)
  }

  /** Demand may change with the load. */
  become(distribution: Distribution): void {
    this.sampler = sampler(distribution)
    switch (distribution.shape) {
      case 'exponential':
        this.kind = exponential
        this.scale = distribution.meanSeconds
        break
      case 'constant':
        this.kind = constant
        this.scale = distribution.seconds
        break
      case 'lognormal':
        this.kind = lognormal
        this.scale = distribution.p50Seconds
        this.sigma = lognormalSigma(distribution.p50Seconds, distribution.p99Seconds)
        break
      default:
        this.kind = other
    }
  }

  /** How it is drawn; undefined: only `draw` knows. */
  get formula():
    | { readonly kind: 'exponential' | 'lognormal'; readonly scaleSeconds: number; readonly sigma: number }
    | undefined {
    const { kind, scale, sigma } = this
    if (kind === exponential) return { kind: 'exponential', scaleSeconds: scale, sigma }
    return kind === lognormal ? { kind: 'lognormal', scaleSeconds: scale, sigma } : undefined
  }

  /** A part, of whatever distribution. */
  draw(): number {
    return this.stream.draw(this.sampler)
  }

  into(cells: Float64Array, cell: number): void {
    const { kind, part } = this
    if (kind === exponential) part[0] = this.scale * this.stream.exponential()
    else if (kind === constant) part[0] = this.scale
    else if (kind === lognormal) part[0] = this.scale * Math.exp(this.sigma * this.stream.normal())
    else part[0] = this.stream.draw(this.sampler)
    if (this.onTop === undefined) cells[cell] = part[0] as number
    else {
      this.onTop.into(cells, cell)
      cells[cell] = (cells[cell] as number) + (part[0] as number)
    }
  }
}
