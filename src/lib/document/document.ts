/**
 * A YAML file as a tree with positions. What is wrong with the text itself (syntax, duplicate keys, unknown aliases, tags,
 * depth) is found here, before anybody asks what the file means.
 */
import { isAlias, isCollection, isScalar, LineCounter, type Node, type YAMLMap } from 'yaml'
import { invalidInput, type Position, type Problem } from '../errors.js'
import { inspect } from './inspect.js'
import { type Entry, entryReader, locateNode, type Path } from './nodes.js'
import { applySettings, type Origin, type Setting, settingProblem, strayName } from './settings.js'
import { parseText, type Told } from './yaml-text.js'

export type { Told }

export interface SourceDocument {
  readonly file: string
  readonly text: string
  readonly root: Node | null
  /** What is wrong so far; readers and checks add to it. At most one problem per place and message. */
  readonly problems: readonly Problem[]
  /** What an alias stands for; undefined when it is unknown (already reported). */
  readonly resolve: (node: Node | null | undefined) => Node | undefined
  readonly entriesOf: (map: YAMLMap) => readonly Entry[]
  /** Reports at a node of the tree. */
  readonly reportNode: (node: Node, problem: Told) => void
  /** Reports at a part of a scalar's text, or at all of it where escapes or line breaks hide the part. */
  readonly reportPart: (node: Node, text: string, from: number, length: number, problem: Told) => void
  /** Reports at the value of a path (the key, if the value is a map or list), or at the nearest ancestor that is there. */
  readonly report: (path: Path, problem: Told) => void
  /** Reports at the key of a path. */
  readonly reportKey: (path: Path, problem: Told) => void
  readonly locate: (path: Path) => Position
  /** Whether the name of an entry of a map of names came from a setting that misspells one; if so it is reported. */
  readonly refuseStray: (entry: Entry, entries: readonly Entry[], where: string) => boolean
  /** Number of nodes in the text; expanding aliases far beyond it is refused by readers. */
  readonly nodeCount: number
}

/** A topology of a thousand components takes a tenth of this. */
const maxBytes = 1024 * 1024

/**
 * Reads `text`, with what `settings` put in place of it. Throws PlimsollError at once when the text cannot be read as one
 * YAML document; what can be reported beside other problems is in `problems`.
 */
export const readDocument = (text: string, file: string, settings: readonly Setting[] = []): SourceDocument => {
  const lines = new LineCounter()
  let sourceLines: string[] | undefined
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problemAt = (start: number, end: number, told: Told): Problem => {
    const at = position(start)
    sourceLines ??= text.split(/\r?\n/)
    const line = sourceLines[at.line - 1] ?? ''
    const length = Math.max(1, Math.min(end - start, line.length - at.column + 1))
    return { ...told, message: printable(told.message), position: at, excerpt: { line: shortened(line), length } }
  }
  const fatal = (start: number, told: Told): never => {
    throw invalidInput(problemAt(start, start + 1, told))
  }
  if (text.length > maxBytes) {
    throw invalidInput({
      message: `the file has ${text.length} characters; at most ${maxBytes} are read`,
      position: { file, line: 1, column: 1 },
    })
  }
  const parsed = parseText(text, lines, fatal)
  const problems: Problem[] = []
  const seen = new Set<string>()
  const add = (problem: Problem): void => {
    const id = `${problem.position?.line}:${problem.position?.column} ${problem.message}`
    if (seen.has(id)) return
    seen.add(id)
    problems.push(problem)
  }
  const origins = new WeakMap<Node, Origin>()
  const created = new WeakMap<Node, boolean>()
  /** At a part of a node, wherever that was written. */
  const addAt = (node: Node, start: number, end: number, told: Told): void => {
    const origin = origins.get(node)
    add(origin === undefined ? problemAt(start, end, told) : problemIn(origin, start, end, told))
  }
  const reportNode = (node: Node, told: Told): void => {
    const [start, end] = node.range ?? [0, 1]
    addAt(node, start, end, told)
  }
  const anchors = new Map<Node, Node | undefined>()
  const resolve = (node: Node | null | undefined): Node | undefined => {
    if (node === null || node === undefined) return undefined
    return isAlias(node) ? anchors.get(node) : node
  }
  const entriesOf = entryReader(resolve)
  let nodeCount = inspect(parsed.contents, { anchors, reportNode, fatal })
  const set = applySettings(parsed.contents, settings, { resolve, entriesOf, origins, created, add })
  for (const [value, origin] of set.values) {
    const fatalThere = (at: number, told: Told): never => {
      throw invalidInput(problemIn(origin, at, at + 1, told))
    }
    nodeCount += inspect(value, { anchors, reportNode, fatal: fatalThere })
  }
  const find = (path: Path): { key: Node | undefined; value: Node | undefined } =>
    locateNode(set.root, path, resolve, entriesOf)
  const anchorOf = (path: Path): Node | undefined => {
    const { key, value } = find(path)
    if (value === undefined) return key
    const isNothing = isScalar(value) && value.value === null && (value.source ?? '') === ''
    return key !== undefined && (isCollection(value) || isNothing) ? key : value
  }
  return {
    file,
    text,
    root: resolve(set.root) ?? null,
    problems,
    resolve,
    entriesOf,
    reportNode,
    reportPart: (node, written, from, length, told) => {
      const [start, end] = node.range ?? [0, 1]
      const origin = origins.get(node)
      const around = origin === undefined ? text : origin.setting.text.slice(origin.offset)
      const quote = around[start] === '"' || around[start] === "'" ? 1 : 0
      const first = start + quote
      if (around.slice(first, first + written.length) !== written) addAt(node, start, end, told)
      else addAt(node, first + from, first + from + Math.max(1, length), told)
    },
    report: (path, told) => {
      const node = anchorOf(path)
      if (node === undefined) add(problemAt(0, 1, told))
      else reportNode(node, told)
    },
    reportKey: (path, told) => {
      const { key, value } = find(path)
      const node = key ?? value
      if (node === undefined) add(problemAt(0, 1, told))
      else reportNode(node, told)
    },
    locate: (path) => {
      const node = anchorOf(path)
      const start = node?.range?.[0] ?? 0
      const origin = node && origins.get(node)
      if (origin === undefined) return position(start)
      return { file: origin.setting.flag, line: 0, column: origin.offset + start + 1 }
    },
    refuseStray: (entry, entries, where) => {
      const onTheWay = created.get(entry.key)
      if (onTheWay === undefined) return false
      const siblings = entries.flatMap(({ name, key }) => (created.has(key) ? [] : name))
      const told = strayName(entry, onTheWay, siblings, { where, setting: origins.get(entry.key)?.setting })
      if (told !== undefined) reportNode(entry.key, told)
      return told !== undefined
    },
    nodeCount,
  }
}

const problemIn = ({ setting, offset }: Origin, start: number, end: number, told: Told): Problem =>
  settingProblem(setting, offset + start, offset + end, { ...told, message: printable(told.message) })

/** Long lines are cut so that an excerpt stays readable. */
const shortened = (line: string): string => printable(line.length > 240 ? `${line.slice(0, 239)}…` : line)

/** A file must not steer the terminal that shows what is wrong with it. Tabs stay, so that columns do. */
const printable = (text: string): string => text.replace(/[^\P{Cc}\t]/gu, '\ufffd')

/** Throws what a document has against it, if anything, in the order of the text. */
export const failOnProblems = ({ problems }: SourceDocument): void => {
  if (problems.length === 0) return
  const order = [...problems].sort(
    (a, b) =>
      (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )
  throw invalidInput(...order)
}
