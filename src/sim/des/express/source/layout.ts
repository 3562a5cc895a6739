/**
 * What a generated program keeps its numbers in: doubles `F[…]` and integers `N[…]`, whose places are fixed when its source is
 * written. Both arrays are constants of the program, so that V8 compiles `F[7]` to one access of memory, without a test. What
 * others read or change between two runs of the program is bound to where they keep it: taken over before a run, put back after it.
 */

/** The place of a number in a source: of the member with this index, a number or an expression. */
export type Cell = (index?: number | string) => string

/** Doubles and integers. */
export type Memory = 'F' | 'N'

/** Where `N` says which row is free; that row tells the next. −1: none is. */
export const firstFree = 0

export class Layout {
  readonly sizes: Record<Memory, number> = { F: 0, N: firstFree + 1 }
  /** Statements that take over what others may have changed, and that put back what others may read. */
  readonly loads: string[] = []
  readonly saves: string[] = []
  /** Before the first run; elsewhere it is 0. */
  readonly initial: Record<Memory, { readonly cell: number; readonly value: number }[]> = { F: [], N: [] }
  /** Objects that the program calls, or whose typed arrays it uses. */
  readonly handles: unknown[] = []
  private readonly arrays = new Map<Float64Array, string>()
  private readonly known = new Map<unknown, Map<string, Cell>>()

  /** Numbers of the program's own. */
  own(memory: Memory, values: readonly number[]): Cell {
    const first = this.sizes[memory]
    this.sizes[memory] += values.length
    for (const [i, value] of values.entries()) if (value !== 0) this.initial[memory].push({ cell: first + i, value })
    return cellOf(memory, first, values.length)
  }

  /** A field of each of these objects, which others may read and set. */
  field<K extends string | number>(memory: Memory, owners: readonly Record<K, number>[], field: K): Cell {
    const [owner] = owners
    const shared = owners.every((each) => each === owner) ? owners.slice(0, 1) : owners
    return this.once(owner, `${memory}.${field}/${shared.length}`, () => {
      const cell = this.own(
        memory,
        shared.map(() => 0),
      )
      for (const [i, each] of shared.entries()) this.bind(cell(i), this.property(each, field))
      return cell
    })
  }

  /** A typed array that others use, too: a constant while the program runs. */
  array(array: Float64Array): string {
    const known = this.arrays.get(array) ?? `A${this.arrays.size}`
    this.arrays.set(array, known)
    return known
  }

  private bind(cell: string, property: string): void {
    this.loads.push(`${cell} = ${property}`)
    this.saves.push(`${property} = ${cell}`)
  }

  /** Fields are named by this program's sources, never by its input. */
  private property(owner: object, field: string | number): string {
    return typeof field === 'number' ? `${this.handle(owner)}[${field}]` : `${this.handle(owner)}.${field}`
  }

  /** The name of an object: `H[3]`. */
  handle(object: unknown): string {
    let index = this.handles.indexOf(object)
    if (index < 0) index = this.handles.push(object) - 1
    return `H[${index}]`
  }

  /** Declares what `array` has named. */
  declarations(): string {
    return [...this.arrays].map(([array, name]) => `const ${name} = ${this.handle(array)}`).join('\n')
  }

  /** What is made once for the owner. */
  once(owner: unknown, what: string, make: () => Cell): Cell {
    const cells = this.known.get(owner) ?? new Map<string, Cell>()
    this.known.set(owner, cells)
    const cell = cells.get(what) ?? make()
    cells.set(what, cell)
    return cell
  }
}

const cellOf =
  (memory: Memory, first: number, length: number): Cell =>
  (index = 0) => {
    if (length === 1) return `${memory}[${first}]`
    if (typeof index === 'number') return `${memory}[${first + index}]`
    return first === 0 ? `${memory}[${index}]` : `${memory}[${first} + ${index}]`
  }
