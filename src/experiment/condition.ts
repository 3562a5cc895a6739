/** `(all|class|component).path op literal`: the text of expectations and abort conditions. */
import { nearest, suggestion } from '../lib/did-you-mean.js'
import { type Parsed, parseDuration, parseRate, parseRatio, parseSize } from '../lib/units.js'
import type { Topology } from '../topology/types.js'
import { pathsOf, type Quantity, quantityOf, type Unit } from './quantities.js'
import type { Condition } from './types.js'
import { subjectOf } from './verdict.js'

/** What is wrong with a part of the text. */
export interface Flaw {
  readonly from: number
  readonly length: number
  readonly message: string
  readonly hint?: string
}

export type ParsedCondition =
  | { readonly ok: true; readonly condition: Condition; readonly quantity: Quantity }
  | { readonly ok: false; readonly flaws: readonly Flaw[] }

const grammar = /^(\s*)([^\s<>=!]*)(\s*)(<=|>=|==|!=|<|>|=)?(\s*)(.*?)\s*$/s
const example = 'all.latency.p95 < 80ms'
const operators = ['<', '<=', '>', '>='] as const

export const parseCondition = (text: string, topology: Topology): ParsedCondition => {
  const [, indent = '', left = '', gap = '', op, gap2 = '', right = ''] = grammar.exec(text) ?? []
  const leftAt = indent.length
  const opAt = leftAt + left.length + gap.length
  const rightAt = opAt + (op?.length ?? 0) + gap2.length
  if (left === '' || op === undefined)
    return {
      ok: false,
      flaws: [
        {
          from: op === undefined && left !== '' ? opAt : leftAt,
          length: Math.max(1, right.length),
          message:
            left === ''
              ? `expected a quantity such as all.latency.p95 first, got "${text.trim()}"`
              : `expected one of ${operators.join(' ')} after "${left}"`,
          hint: `such as ${example}`,
        },
      ],
    }
  const flaws: Flaw[] = []
  const operator = operators.find((candidate) => candidate === op)
  if (operator === undefined)
    flaws.push({
      from: opAt,
      length: op.length,
      message: `"${op}" does not compare with a bound: expected one of ${operators.join(' ')}`,
      ...(op === '=' || op === '==' ? { hint: 'a measured value is never exactly equal: write <= or >=' } : {}),
    })
  const named = quantityNamed(left, topology)
  if ('message' in named) flaws.push({ ...named, from: leftAt + named.from })
  const bound = 'quantity' in named ? literal(right, named.quantity.unit) : undefined
  if (bound !== undefined && !bound.ok) {
    const { message, hint } = bound
    flaws.push({ from: rightAt, length: right.length, message, ...(hint === undefined ? {} : { hint }) })
  }
  if (operator === undefined || 'message' in named || bound === undefined || !bound.ok) return { ok: false, flaws }
  const { subject, path, quantity } = named
  const plain = `${left} ${operator} ${right}`
  return { ok: true, quantity, condition: { text: plain, subject, path, op: operator, bound: bound.value } }
}

type Named = { readonly subject: string; readonly path: readonly string[]; readonly quantity: Quantity }

/** Names of classes may hold dots (`submit.poll`): the longest subject that the text begins with is meant. */
const quantityNamed = (left: string, topology: Topology): Named | Flaw => {
  const subjects = ['all', ...Object.keys(topology.requests), ...Object.keys(topology.components)]
  const parts = left.split('.')
  for (let n = parts.length; n > 0; n--) {
    const subject = parts.slice(0, n).join('.')
    if (!subjects.includes(subject)) continue
    const rest = parts.slice(n)
    const path = rest.join('.')
    const kind = subjectOf(topology, subject)
    const quantity = quantityOf(kind, path)
    if (quantity !== undefined) return { subject, path: rest, quantity }
    const paths = pathsOf(kind)
    const what = kind.kind === 'class' ? 'requests' : 'a component'
    if (path === '')
      return {
        from: 0,
        length: left.length,
        message: `"${subject}" alone is no quantity`,
        hint: `such as ${subject}.${paths[0]}`,
      }
    const elsewhere =
      kind.kind === 'class' ? pathsOf({ kind: 'component', pools: [], queues: [] }) : pathsOf({ kind: 'class' })
    const near = nearest(path, paths)
    const hint =
      near !== undefined
        ? `did you mean "${near}"?`
        : elsewhere.includes(path)
          ? `"${path}" is a quantity of ${kind.kind === 'class' ? 'a component' : 'requests'}, not of ${what}`
          : `quantities of ${what}: ${summary(paths)}`
    return { from: subject.length + 1, length: path.length, message: `"${subject}" has no quantity "${path}"`, hint }
  }
  const first = parts[0] ?? ''
  const hint = suggestion(first, subjects) ?? 'the first word is all, a request class or a component'
  return { from: 0, length: first.length, message: `nothing is named "${first}" in topology "${topology.name}"`, hint }
}

/** `latency.{mean, p50, …}` instead of each. */
const summary = (paths: readonly string[]): string => {
  const groups = new Map<string, string[]>()
  for (const path of paths) {
    const parts = path.split('.')
    const last = parts.pop() ?? ''
    const group = parts.join('.')
    groups.set(group, [...(groups.get(group) ?? []), last])
  }
  return [...groups]
    .flatMap(([group, names]) =>
      group === '' ? names : [names.length === 1 ? `${group}.${names[0]}` : `${group}.{${names.join(', ')}}`],
    )
    .join(', ')
}

const parseCount = (text: string): Parsed<number> => {
  const value = Number(text)
  return text !== '' && Number.isFinite(value) && value >= 0 && value <= 1e15
    ? { ok: true, value }
    : { ok: false, message: `expected a number of at least 0, got "${text}"` }
}

const parsers: Readonly<Record<Unit, (text: string) => Parsed<number>>> = {
  seconds: parseDuration,
  ratio: parseRatio,
  'per-second': parseRate,
  bytes: parseSize,
  count: parseCount,
}

const literal = (text: string, unit: Unit): Parsed<number> =>
  text === ''
    ? { ok: false, message: 'expected a bound after the comparison', hint: `such as ${example}` }
    : parsers[unit](text)
