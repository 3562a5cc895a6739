/**
 * Changes single values in the text of a YAML document. Everything else stays as it was written, to the character: comments, order,
 * quotes, flow and block style, line ends. What is changed is found by the positions of the parsed nodes.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parse,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { mergeKey, type Path } from './nodes.js'

/** A value as YAML has it; null: nothing any more. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain }

/**
 * The text with `value` at `path`; null takes away what is there. Keys that are missing on the way are written. An alias on the way is
 * replaced by its own copy of what it stands for, so that only this path changes. Throws RangeError where the path cannot lead anywhere.
 */
export const editText = (text: string, path: Path, value: Plain | null): string => {
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' })
  return edited(new Source(text, document), document.contents, path, value)
}

class Source {
  /** As the file ends its lines. */
  readonly eol: string

  constructor(
    readonly text: string,
    readonly document: Document.Parsed,
  ) {
    this.eol = /\r\n/.test(text) ? '\r\n' : '\n'
  }

  replaced(start: number, end: number, by: string): string {
    return this.text.slice(0, start) + by + this.text.slice(end)
  }

  lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1
  }

  /** Before the line's end characters. */
  lineEnd(offset: number): number {
    const at = this.text.indexOf('\n', offset)
    if (at < 0) return this.text.length
    return this.text[at - 1] === '\r' ? at - 1 : at
  }

  isSameLine(a: number, b: number): boolean {
    return !this.text.slice(Math.min(a, b), Math.max(a, b)).includes('\n')
  }

  resolve(alias: Alias): Node {
    const target = alias.resolve(this.document)
    if (!isNode(target)) throw new RangeError(`no anchor "&${alias.source}"`)
    return target
  }
}

const edited = (source: Source, node: unknown, path: Path, value: Plain | null): string => {
  const [name, ...rest] = path
  if (isAlias(node)) {
    const own = withPlain(plainOf(source, node), path, value)
    const { start, end } = rangeOf(node)
    return source.replaced(start, end, flowText(own ?? {}))
  }
  if (name === undefined) {
    const { start, end } = rangeOf(node)
    return source.replaced(start, end, flowText(value ?? {}))
  }
  if (isMap(node)) return editedEntry(source, node, String(name), rest, value)
  if (isSeq(node)) return editedItem(source, node, Number(name), rest, value)
  throw new RangeError(`"${name}" lies in no map or list`)
}

const editedEntry = (source: Source, map: YAMLMap, name: string, rest: Path, value: Plain | null): string => {
  const index = map.items.findIndex(({ key }) => isScalar(key) && String(key.value) === name)
  const pair = map.items[index]
  if (pair !== undefined) {
    if (rest.length === 0 && value === null) return withoutItem(source, map, index)
    if (!isNothing(pair.value)) return edited(source, pair.value, rest, value)
    if (value === null) return source.text
    // `key:` without a value: it follows the colon.
    const colon = source.text.indexOf(':', rangeOf(pair.key).end) + 1
    return source.replaced(colon, colon, ` ${flowText(nested(rest, value))}`)
  }
  const merged = mergedValue(source, map, name)
  if (merged !== undefined) {
    const own = withPlain(merged, rest, value)
    return own === null ? source.text : withEntry(source, map, name, own)
  }
  return value === null ? source.text : withEntry(source, map, name, nested(rest, value))
}

const editedItem = (source: Source, list: YAMLSeq, index: number, rest: Path, value: Plain | null): string => {
  const item = list.items[index]
  if (item === undefined) throw new RangeError(`the list has no item ${index}`)
  if (rest.length === 0 && value === null) return withoutItem(source, list, index)
  return edited(source, item, rest, value)
}

/** Writes a new entry at the end of a map, in the map's own style. */
const withEntry = (source: Source, map: YAMLMap, name: string, value: Plain): string => {
  const entry = `${scalarText(name)}: ${flowText(value)}`
  const { start, end } = rangeOf(map)
  const last = map.items.at(-1)
  const first = map.items[0]
  if (last === undefined || first === undefined) return source.replaced(start, end, `{ ${entry} }`)
  const lastEnd = pairEnd(last)
  const lastStart = rangeOf(last.key).start
  if (map.flow !== true) {
    const column = rangeOf(first.key).start - source.lineStart(rangeOf(first.key).start)
    const line = `${' '.repeat(column)}${entry}`
    // A block scalar ends with its own line.
    if (source.text[lastEnd - 1] === '\n') return source.replaced(lastEnd, lastEnd, `${line}${source.eol}`)
    const at = source.lineEnd(lastEnd)
    return source.replaced(at, at, `${source.eol}${line}`)
  }
  const comma = /^\s*,/.exec(source.text.slice(lastEnd, end))
  const after = lastEnd + (comma?.[0].length ?? 0)
  if (source.isSameLine(start, lastStart))
    return source.replaced(after, after, comma === null ? `, ${entry}` : ` ${entry},`)
  const indent = source.text.slice(source.lineStart(lastStart), lastStart).replace(/\S/g, ' ')
  const at = Math.min(source.lineEnd(after), closing(end))
  const line = `${source.eol}${indent}${entry}${comma === null ? '' : ','}`
  const withLine = source.replaced(at, at, line)
  return comma === null ? `${withLine.slice(0, lastEnd)},${withLine.slice(lastEnd)}` : withLine
}

/** Before the bracket that ends a flow collection. */
const closing = (end: number): number => end - 1

