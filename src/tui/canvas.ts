/** Cells of a chart: a filled area for what was measured, dashes for what was predicted, also where they lie within the area. */
import type { Glyphs } from './style.js'

export type CellKind = 'measured' | 'predicted' | 'during' | 'empty'

/** Neighbouring cells of one kind, so that they are painted at once. */
export interface Run {
  readonly text: string
  readonly kind: CellKind
}

type Heights = readonly (number | null)[]

export class Canvas {
  /** By column, in parts of a cell from the bottom; undefined: nothing was measured. */
  readonly #filled: (number | undefined)[] = []
  /** By column, the place of the dash from the top. */
  readonly #dashes: (number | undefined)[] = []
  readonly #verticals = new Set<number>()

  constructor(
    private readonly columns: number,
    private readonly height: number,
    private readonly glyphs: Glyphs,
  ) {}

  /** A line from top to bottom, behind the others. */
  vertical(column: number): void {
    this.#verticals.add(column)
  }

  /** A height (0…1) for each column. What was measured is to be seen even where it is 0. */
  measure(heights: Heights): void {
    const most = this.glyphs.levels.length * this.height
    for (const [column, height] of heights.entries())
      this.#filled[column] = height === null ? undefined : Math.max(1, Math.round(height * most))
  }

  /** The same; every other column is drawn. */
  predict(heights: Heights): void {
    const last = this.glyphs.dashes.length * this.height - 1
    for (let column = 0; column < this.columns; column += 2) {
      const height = heights[column]
      this.#dashes[column] = height === null || height === undefined ? undefined : Math.round((1 - height) * last)
    }
  }

  rows(): readonly (readonly Run[])[] {
    return Array.from({ length: this.height }, (_, row) => {
      const runs: { text: string; kind: CellKind }[] = []
      for (let column = 0; column < this.columns; column++) {
        const cell = this.#cell(row, column)
        const run = runs.at(-1)
        if (run?.kind === cell.kind) run.text += cell.text
        else runs.push(cell)
      }
      return runs
    })
  }

  #cell(row: number, column: number): { text: string; kind: CellKind } {
    const { dashes, levels, during } = this.glyphs
    const dash = this.#dashes[column]
    if (dash !== undefined && Math.floor(dash / dashes.length) === row)
      return { text: dashes[dash % dashes.length] ?? '', kind: 'predicted' }
    const below = (this.height - 1 - row) * levels.length
    const filled = Math.min(levels.length, (this.#filled[column] ?? 0) - below)
    if (filled > 0) return { text: levels[filled - 1] ?? '', kind: 'measured' }
    return this.#verticals.has(column) ? { text: during, kind: 'during' } : { text: ' ', kind: 'empty' }
  }
}
