/** Rows of columns that grow together, with the free ones kept for reuse (hot path). */
type Column = Int32Array | Float64Array

export const grown = <T extends Column>(column: T, length: number): T => {
  const larger = (column instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)) as T
  larger.set(column)
  return larger
}

export class Rows {
  private made = 0
  private freed = new Int32Array(16)
  private freedCount = 0

  constructor(
    /** Rows that the columns have room for. */
    private room: number,
    /** Makes the columns this long. */
    private readonly grow: (length: number) => void,
  ) {}

  /** In use. */
  get size(): number {
    return this.made - this.freedCount
  }

  take(): number {
    if (this.freedCount > 0) {
      this.freedCount -= 1
      return this.freed[this.freedCount] as number
    }
    if (this.made === this.room) {
      this.room *= 2
      this.grow(this.room)
    }
    const row = this.made
    this.made += 1
    return row
  }

  give(row: number): void {
    if (this.freedCount === this.freed.length) this.freed = grown(this.freed, this.freed.length * 2)
    this.freed[this.freedCount] = row
    this.freedCount += 1
  }
}