/** Takes an entry or item away; a comment behind it stays, on a line of its own. */
const withoutItem = (source: Source, parent: YAMLMap | YAMLSeq, index: number): string => {
  const items = parent.items
  const { start, end } = rangeOf(parent)
  if (items.length === 1) return source.replaced(start, contentEnd(parent, end), isMap(parent) ? '{}' : '[]')
  const from = itemStart(source, parent, items[index])
  const to = itemEnd(items[index])
  if (parent.flow === true) {
    const next = items[index + 1]
    if (next !== undefined) return source.replaced(from, itemStart(source, parent, next), '')
    return source.replaced(itemEnd(items[index - 1]), to, '')
  }
  const lineEnd = source.lineEnd(to)
  const comment = source.text.slice(to, lineEnd).trim()
  if (comment !== '') return source.replaced(from, lineEnd, comment)
  const next = items[index + 1]
  if (next === undefined) {
    const before = source.lineStart(from)
    return source.replaced(Math.max(0, before - source.eol.length), lineEnd, '')
  }
  // What stands between is about the next one.
  const between = source.text.slice(lineEnd, itemStart(source, parent, next)).replace(/^\s+/, '')
  return source.replaced(from, itemStart(source, parent, next), between)
}

const itemStart = (source: Source, parent: YAMLMap | YAMLSeq, item: unknown): number => {
  if (isPair(item)) return rangeOf(item.key).start
  const { start } = rangeOf(item)
  return parent.flow === true ? start : source.text.lastIndexOf('-', start - 1)
}

const itemEnd = (item: unknown): number => (isPair(item) ? pairEnd(item) : contentEnd(item, rangeOf(item).end))

const isPair = (item: unknown): item is Pair => typeof item === 'object' && item !== null && 'key' in item

const pairEnd = (pair: Pair): number => {
  const { end } = rangeOf(pair.key)
  return isNode(pair.value) && !isNothing(pair.value) ? contentEnd(pair.value, end) : end + 1
}

/** Where the last character of a node stands that is neither blank nor a comment. */
const contentEnd = (node: unknown, otherwise: number): number => {
  if (isCollection(node) && node.flow !== true) {
    const last = node.items.at(-1)
    if (last !== undefined) return itemEnd(last)
  }
  return isNode(node) && node.range ? node.range[1] : otherwise
}

const rangeOf = (node: unknown): { readonly start: number; readonly end: number } => {
  if (!isNode(node) || !node.range) throw new RangeError('a node that stands nowhere in the text')
  return { start: node.range[0], end: contentEnd(node, node.range[1]) }
}

const isNothing = (node: unknown): boolean =>
  node === null || node === undefined || (isScalar(node) && node.value === null && (node.source ?? '') === '')

/** What `<<` brings in under a name; undefined: nothing. */
const mergedValue = (source: Source, map: YAMLMap, name: string): Plain | undefined => {
  for (const { key, value } of map.items) {
    if (!isScalar(key) || key.value !== mergeKey) continue
    const target = isAlias(value) ? source.resolve(value) : value
    const from = isSeq(target) ? target.items.map((item) => (isAlias(item) ? source.resolve(item) : item)) : [target]
    for (const each of from) {
      if (!isMap(each)) continue
      const own = each.items.find((pair) => isScalar(pair.key) && pair.key.value === name)
      if (own !== undefined) return plainOf(source, own.value)
      const deeper = mergedValue(source, each, name)
      if (deeper !== undefined) return deeper
    }
  }
  return undefined
}

const plainOf = (source: Source, node: unknown): Plain =>
  isNode(node) ? (node.toJS(source.document, { maxAliasCount: -1 }) as Plain) : {}

/** The value in so many maps, named by the path. */
const nested = (path: Path, value: Plain): Plain =>
  path.reduceRight<Plain>((inner, name) => ({ [String(name)]: inner }), value)

/** A copy of a plain value with another one at the path; null: nothing is left. */
const withPlain = (whole: Plain, path: Path, value: Plain | null): Plain | null => {
  const [name, ...rest] = path
  if (name === undefined) return value
  if (Array.isArray(whole)) {
    const list = whole as readonly Plain[]
    return list.flatMap((item, index) => {
      if (index !== name) return [item]
      const made = withPlain(item, rest, value)
      return made === null ? [] : [made]
    })
  }
  const map = typeof whole === 'object' ? (whole as { readonly [key: string]: Plain }) : {}
  const { [String(name)]: before, ...others } = map
  const made = withPlain(before ?? {}, rest, value)
  // In the order in which they stood.
  if (made === null) return others
  return before === undefined
    ? { ...others, [String(name)]: made }
    : Object.fromEntries(Object.entries(map).map(([key, each]) => [key, key === String(name) ? made : each]))
}

const flowText = (value: Plain): string => {
  if (typeof value !== 'object') return scalarText(value)
  if (Array.isArray(value))
    return value.length === 0 ? '[]' : `[${(value as readonly Plain[]).map(flowText).join(', ')}]`
  const entries = Object.entries(value)
  return entries.length === 0
    ? '{}'
    : `{ ${entries.map(([key, inner]) => `${scalarText(key)}: ${flowText(inner)}`).join(', ')} }`
}

/** Plain where that means the same, else in quotes. */
const scalarText = (value: string | number | boolean): string => {
  if (typeof value !== 'string') return String(value)
  return /^[A-Za-z0-9_./%+-]+$/.test(value) && parse(value) === value ? value : JSON.stringify(value)
}
