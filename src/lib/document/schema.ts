/**
 * zod schemas that know how to be read from a YAML node. Objects, records, arrays, optionals and defaults are read by
 * `read.ts` from what zod says of them; everything else is a *form*: a zod schema (what editors are told) together with
 * a reader (what we do), so that each mistake is one message at one place instead of a dump of union branches.
 */
import type { Node } from 'yaml'
import { suggestion } from '../did-you-mean.js'
import type { Parsed } from '../units.js'
import type { Path } from './nodes.js'
import type { Reader } from './read.js'
import { layers, type Recorded, recorded, z } from './zod.js'

export type FormReader<T> = (node: Node | undefined, at: Path, reader: Reader) => T | undefined

const readers = new WeakMap<Recorded, FormReader<unknown>>()

/** A schema like `schema` whose nodes `read` reads; it reports what is wrong and then returns undefined. */
export const form = <T>(schema: z.ZodType, read: FormReader<T>): z.ZodType<T> => {
  // A clone: the reader of the form may read `schema` itself.
  const own = schema.clone() as unknown as z.ZodType<T>
  readers.set(recorded(own), read)
  return own
}

/** The reader of a form, whatever else is said of it. */
export const formReader = (schema: unknown): FormReader<unknown> | undefined => {
  for (const layer of layers(schema)) {
    const read = readers.get(layer)
    if (read !== undefined) return read
  }
  return undefined
}

/** The same schema with a description for editors. */
export const about = <S extends z.ZodType>(text: string, schema: S): S => schema.describe(text)

/**
 * What stands in a file as one scalar: `parse` is given its value and its text. `expected` with its article: `a duration`.
 * `isWhole`: it is a count.
 */
export const scalar = <T>(
  schema: z.ZodType,
  expected: string,
  parse: (value: string | number | boolean, text: string) => Parsed<T>,
  isWhole = false,
): z.ZodType<T> =>
  form(schema, (node, at, reader) => {
    const value = reader.scalar(node, at, expected)
    if (value === undefined) return undefined
    const parsed = parse(value.value, value.text)
    reader.uncertain?.read(node, at, { parse, isWhole }, parsed)
    if (parsed.ok) return parsed.value
    reader.tell(node, at, parsed)
    return undefined
  })

/** One of a few words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(words: T): z.ZodType<T[number]> =>
  scalar(z.enum(words), `one of ${words.join(', ')}`, (value, text): Parsed<T[number]> => {
    const found = words.find((word) => word === value)
    if (found !== undefined) return { ok: true, value: found }
    const hint = suggestion(text, words)
    return {
      ok: false,
      message: `unknown value "${text}"${hint?.startsWith('did') ? `: expected one of ${words.join(', ')}` : ''}`,
      ...(hint === undefined ? {} : { hint }),
    }
  })

/** A key that the language names, but that nothing honours yet: writing it is an error that says so. */
export const notSupportedYet = (what: string, schema: z.ZodType): z.ZodType<undefined> =>
  form(schema.describe(`${what} (not supported yet)`), (_node, at, reader) => {
    reader.document.reportKey(at, { message: `"${at.at(-1)}" (${what}) is not supported yet`, hint: 'remove it' })
    return undefined
  })

/** A key that has a meaning elsewhere and none here: writing it is an error. `why` follows the key: `has no meaning for …`. */
export const refused = (why: string, hint: string): z.ZodType<undefined> =>
  form<undefined>(z.unknown().describe(`(${why})`), (_node, at, reader) => {
    reader.document.reportKey(at, { message: `"${at.at(-1)}" ${why}`, hint })
    return undefined
  }).optional() as unknown as z.ZodType<undefined>
