import { isAlias, isCollection, isMap, isNode, isScalar, type Node } from 'yaml'
import { suggestion } from '../did-you-mean.js'
import { described, mergeKey } from './nodes.js'
import { maxDepth, type Told } from './yaml-text.js'

/**
 * One pass over the tree in the order of the text: what each alias stands for, duplicate keys, tags, depth.
 * Returns the number of nodes.
 */
export const inspect = (
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
      ? `${described(key)}${key.value === null ? '' : ` (${typeof key.value})`}`
      : described(key)
    reportNode(key, {
      message: `a key must be text, got ${what}`,
      ...(isScalar(key) ? { hint: 'put it in quotes' } : {}),
    })
  } else if (key.value === mergeKey && !(isAlias(value) || isCollection(value))) {
    reportNode(key, { message: 'a merge key "<<" takes the alias of a map, such as *base' })
  }
}
