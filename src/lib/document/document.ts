/**
 * A YAML file as a tree with positions. What is wrong with the text itself (syntax, duplicate keys, unknown aliases, tags,
 * depth) is found here, before anybody asks what the file means.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { suggestion } from '../did-you-mean.js'
import { invalidInput, type Position, type Problem } from '../errors.js'
import { described, type Entry, entryReader, mergeKey, type Path } from './nodes.js'

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
  /** Number of nodes in the text; expanding aliases far beyond it is refused by readers. */
  readonly nodeCount: number
}

export type Told = Pick<Problem, 'message' | 'why' | 'hint'>

/** A topology of a thousand components takes a tenth of this. */
const maxBytes = 1024 * 1024
/** Deep enough for any flow that a person can read; far from the end of the stack. */
export const maxDepth = 60

/**
 * Reads `text`. Throws PlimsollError at once when the text cannot be read as one YAML document; what can be
 * reported beside other problems is in `problems`.
 */
export const readDocument = (text: string, file: string): SourceDocument => {
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
    return { ...told, position: at, excerpt: { line: shortened(line), length } }
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
  const reportNode = (node: Node, told: Told): void => {
    const [start, end] = node.range ?? [0, 1]
    add(problemAt(start, end, told))
  }
  const anchors = new Map<Node, Node | undefined>()
  const resolve = (node: Node | null | undefined): Node | undefined => {
    if (node === null || node === undefined) return undefined
    return isAlias(node) ? anchors.get(node) : node
  }
  const entriesOf = entryReader(resolve)
  const nodeCount = inspect(parsed.contents, { anchors, reportNode, fatal })
  const find = (path: Path): { key: Node | undefined; value: Node | undefined } =>
    locateNode(parsed.contents, path, resolve, entriesOf)
  const anchorOf = (path: Path): Node | undefined => {
    const { key, value } = find(path)
    if (value === undefined) return key
    const isNothing = isScalar(value) && value.value === null && (value.source ?? '') === ''
    return key !== undefined && (isCollection(value) || isNothing) ? key : value
  }
  return {
    file,
    text,
    root: resolve(parsed.contents) ?? null,
    problems,
    resolve,
    entriesOf,
    reportNode,
    reportPart: (node, written, from, length, told) => {
      const [start, end] = node.range ?? [0, 1]
      const quote = text[start] === '"' || text[start] === "'" ? 1 : 0
      const first = start + quote
      if (text.slice(first, first + written.length) !== written) add(problemAt(start, end, told))
      else add(problemAt(first + from, first + from + Math.max(1, length), told))
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
    locate: (path) => position(anchorOf(path)?.range?.[0] ?? 0),
    nodeCount,
  }
}

/** Long lines are cut so that an excerpt stays readable. */
const shortened = (line: string): string => (line.length > 240 ? `${line.slice(0, 239)}…` : line)

const parseText = (
  text: string,
  lineCounter: LineCounter,
  fatal: (at: number, told: Told) => never,
): Document.Parsed => {
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
      keepSourceTokens: false,
    })
  } catch (error) {
    // The composer of `yaml` recurses: a file nested thousands deep ends its stack.
    if (error instanceof RangeError) return fatal(deepest(text), { message: `nested deeper than ${maxDepth} levels` })
    return fatal(0, { message: 'not readable as YAML', why: error instanceof Error ? error.message : String(error) })
  }
  const [first] = document.errors
  if (first !== undefined) {
    if (first.code === 'MULTIPLE_DOCS') {
      fatal(first.pos[0], {
        message: 'a second document begins here',
        hint: 'one file holds one document: remove "---"',
      })
    }
    const tab = first.code === 'TAB_AS_INDENT' || /tab/i.test(first.message)
    fatal(first.pos[0], {
      message: `not valid YAML: ${lowered(first.message)}`,
      ...(tab ? { hint: 'indent with spaces' } : {}),
    })
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    fatal(0, { message: 'the file is empty', hint: '`plimsoll init` writes a complete example' })
  }
  return document
}

