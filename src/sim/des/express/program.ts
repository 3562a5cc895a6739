/**
 * Generated programs, compiled and with the memory that they run on. A program belongs to one run at a time; the next run of the
 * same shape takes it over, already optimized by V8. The memory is constant for the program (as in asm.js), which spares tests and
 * loads on every access: a run that needs more rows goes on with a program compiled anew for more.
 *
 * A source consists of the generator's own words, indices and operators; whatever a topology says, names above all, reaches the
 * program as numbers in its memory and objects in `handles`.
 */
import { ziggurat } from '../../../lib/random.js'
import { firstFree } from './source/layout.js'

/** How a run of a program ends. */
export const endings = {
  /** All that happens until then has happened. */
  done: 0,
  /** Something happened that is not known here. */
  off: 1,
  /** There is no row for the request that arrives next; it can go on with more. */
  full: 2,
} as const

/** A row has as many integers, and as many doubles. */
export const rowStride = 4

/** Columns of integers of a row: the row after it in the line in which it stands; where it goes on; at which process, on which processor. */
export const rowIntegers = { next: 0, goesOn: 1, peer: 2, processor: 3 } as const

/** Columns of doubles: when the request, its simple step, its query began; the CPU that it wants, or since when it waits in a pool's line. */
export const rowTimes = { began: 0, stepBegan: 1, queryBegan: 2, demand: 3 } as const

/** A program before it is compiled. It knows nothing of any run. */
export interface Source {
  /** Of the object that a program is: `{ load, save, run }`. */
  readonly text: string
  /** Doubles and integers that it needs. */
  readonly sizes: { readonly F: number; readonly N: number }
  /** Heaps that it needs, each with room for all rows. */
  readonly heaps: number
}

/** By the names of the arrays that they are for the source. */
type Constants = Readonly<Record<string, unknown>>

/** What a program is for who runs it, with the objects that its source names `H[…]`. */
interface Compiled {
  /** Takes over what others may have changed. */
  readonly load: (handles: readonly unknown[]) => void
  /** Puts back what others may read. */
  readonly save: (handles: readonly unknown[]) => void
  /** Runs everything that happens until then; returns one of `endings`. */
  readonly run: (handles: readonly unknown[], untilSeconds: number) => number
}

/** Declares the arrays in a function of the source: V8's optimizing compiler takes for constant what was loaded before a loop. */
export const declareArrays = (heaps: number): string =>
  `const ${arrayNames(heaps)
    .map((name) => `${name} = its${name}`)
    .join(', ')}`

const arrayNames = (heaps: number): readonly string[] => [
  ...Object.keys(ziggurat),
  ...['F', 'N', 'I', 'T', 'keysOf', 'membersOf'],
  ...Array.from({ length: heaps }, (_, i) => [`K${i}`, `M${i}`]).flat(),
]

const compile = ({ text, heaps }: Source, arrays: Constants): Compiled => {
  const names = arrayNames(heaps).map((name) => `${name}: its${name}`)
  const factory = new Function('arrays', `'use strict'\nconst { ${names.join(', ')} } = arrays\nreturn ${text}`)
  return (factory as (arrays: Constants) => Compiled)(arrays)
}

const fewestRows = 1024
/** Sources of which programs are kept for the next run, and programs of each. */
const mostKept = 16
const mostAlike = 2

export class Program {
  readonly F: Float64Array
  readonly N: Int32Array
  /** Integers and doubles of rows. */
  readonly I: Int32Array
  readonly T: Float64Array
  /** By heap: its keys, infinite behind the last, and the rows that they belong to. */
  readonly keys: readonly Float64Array[]
  readonly members: readonly Int32Array[]
  readonly compiled: Compiled

  constructor(
    readonly source: Source,
    readonly rows: number,
  ) {
    const { heaps, sizes } = source
    // Arrays smaller than this would lie on the heap of objects, where their place is not constant.
    this.F = new Float64Array(Math.max(16, sizes.F))
    this.N = new Int32Array(Math.max(32, sizes.N))
    this.I = new Int32Array(rows * rowStride)
    this.T = new Float64Array(rows * rowStride)
    this.keys = Array.from({ length: heaps }, () => new Float64Array(rows + 2))
    this.members = Array.from({ length: heaps }, () => new Int32Array(rows + 2))
    const { F, N, I, T } = this
    const arrays: Record<string, unknown> = { ...ziggurat, F, N, I, T, keysOf: this.keys, membersOf: this.members }
    for (const [i, keys] of this.keys.entries()) arrays[`K${i}`] = keys
    for (const [i, members] of this.members.entries()) arrays[`M${i}`] = members
    this.compiled = compile(source, arrays)
    this.clear()
  }

  /** As new. */
  clear(): void {
    this.F.fill(0)
    this.N.fill(0)
    for (const keys of this.keys) keys.fill(Number.POSITIVE_INFINITY)
    this.freeFrom(0)
  }

  /** Takes over from a program with fewer rows. */
  takeOver(smaller: Program): void {
    this.F.set(smaller.F)
    this.N.set(smaller.N)
    this.I.set(smaller.I)
    this.T.set(smaller.T)
    for (const [i, keys] of smaller.keys.entries()) this.keys[i]?.set(keys)
    for (const [i, members] of smaller.members.entries()) this.members[i]?.set(members)
    this.freeFrom(smaller.rows)
    this.N[firstFree] = smaller.rows * rowStride
  }

  /** From this row on none is used: each names the next. */
  private freeFrom(row: number): void {
    this.T.fill(Number.POSITIVE_INFINITY, row * rowStride)
    for (let i = row; i < this.rows; i++)
      this.I[i * rowStride + rowIntegers.next] = i + 1 < this.rows ? (i + 1) * rowStride : -1
  }
}

/** By source. */
const kept = new Map<string, Program[]>()

/** A program as new, perhaps one that V8 has optimized in earlier runs. */
export const takeProgram = (source: Source): Program => {
  const program = kept.get(source.text)?.pop() ?? new Program(source, fewestRows)
  program.clear()
  return program
}

/** The run needs it no more. */
export const giveBack = (program: Program): void => {
  if (program.rows > fewestRows) return
  const { text } = program.source
  const others = kept.get(text) ?? []
  // What was used last is kept longest.
  kept.delete(text)
  kept.set(text, [...others, program].slice(0, mostAlike))
  for (const source of kept.keys()) {
    if (kept.size <= mostKept) break
    kept.delete(source)
  }
}

/** The same, with four times the rows. */
export const withMoreRows = (program: Program): Program => {
  const larger = new Program(program.source, program.rows * 4)
  larger.takeOver(program)
  return larger
}
