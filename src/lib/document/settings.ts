/**
 * `path=value` given on the command line in place of what a file says: applied to the tree of the file before anybody reads
 * it, so that a setting is checked like anything that was written, and what is wrong with it is told where it was given.
 */
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  Pair,
  parseDocument,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from 'yaml'
import { suggestion } from '../did-you-mean.js'
import { type Problem, usageError } from '../errors.js'
import { described, type Entry } from './nodes.js'
import type { Told } from './yaml-text.js'

export interface Setting {
  /** How messages name where it was given: `--set`. */
  readonly flag: string
  /** As given. */
  readonly text: string
  /** Names of keys and indices of lists, from the root of the document, and where each begins in `text`. */
  readonly path: readonly { readonly name: string; readonly at: number }[]
  /** Where its value begins in `text`. */
  readonly valueAt: number
}

const example = 'such as components.app.replicas=4'

/** `components.app.replicas=4`. Throws a usage error for what is no setting at all. */
export const parseSetting = (text: string, flag = '--set'): Setting => {
  const valueAt = text.indexOf('=') + 1
  const names = text.slice(0, Math.max(0, valueAt - 1)).split('.')
  if (valueAt === 0 || names.some((name) => name.trim() === '' || /\s/.test(name)))
    throw usageError(`${flag}: expected path=value, got "${text}"`, example)
  let at = 0
  const path = names.map((name) => {
    const part = { name, at }
    at += name.length + 1
    return part
  })
  return { flag, text, path, valueAt }
}

/** The setting without the first name of its path, when that is `name`; undefined: it is not. */
export const settingBelow = (setting: Setting, name: string): Setting | undefined =>
  setting.path.length > 1 && setting.path[0]?.name === name ? { ...setting, path: setting.path.slice(1) } : undefined

/** A place in the text of a setting; `line` 0 tells that it is no file. */
export const settingProblem = ({ flag, text }: Setting, start: number, end: number, told: Told): Problem => ({
  ...told,
  position: { file: flag, line: 0, column: start + 1 },
  excerpt: { line: text.split('\n', 1)[0] ?? '', length: Math.max(1, end - start) },
})

/** Where a node comes from that is not in the file. */
export interface Origin {
  readonly setting: Setting
  /** Of the text that the node's range counts in, in the setting's text. */
  readonly offset: number
}

export interface Applied {
  readonly root: Node | null
  /** Values that were set, to be inspected like the file. */
  readonly values: ReadonlyMap<Node, Origin>
}

export interface ApplyContext {
  readonly resolve: (node: Node | null | undefined) => Node | undefined
  readonly entriesOf: (map: YAMLMap) => readonly Entry[]
  /** Filled with every node that was made. */
  readonly origins: WeakMap<Node, Origin>
  /** Filled with the keys that were not there: true where a name on the way was made, false where the last one was. */
  readonly created: WeakMap<Node, boolean>
  readonly add: (problem: Problem) => void
}

/** The tree with the settings in it, in their order; what was there is not changed, only left out. */
export const applySettings = (root: Node | null, settings: readonly Setting[], context: ApplyContext): Applied => {
  const values = new Map<Node, Origin>()
  let made = root
  for (const setting of settings) {
    const value = settingValue(setting, context)
    if (value === undefined) continue
    values.set(value, { setting, offset: setting.valueAt })
    made = withValue(made, 0, value, setting, context) ?? made
  }
  return { root: made, values }
}

const settingValue = (setting: Setting, { origins, add }: ApplyContext): Node | undefined => {
  const { valueAt, text } = setting
  const parsed = parseDocument(text.slice(valueAt), { prettyErrors: false, uniqueKeys: false, logLevel: 'error' })
  const [first] = parsed.errors
  if (first !== undefined) {
    add(settingProblem(setting, valueAt, text.length, { message: `not valid YAML: ${first.message}` }))
    return undefined
  }
  if (parsed.contents === null || (isScalar(parsed.contents) && parsed.contents.value === null)) {
    add(settingProblem(setting, valueAt, text.length, { message: 'there is no value after "="', hint: example }))
    return undefined
  }
  const own = (node: unknown): void => {
    if (!isNode(node)) return
    origins.set(node, { setting, offset: valueAt })
    if (isMap(node))
      for (const { key, value } of node.items) {
        own(key)
        own(value)
      }
    else if (isCollection(node)) for (const item of node.items) own(item)
  }
  own(parsed.contents)
  return parsed.contents
}

