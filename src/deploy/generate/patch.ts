/** What amends generated documents: merge patches (RFC 7386) and JSON patches (RFC 6902). */
import { invalidInput, type Position } from '../../lib/errors.js'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)

/** Sets an own property, also one that is called `__proto__`. */
const withEntry = (object: JsonObject, key: string, value: Json): JsonObject =>
  Object.fromEntries([...Object.entries(object).filter(([name]) => name !== key), [key, value]])

const replacing = (object: JsonObject, key: string, value: Json): JsonObject =>
  Object.hasOwn(object, key)
    ? Object.fromEntries(Object.entries(object).map(([name, before]) => [name, name === key ? value : before]))
    : withEntry(object, key, value)

const withoutEntry = (object: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))

/** RFC 7386: objects merge, null removes, everything else replaces. */
export const mergePatch = (target: Json, patch: Json): Json => {
  if (!isObject(patch)) return patch
  let result: JsonObject = isObject(target) ? target : {}
  for (const [key, value] of Object.entries(patch))
    result =
      value === null
        ? withoutEntry(result, key)
        : replacing(result, key, mergePatch(Object.hasOwn(result, key) ? (result[key] ?? null) : null, value))
  return result
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: Json
}

class PatchFailure extends Error {}

/** RFC 6901. */
const pointer = (text: string): readonly string[] => {
  if (text === '') return []
  if (!text.startsWith('/')) throw new PatchFailure(`"${text}" is no JSON pointer: it must begin with /`)
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const indexIn = (list: readonly Json[], key: string, end: boolean): number => {
  if (end && key === '-') return list.length
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN
  if (!(index < list.length + (end ? 1 : 0))) throw new PatchFailure(`there is no element ${key}`)
  return index
}

const read = (target: Json, path: readonly string[]): Json => {
  const [key, ...rest] = path
  if (key === undefined) return target
  if (isArray(target)) return read(target[indexIn(target, key, false)] ?? null, rest)
  if (!isObject(target) || !Object.hasOwn(target, key)) throw new PatchFailure(`there is no "${key}"`)
  return read(target[key] ?? null, rest)
}

/** Rebuilds what lies on the path; `last` makes the new container from the old one and the last key. */
const change = (target: Json, path: readonly string[], last: (container: Json, key: string) => Json): Json => {
  const [key, ...rest] = path
  if (key === undefined) throw new PatchFailure('the whole document cannot be changed here')
  if (rest.length === 0) return last(target, key)
  const inner = change(read(target, [key]), rest, last)
  if (isArray(target)) return target.with(indexIn(target, key, false), inner)
  return isObject(target) ? replacing(target, key, inner) : target
}

const add = (target: Json, path: readonly string[], value: Json): Json =>
  path.length === 0
    ? value
    : change(target, path, (container, key) => {
        if (isArray(container)) return container.toSpliced(indexIn(container, key, true), 0, value)
        if (!isObject(container)) throw new PatchFailure(`"${key}" would be inside of something that holds nothing`)
        return replacing(container, key, value)
      })

const remove = (target: Json, path: readonly string[]): Json =>
  change(target, path, (container, key) => {
    if (isArray(container)) return container.toSpliced(indexIn(container, key, false), 1)
    if (!isObject(container) || !Object.hasOwn(container, key)) throw new PatchFailure(`there is no "${key}"`)
    return withoutEntry(container, key)
  })

const same = (a: Json, b: Json): boolean => {
  if (isArray(a) && isArray(b)) return a.length === b.length && a.every((value, i) => same(value, b[i] ?? null))
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && same(a[key] ?? null, b[key] ?? null))
    )
  }
  return a === b
}

const needed = (value: Json | undefined, what: string): Json => {
  if (value === undefined) throw new PatchFailure(`it needs "${what}"`)
  return value
}

const operations: Readonly<Record<string, (target: Json, operation: Operation) => Json>> = {
  add: (target, { path, value }) => add(target, pointer(path), needed(value, 'value')),
  remove: (target, { path }) => remove(target, pointer(path)),
  replace: (target, { path, value }) => {
    const at = pointer(path)
    const after = needed(value, 'value')
    if (at.length === 0) return after
    read(target, at)
    return change(target, at, (container, key) =>
      isArray(container)
        ? container.with(indexIn(container, key, false), after)
        : replacing(container as JsonObject, key, after),
    )
  },
  move: (target, { path, from }) => {
    const source = pointer(String(needed(from, 'from')))
    const to = pointer(path)
    if (to.length > source.length && source.every((part, i) => part === to[i]))
      throw new PatchFailure('it would move a value into itself')
    return add(remove(target, source), to, read(target, source))
  },
  copy: (target, { path, from }) => add(target, pointer(path), read(target, pointer(String(needed(from, 'from'))))),
  test: (target, { path, value }) => {
    if (!same(read(target, pointer(path)), needed(value, 'value'))) throw new PatchFailure('the value there is another')
    return target
  },
}

const isOperation = (patch: unknown): patch is Operation =>
  isObject(patch) && typeof patch.op === 'string' && typeof patch.path === 'string'

/** One patch as it was written: a list of RFC 6902 operations, one such operation, or an RFC 7386 merge patch. */
const applyOne = (target: Json, patch: unknown, what: string, position: Position): Json => {
  const fail = (message: string) =>
    invalidInput({
      message: `${what}: ${message}`,
      position,
      why: 'patches are applied to what is generated, one after the other',
    })
  const list = Array.isArray(patch) ? patch : isOperation(patch) ? [patch] : undefined
  if (list === undefined) {
    if (!isObject(patch)) throw fail('a patch is a map (RFC 7386) or a list of operations (RFC 6902)')
    return mergePatch(target, patch)
  }
  return list.reduce((document: Json, operation: unknown, i): Json => {
    const named = `operation ${i}`
    if (!isOperation(operation)) throw fail(`${named}: expected { op, path, … }`)
    const run = Object.hasOwn(operations, operation.op) ? operations[operation.op] : undefined
    if (run === undefined)
      throw fail(`${named}: unknown op "${operation.op}"; one of ${Object.keys(operations).join(', ')}`)
    try {
      return run(document, operation)
    } catch (error) {
      if (error instanceof PatchFailure) throw fail(`${named} (${operation.op} ${operation.path}): ${error.message}`)
      throw error
    }
  }, target)
}

/** `locate(i)` is where patch i stands in the topology. */
export const applyPatches = (
  target: Json,
  patches: readonly unknown[],
  what: string,
  locate: (index: number) => Position,
): Json =>
  patches.reduce((document: Json, patch, i): Json => applyOne(document, patch, `${what} ${i}`, locate(i)), target)
