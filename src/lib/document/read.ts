/**
 * Reads YAML nodes by zod schemas, going on after every mistake: what is wrong is reported once, at its place, and reads
 * as undefined, so that the checks that follow can still judge the rest of the file.
 */
import { isMap, isNode, isScalar, isSeq, type Node } from 'yaml'
import type { z } from 'zod'
import { nearest, suggestion } from '../did-you-mean.js'
import { invalidInput } from '../errors.js'
import type { SourceDocument, Told } from './document.js'
import { described, type Path, textOf } from './nodes.js'
import { formReader } from './schema.js'
import { type UncertainReader, uncertainReader } from './uncertain.js'
import { base, descriptionOf, layers } from './zod.js'

/** What reading a schema gives: nested objects as `Fields`, records as maps, lists as items; undefined where it was wrong. */
export type Value<S> =
  S extends z.ZodOptional<infer I>
    ? Value<I> | undefined
    : S extends z.ZodDefault<infer I>
      ? Value<I>
      : S extends z.ZodObject<infer Shape>
        ? Fields<Shape>
        : S extends z.ZodRecord<infer _K, infer V>
          ? ReadonlyMap<string, Value<V> | undefined>
          : S extends z.ZodArray<infer E>
            ? readonly (Value<E> | undefined)[]
            : z.output<S>

/** The keys of one map in the file. */
export interface Fields<Shape> {
  readonly at: Path
  /** Its value; undefined when it is absent or wrong. */
  get<K extends keyof Shape & string>(key: K): Value<Shape[K]> | undefined
  /** Whether it stands in the file, right or wrong. */
  has(key: keyof Shape & string): boolean
  /** Its path, for reports. */
  path(key: keyof Shape & string): Path
}

/** How a map's keys are told of in messages. */
export interface Naming {
  /** `a host`, `component "app" (nginx)`. */
  readonly what: string
  /** Said of a key that has a meaning elsewhere; undefined: it has none. */
  readonly elsewhere?: (key: string) => Told | undefined
  /** Report no unknown keys: what they would have to be is not known. */
  readonly lenient?: boolean
  /** A misspelt key that was reported already, and what it means. */
  readonly told?: { readonly spelled: string; readonly meant: string }
}

export interface Reader {
  readonly document: SourceDocument
  /** Undefined: the language knows no uncertain numbers. */
  readonly uncertain: UncertainReader | undefined
  read<S extends z.ZodType>(schema: S, node: Node | null | undefined, at: Path): Value<S> | undefined
  fields<Shape extends z.ZodRawShape>(
    shape: Shape,
    node: Node | null | undefined,
    at: Path,
    naming: Naming,
  ): Fields<Shape> | undefined
  /** The value and text of a scalar; reports anything else. */
  scalar(
    node: Node | null | undefined,
    at: Path,
    expected: string,
  ): { readonly value: string | number | boolean; readonly text: string } | undefined
  /** Reports what is wrong with the value at a path, under the name of its key. */
  tell(node: Node | null | undefined, at: Path, told: Told): void
  /** A node as plain values, for what is kept as it was written. */
  plain(node: Node | null | undefined): unknown
}

/** Aliases may multiply a file by this many nodes beyond what is written. */
const maxExpansion = 50_000

const nameOf = (at: Path): string => {
  const last = at.at(-1)
  if (last === undefined) return 'the file'
  return typeof last === 'number' ? `${at.at(-2) ?? 'item'}[${last}]` : last
}