/** A copy of `node` in which the path from `depth` on leads to `value`; undefined: it cannot, which is told. */
const withValue = (
  node: Node | null | undefined,
  depth: number,
  value: Node,
  setting: Setting,
  context: ApplyContext,
): Node | undefined => {
  const part = setting.path[depth]
  if (part === undefined) return value
  const found = context.resolve(node)
  if (isSeq(found)) return withItem(found, depth, value, setting, context)
  if (isMap(found)) return withEntry(found, depth, value, setting, context)
  const isNothing = found === undefined || (isScalar(found) && found.value === null)
  if (isNothing && !isAlias(node)) return withEntry(new YAMLMap(), depth, value, setting, context)
  const before = setting.path.slice(0, depth).map(({ name }) => name)
  context.add(
    settingProblem(setting, part.at, part.at + part.name.length, {
      message: `"${before.at(-1) ?? 'the file'}" is ${described(found)}, and has no "${part.name}"`,
      hint: `set it whole: ${before.join('.')}={${part.name}: …}`,
    }),
  )
  return undefined
}

const withEntry = (
  map: YAMLMap,
  depth: number,
  value: Node,
  setting: Setting,
  context: ApplyContext,
): Node | undefined => {
  const part = setting.path[depth]
  if (part === undefined) return value
  // Merged entries become its own, so that only this map changes.
  const entry = context.entriesOf(map).find(({ name }) => name === part.name)
  const below = withValue(entry?.value, depth + 1, value, setting, context)
  if (below === undefined) return undefined
  const copy = new YAMLMap()
  copy.items = map.items.filter(({ key }) => !isScalar(key) || key.value !== part.name)
  const at = map.items.findIndex(({ key }) => isScalar(key) && key.value === part.name)
  const pair = new Pair(entry?.key ?? newKey(part, setting, depth, context), below)
  copy.items.splice(at < 0 ? copy.items.length : at, 0, pair)
  return likeOriginal(copy, map)
}

const newKey = (
  { name, at }: Setting['path'][number],
  setting: Setting,
  depth: number,
  { origins, created }: ApplyContext,
): Node => {
  const key = new Scalar(name)
  key.range = [at, at + name.length, at + name.length]
  origins.set(key, { setting, offset: 0 })
  created.set(key, depth < setting.path.length - 1)
  return key
}

const withItem = (
  list: YAMLSeq,
  depth: number,
  value: Node,
  setting: Setting,
  context: ApplyContext,
): Node | undefined => {
  const part = setting.path[depth]
  if (part === undefined) return value
  const { length } = list.items
  const index = /^\d{1,6}$/.test(part.name) ? Number(part.name) : Number.NaN
  const isNew = index === length && depth === setting.path.length - 1
  if (!(index < length || isNew)) {
    const there = length === 1 ? 'there is 1' : `there are ${length}`
    context.add(
      settingProblem(setting, part.at, part.at + part.name.length, {
        message: `expected an index of the list "${setting.path[depth - 1]?.name ?? 'the file'}", got "${part.name}"`,
        hint: length === 0 ? 'the list is empty' : `${there}, counted from 0`,
      }),
    )
    return undefined
  }
  const item = list.items[index]
  const below = withValue(isNode(item) ? item : undefined, depth + 1, value, setting, context)
  if (below === undefined) return undefined
  const copy = new YAMLSeq()
  copy.items = [...list.items]
  copy.items[index] = below
  return likeOriginal(copy, list)
}

/** What is told of the whole is still told where it stands in the file. */
const likeOriginal = <T extends YAMLMap | YAMLSeq>(copy: T, original: T): T => {
  if (original.range !== undefined && original.range !== null) copy.range = original.range
  return copy
}

/**
 * What is wrong with a name that a setting brought into a map of names (components, hosts, data, …): one on the way to
 * something else was meant to be there; a new one is given whole. Undefined: nothing.
 */
export const strayName = (
  { name, key, value }: Entry,
  onTheWay: boolean,
  siblings: readonly string[],
  { where, setting }: { readonly where: string; readonly setting: Setting | undefined },
): Told | undefined => {
  const near = suggestion(name, siblings)
  if (!onTheWay && (isCollection(value) || near?.startsWith('did') !== true)) return undefined
  return {
    message: `there is no "${name}" in "${where}"`,
    hint: near ?? `to add it, set it whole: ${setting?.text.slice(0, key.range?.[1]) ?? name}={…}`,
  }
}
