/** How often each of `n` keys is asked for. `zipf(s)`: the key of rank k has weight k^−s. */
export type Popularity = { readonly law: 'uniform' } | { readonly law: 'zipf'; readonly exponent: number }

/**
 * Keys 0…n−1 by their popularity (key 0 is the most popular), from one uniform number each, in constant time. Shared by the
 * simulator, the load generator and the workload service, so that all ask for the same keys.
 */
export interface KeyTable {
  /** The key for `u` uniform in [0, 1). */
  draw(u: number): number
}

export const keyTable = (popularity: Popularity, n: number): KeyTable =>
  popularity.law === 'uniform' || n === 1 || popularity.exponent === 0
    ? new EqualKeys(n)
    : new AliasTable(new Float64Array(n).map((_, k) => (k + 1) ** -popularity.exponent))

class EqualKeys implements KeyTable {
  constructor(private readonly keys: number) {}

  draw(u: number): number {
    return Math.floor(u * this.keys)
  }
}

/**
 * The alias method: column i holds index i up to its threshold and one other index above (A. J. Walker 1977; built in linear
 * time by M. D. Vose, "A Linear Algorithm for Generating Random Numbers with a Given Distribution", 1991).
 */
export class AliasTable implements KeyTable {
  /**
   * Two numbers per column, side by side in memory, for a draw is a jump to anywhere: of column i, i + its own part (so that one comparison
   * decides), and as an integer the other index.
   */
  private readonly thresholds: Float64Array
  private readonly others: Int32Array
  private readonly columns: number

  /** `weights`: at least one, none negative, their sum above 0; they need not sum to 1. */
  constructor(weights: Float64Array) {
    const n = weights.length
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / n
    const left = weights.map((weight) => weight / mean)
    this.columns = n
    this.thresholds = new Float64Array(2 * n)
    this.others = new Int32Array(this.thresholds.buffer)
    for (let i = 0; i < n; i++) {
      this.thresholds[2 * i] = i + 1
      this.others[4 * i + 2] = i
    }
    // Columns below the mean from the front, those above from the back.
    const work = new Int32Array(n)
    let poor = 0
    let rich = n
    for (let i = 0; i < n; i++) {
      if ((left[i] as number) < 1) work[poor++] = i
      else work[--rich] = i
    }
    while (poor > 0 && rich < n) {
      const to = work[--poor] as number
      const from = work[rich] as number
      const own = left[to] as number
      this.thresholds[2 * to] = to + own
      this.others[4 * to + 2] = from
      const rest = (left[from] as number) - (1 - own)
      left[from] = rest
      if (rest < 1) {
        rich++
        work[poor++] = from
      }
    }
  }

  draw(u: number): number {
    const x = u * this.columns
    const column = Math.floor(x)
    return x < (this.thresholds[2 * column] as number) ? column : (this.others[4 * column + 2] as number)
  }
}
