import { isCollection, isMap, isNode, isScalar, isSeq, type Node, type YAMLMap } from 'yaml'

/** A way from the root of a document: names of keys and indices. */
export type Path = readonly (string | number)[]

export interface Entry {
  /** The key as text. */
  readonly name: string
  readonly key: Node
  readonly value: Node | null
}

export const mergeKey = '<<'

/**
 * Reads the entries of maps: those whose keys are text, in order; the first of two with the same name. `<<` brings in the
 * entries of another map (or maps) that the map does not have itself. Remembers its answers, so that merges of merges
 * cost no more than their distinct keys.
 */
export const entryReader = (
  resolve: (node: Node | null | undefined) => Node | undefined,
): ((map: YAMLMap) => readonly Entry[]) => {
  const known = new Map<YAMLMap, readonly Entry[]>()
  const sourcesOf = (value: unknown): Set<YAMLMap> => {
    const from = resolve(isNode(value) ? value : undefined)
    const candidates = isSeq(from) ? from.items.map((item) => resolve(isNode(item) ? item : undefined)) : [from]
    return new Set(candidates.filter((candidate) => isMap(candidate)))
  }
  const entriesOf = (map: YAMLMap): readonly Entry[] => {
    const before = known.get(map)
    if (before !== undefined) return before
    const found = new Map<string, Entry>()
    const merged: Entry[] = []
    for (const { key, value } of map.items) {
      if (!isScalar(key) || typeof key.value !== 'string') continue
      if (key.value === mergeKey) for (const source of sourcesOf(value)) merged.push(...entriesOf(source))
      else if (!found.has(key.value))
        found.set(key.value, { name: key.value, key, value: isNode(value) ? value : null })
    }
    for (const entry of merged) if (!found.has(entry.name)) found.set(entry.name, entry)
    const entries = [...found.values()]
    known.set(map, entries)
    return entries
  }
  return entriesOf
}

/** What a node is, for messages: `a map`, `a list`, `nothing`, or the text itself in quotes. */
export const described = (node: Node | null | undefined): string => {
  if (isMap(node)) return 'a map'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node)) return 'nothing'
  if (node.value === null) return 'nothing'
  const text = textOf(node)
  return `"${text.length > 40 ? `${text.slice(0, 39)}…` : text}"`
}

/** A scalar as it was written. */
export const textOf = (node: { readonly value: unknown; readonly source?: string }): string =>
  typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))

/** The nodes at a path; `value` (or `key`) of the nearest ancestor where the path ends early. */
export const locateNode = (
  root: Node | null,
  path: Path,
  resolve: (node: Node | null | undefined) => Node | undefined,
  entriesOf: (map: YAMLMap) => readonly Entry[],
): { key: Node | undefined; value: Node | undefined } => {
  let key: Node | undefined
  let value = resolve(root)
  for (const part of path) {
    let next: { key: Node | undefined; value: Node | undefined } | undefined
    if (isMap(value)) {
      const entry = entriesOf(value).find((candidate) => candidate.name === String(part))
      if (entry !== undefined) next = { key: entry.key, value: resolve(entry.value) }
    } else if (isCollection(value) && typeof part === 'number') {
      const item = value.items[part]
      if (isNode(item)) next = { key: undefined, value: resolve(item) }
    } else if (value === undefined || isScalar(value)) break
    if (next === undefined) break
    key = next.key
    value = next.value
  }
  return { key, value }
}