const lowered = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1).trim()

/** Where the nesting of a text goes beyond `maxDepth`, by brackets, indentation or dashes; only to place a message. */
const deepest = (text: string): number => {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '[' || c === '{') depth++
    else if (c === ']' || c === '}') depth--
    if (depth > maxDepth) return i
  }
  const dashes = /(?:[-?] ){60}/.exec(text)
  return dashes?.index ?? 0
}

/**
 * One pass over the tree in the order of the text: what each alias stands for, duplicate keys, tags, depth.
 * Returns the number of nodes.
 */
const inspect = (
  root: Node | null,
  to: {
    anchors: Map<Node, Node | undefined>
    reportNode: (node: Node, told: Told) => void
    fatal: (at: number, told: Told) => never
  },
): number => {
  const named = new Map<string, Node>()
  const open = new Set<Node>()
  let count = 0
  const visit = (node: unknown, depth: number): void => {
    if (!isNode(node)) return
    count++
    if (depth > maxDepth) to.fatal(node.range?.[0] ?? 0, { message: `nested deeper than ${maxDepth} levels` })
    if (isAlias(node)) {
      const target = named.get(node.source)
      to.anchors.set(node, target !== undefined && open.has(target) ? undefined : target)
      if (target === undefined) {
        const hint = suggestion(node.source, [...named.keys()])
        to.reportNode(node, {
          message: `no anchor "&${node.source}" before this`,
          ...(hint === undefined ? {} : { hint }),
        })
      } else if (open.has(target)) {
        to.reportNode(node, {
          message: `"*${node.source}" stands inside of what it stands for`,
          why: 'it would never end',
        })
      }
      return
    }
    if (node.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:')) {
      to.reportNode(node, { message: `the tag "${node.tag}" has no meaning here`, hint: 'remove it' })
    }
    if (node.anchor !== undefined) named.set(node.anchor, node)
    open.add(node)
    if (isMap(node)) {
      const first = new Set<unknown>()
      for (const pair of node.items) {
        visit(pair.key, depth + 1)
        if (isScalar(pair.key)) {
          if (first.has(pair.key.value)) {
            to.reportNode(pair.key, {
              message: `duplicate key "${String(pair.key.value)}"`,
              hint: 'keep one of the two',
            })
          }
          first.add(pair.key.value)
        }
        inspectKey(pair.key, pair.value, to.reportNode)
        visit(pair.value, depth + 1)
      }
    } else if (isCollection(node)) for (const item of node.items) visit(item, depth + 1)
    open.delete(node)
  }
  visit(root, 0)
  return count
}

/** A key is text; `<<` stands for another map. */
const inspectKey = (key: unknown, value: unknown, reportNode: (node: Node, told: Told) => void): void => {
  if (!isNode(key)) return
  if (!isScalar(key) || typeof key.value !== 'string') {
    const what = isScalar(key)
      ? `${described(key)} (${key.value === null ? 'nothing' : typeof key.value})`
      : described(key)
    reportNode(key, {
      message: `a key must be text, got ${what}`,
      ...(isScalar(key) ? { hint: 'put it in quotes' } : {}),
    })
  } else if (key.value === mergeKey && !(isAlias(value) || isCollection(value))) {
    reportNode(key, { message: 'a merge key "<<" takes the alias of a map, such as *base' })
  }
}

/** The nodes at a path; `value` (or `key`) of the nearest ancestor where the path ends early. */
const locateNode = (
  root: Node | null,
  path: Path,
  resolve: SourceDocument['resolve'],
  entriesOf: SourceDocument['entriesOf'],
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

/** Throws what a document has against it, if anything, in the order of the text. */
export const failOnProblems = ({ problems }: SourceDocument): void => {
  if (problems.length === 0) return
  const order = [...problems].sort(
    (a, b) =>
      (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )
  throw invalidInput(...order)
}