/** `uncertain`: a number may be `{ low, mid, high }`, and reads as its middle. */
export const documentReader = (document: SourceDocument, { uncertain = false } = {}): Reader => {
  const ranges = uncertain ? uncertainReader(document) : undefined
  let visited = 0
  const open = (node: Node | null | undefined): Node | undefined => {
    if (++visited > document.nodeCount + maxExpansion) {
      throw invalidInput(...document.problems, {
        message: `aliases expand this file to more than ${document.nodeCount + maxExpansion} values`,
        position: { file: document.file, line: 1, column: 1 },
        hint: 'write the values out, or use fewer aliases',
      })
    }
    return document.resolve(node)
  }
  const tell = (node: Node | null | undefined, at: Path, told: Told): void => {
    const { message, why, hint } = told
    const named = { message: `${nameOf(at)}: ${message}`, ...(why ? { why } : {}), ...(hint ? { hint } : {}) }
    const isNothing = isScalar(node) && node.value === null && (node.source ?? '') === ''
    if (isNode(node) && !isNothing) document.reportNode(node, named)
    else document.report(at, named)
  }
  const expected = (what: string, node: Node | undefined, at: Path): undefined => {
    tell(node, at, { message: `expected ${what}, got ${described(node)}` })
    return undefined
  }

  const fields = <Shape extends z.ZodRawShape>(
    shape: Shape,
    written: Node | null | undefined,
    at: Path,
    naming: Naming,
  ): Fields<Shape> | undefined => {
    const node = open(written)
    if (!isMap(node)) {
      if (written === null || written === undefined || node !== undefined) expected('a map', node, at)
      return undefined
    }
    const values = new Map<string, unknown>()
    // As each key is spelled in the file.
    const spelling = new Map<string, string>()
    const entries = document.entriesOf(node)
    const absent = new Set(Object.keys(shape))
    for (const { name } of entries) absent.delete(name)
    for (const { name, key, value } of entries) {
      const meant = Object.hasOwn(shape, name) ? name : misspelt(name, [...absent], naming)
      if (meant !== name) {
        if (naming.lenient !== true && naming.told?.spelled !== name)
          document.reportNode(key, unknownKey(name, meant, Object.keys(shape), naming))
        if (meant === undefined) continue
        absent.delete(meant)
      }
      spelling.set(meant, name)
      values.set(meant, read(shape[meant] as z.ZodType, value, [...at, name]))
    }
    for (const name of absent) {
      const schema = shape[name]
      const absence = [...layers(schema)].find(({ call }) => call === 'default' || call === 'optional')
      if (absence?.call === 'default') values.set(name, absence.args[0])
      else if (absence === undefined) {
        document.report(at, { message: `${naming.what} needs "${name}"`, ...describedBy(schema) })
      }
    }
    return {
      at,
      get: (key) => values.get(key) as never,
      has: (key) => spelling.has(key),
      path: (key) => [...at, spelling.get(key) ?? key],
    }
  }

  const read = <S extends z.ZodType>(schema: S, written: Node | null | undefined, at: Path): Value<S> | undefined => {
    const result = ((): unknown => {
      const own = formReader(schema)
      const { call, args } = base(schema)
      const opened = open(written)
      // Only forms read numbers; what is kept as it was written is nobody's number.
      const node = own === undefined || call === 'unknown' || ranges === undefined ? opened : ranges.middle(opened, at)
      // An alias of nothing was reported where it stands.
      if (isNode(written) && node === undefined) return undefined
      if (own !== undefined) return own(node, at, reader)
      switch (call) {
        case 'strictObject':
        case 'object':
          return fields(args[0] as z.ZodRawShape, node, at, { what: `"${nameOf(at)}"` })
        case 'record':
        case 'partialRecord':
          return record(args[0], args[1] as z.ZodType, node, at)
        case 'array':
          if (!isSeq(node)) return expected('a list', node, at)
          return node.items.map((item, index) => read(args[0] as z.ZodType, isNode(item) ? item : null, [...at, index]))
        default:
          throw new Error(`no reader for z.${call}`)
      }
    })()
    return result as Value<S> | undefined
  }

  const record = (key: unknown, value: z.ZodType, node: Node | undefined, at: Path): unknown => {
    if (!isMap(node)) return expected('a map', node, at)
    const found = new Map<string, unknown>()
    const entries = document.entriesOf(node)
    for (const entry of entries) {
      if (document.refuseStray(entry, entries, nameOf(at))) continue
      // A key that is wrong still names something: references to it are no second mistake.
      formReader(key)?.(entry.key, [...at, entry.name], reader)
      found.set(entry.name, read(value, entry.value, [...at, entry.name]))
    }
    return found
  }

  const plain = (written: Node | null | undefined): unknown => {
    const node = open(written)
    if (isMap(node)) {
      // Without a prototype: a key may be called __proto__.
      const made: Record<string, unknown> = Object.create(null)
      for (const { name, value } of document.entriesOf(node)) made[name] = plain(value)
      return made
    }
    if (isSeq(node)) return node.items.map((item) => plain(isNode(item) ? item : null))
    return isScalar(node) ? node.value : null
  }

  const reader: Reader = {
    document,
    uncertain: ranges,
    read,
    fields,
    scalar: (node, at, what) => {
      if (!isScalar(node) || node.value === null) return expected(what, node ?? undefined, at)
      const { value } = node
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        return expected(what, node, at)
      }
      return { value, text: textOf({ value, ...(node.source === undefined ? {} : { source: node.source }) }) }
    },
    tell,
    plain,
  }
  return reader
}

const describedBy = (schema: unknown): { hint?: string } => {
  const hint = descriptionOf(schema)
  return hint === undefined ? {} : { hint }
}

/** The absent key that an unknown one stands for; it is read as such, so that one slip of the keyboard is one mistake. */
const misspelt = (key: string, absent: readonly string[], naming: Naming): string | undefined => {
  if (naming.told?.spelled === key) return naming.told.meant
  return naming.lenient === true || naming.elsewhere?.(key) !== undefined ? undefined : nearest(key, absent)
}

const unknownKey = (key: string, meant: string | undefined, known: readonly string[], naming: Naming): Told => {
  const elsewhere = naming.elsewhere?.(key)
  if (elsewhere !== undefined) return elsewhere
  const hint = meant === undefined ? suggestion(key, known) : `did you mean "${meant}"?`
  return { message: `unknown key "${key}" in ${naming.what}`, ...(hint === undefined ? {} : { hint }) }
}
