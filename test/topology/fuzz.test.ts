import { describe, expect, it } from 'vitest'
import { isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'
import { randomStream } from '../../src/lib/random.js'
import { fixture, problemsOf, scenario } from './problems.js'

const sources = [scenario(), scenario('flash-sale'), fixture('task-queue')]
const random = randomStream(20, 'mutated topologies')
const below = (n: number): number => Math.floor(random.uniform() * n)
const oneOf = <T>(items: readonly T[]): T => items[below(items.length)] as T

const strange: readonly unknown[] = [
  -1,
  0,
  1e15,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2.5,
  null,
  true,
  '',
  'nothing',
  '50%',
  '10s',
  '3/s',
  '1e999ms',
  '-5ms',
  '7 parsecs',
  [],
  [1],
  {},
  { a: 1 },
  '__proto__',
  'constructor',
  'toString',
  { __proto__x: 1 },
  '{',
  'a.b.c',
  'x'.repeat(300),
  [[[]]],
]

/** Deletes, doubles, swaps or retypes a node of the tree. */
const mutateTree = (text: string): string => {
  const document = parseDocument(text)
  const holders: { items: unknown[] }[] = []
  visit(document, (_key, node) => {
    if ((isMap(node) || isSeq(node)) && node.items.length > 0) holders.push(node as { items: unknown[] })
  })
  const holder = oneOf(holders)
  const index = below(holder.items.length)
  const item = holder.items[index]
  switch (below(6)) {
    case 0:
      holder.items.splice(index, 1)
      break
    case 1:
      holder.items.push(item)
      break
    case 2: {
      const other = oneOf(holders)
      const at = below(other.items.length)
      const swapped = other.items[at] as object
      if (isMap(holder) === isMap(other)) {
        holder.items[index] = swapped
        other.items[at] = item
      } else holder.items.reverse()
      break
    }
    case 3:
      if (isMap(holder))
        (item as { key: { value: unknown } }).key.value = oneOf([
          'extra',
          '__proto__',
          'constructor',
          7,
          'engine',
          'Share',
          '',
        ])
      else holder.items[index] = document.createNode(oneOf(strange))
      break
    default:
      if (isMap(holder)) (item as { value: unknown }).value = document.createNode(oneOf(strange))
      else if (isScalar(item)) item.value = oneOf(strange)
      else holder.items[index] = document.createNode(oneOf(strange))
  }
  return document.toString({ verifyAliasOrder: false })
}

/** Cuts, doubles, swaps and inserts characters and lines. */
const mutateText = (text: string): string => {
  const at = below(text.length)
  const lines = text.split('\n')
  const line = below(lines.length)
  switch (below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + below(6))
    case 1:
      return (
        text.slice(0, at) +
        oneOf([
          ':',
          '- ',
          '{',
          '}',
          '[',
          ']',
          '\t',
          '"',
          '&a ',
          '*a',
          '!x ',
          '%',
          '\0',
          '\u2028',
          '|',
          '> ',
          '#',
          '---\n',
          '<<: ',
        ]) +
        text.slice(at)
      )
    case 2:
      return lines.toSpliced(line, 1).join('\n')
    case 3:
      return lines.toSpliced(line, 0, lines[line] ?? '').join('\n')
    case 4:
      return lines.toSpliced(line, 1, `  ${lines[line]}`).join('\n')
    default:
      return text.slice(0, at)
  }
}

const mutated = (): string => {
  let text = oneOf(sources)
  for (let i = 1 + below(3); i > 0; i--) {
    try {
      text = below(3) === 0 ? mutateText(text) : mutateTree(text)
    } catch {
      // The tree of a text that is broken already may have no text of its own; the broken text will do.
      return mutateText(text)
    }
  }
  return text
}

describe('mutated topologies', () => {
  it('parse or are refused with a place and a message, 700 of them, most refused, none crashing', () => {
    let refused = 0
    for (let i = 0; i < 700; i++) {
      const problems = problemsOf(mutated())
      if (problems.length > 0) refused++
      for (const { message, position } of problems) {
        expect(message.length).toBeGreaterThan(5)
        expect(message).not.toMatch(/undefined|\[object|NaN:/)
        expect(position?.line).toBeGreaterThan(0)
        expect(position?.column).toBeGreaterThan(0)
      }
    }
    expect(refused).toBeGreaterThanOrEqual(420)
  })
})
