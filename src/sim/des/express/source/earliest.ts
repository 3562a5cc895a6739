/** Which of several event sources of one kind is due first. */
import type { Layout } from './layout.js'
import { least } from './rows.js'

const never = Number.POSITIVE_INFINITY

/** Up to so many are compared one after the other; more stand in a tournament tree. */
const mostInRow = 4

export interface Earliest {
  /** When the first is due, and which it is: expressions. */
  readonly time: string
  readonly winner: string
  /** The winner is due at `due` from now on. */
  readonly move: string
  /** A member that was not due is at `due`. */
  begin(index: number | string): string
  /** Any member is due at `due` from now on. */
  set(index: number | string): string
}

export const earliest = (layout: Layout, members: number): Earliest => {
  if (members === 1) return only(layout)
  return members <= mostInRow ? row(layout, members) : tree(layout, members)
}

const only = (layout: Layout): Earliest => {
  const time = layout.own('F', [never])()
  const set = `${time} = due`
  return { time, winner: '0', move: set, begin: () => set, set: () => set }
}

/** The least is kept beside. */
const row = (layout: Layout, members: number): Earliest => {
  const times = layout.own('F', new Array<number>(members).fill(never))
  const time = layout.own('F', [never])()
  const winner = layout.own('N', [0])()
  const set = (index: number | string): string => `${times(index)} = due
${least(times, members, 'first')}
${time} = ${times('first')}
${winner} = first`
  return {
    time,
    winner,
    move: set(winner),
    set,
    begin: (index) => `${times(index)} = due
if (due < ${time}) { ${time} = due; ${winner} = ${index} }`,
  }
}

/** Node n of the tree names the earlier of its children 2n and 2n + 1; the leaves are the members. */
const tree = (layout: Layout, members: number): Earliest => {
  const leaves = 2 ** Math.ceil(Math.log2(members))
  const times = layout.own('F', new Array<number>(leaves).fill(never))
  const nodes = layout.own(
    'N',
    Array.from({ length: 2 * leaves }, (_, node) => leftmostLeaf(node, leaves)),
  )
  const replay = (index: string): string => `for (place = (${index} + ${leaves}) >> 1; place > 0; place >>= 1) {
first = ${nodes('2 * place')}
other = ${nodes('2 * place + 1')}
${nodes('place')} = first + +(${times('other')} < ${times('first')}) * (other - first)
}`
  const set = (index: number | string): string => `${times(index)} = due\n${replay(String(index))}`
  const winner = nodes(1)
  return {
    time: times(winner),
    winner,
    move: `member = ${winner}\n${set('member')}`,
    begin: set,
    set,
  }
}

const leftmostLeaf = (node: number, leaves: number): number => {
  let leaf = Math.max(1, node)
  while (leaf < leaves) leaf *= 2
  return leaf - leaves
}
