/**
 * `{ low, mid, high }` in place of a number of which only so much is known. Whatever reads the file goes on with `mid`; the
 * three are kept beside, for who asks what the rest of the range would do.
 */
import { isMap, isScalar, type Node, type Scalar } from 'yaml'
import type { Parsed } from '../units.js'
import type { SourceDocument } from './document.js'
import { type Path, textOf } from './nodes.js'

const keys = ['low', 'mid', 'high'] as const
type Key = (typeof keys)[number]

export interface Written {
  /** As it stands in the file, with its unit. */
  readonly text: string
  /** In the base unit: seconds, bytes, per second, a ratio. */
  readonly value: number
}

export interface UncertainNumber {
  /** As `--set` takes it. */
  readonly path: string
  readonly low: Written
  readonly mid: Written
  readonly high: Written
  /** A count. */
  readonly isWhole: boolean
}

interface Found {
  readonly at: Path
  readonly map: Node
  readonly ends: Readonly<Record<Key, Scalar>>
  /** Whether its middle was read as a number, or as nothing at all, which is told where it is read. */
  isRead: boolean
  number: UncertainNumber | undefined
}

/** How a scalar is understood where it stands. */
export interface ScalarForm {
  readonly parse: (value: string | number | boolean, text: string) => Parsed<unknown>
  readonly isWhole: boolean
}

export interface UncertainReader {
  /** `mid` of an uncertain number, any other node itself; undefined: half an uncertain number, which is reported. */
  readonly middle: (node: Node | undefined, at: Path) => Node | undefined
  /** Reads the ends of the number whose middle `node` is, if it is one; `mid`: what it was read as. */
  readonly read: (node: Node | undefined, at: Path, form: ScalarForm, mid: Parsed<unknown>) => void
  /** All of them, in the order of reading; reports those that stand where no number does. */
  readonly finish: () => readonly UncertainNumber[]
}

const isKey = (name: string): name is Key => keys.some((key) => key === name)

const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

const told = (at: Path, message: string): string => `${at.at(-1) ?? 'the file'}: ${message}`

export const uncertainReader = (document: SourceDocument): UncertainReader => {
  const found = new Map<string, Found>()

  const endsOf = (node: Node): Partial<Record<Key, Scalar>> | undefined => {
    if (!isMap(node) || node.items.length === 0 || node.items.length > keys.length) return undefined
    const ends: Partial<Record<Key, Scalar>> = {}
    for (const { name, value } of document.entriesOf(node)) {
      const end = document.resolve(value)
      if (!isKey(name) || !isScalar(end) || end.value === null) return undefined
      ends[name] = end
    }
    return ends
  }

  const endOf = ({ at, ends }: Found, key: 'low' | 'high', { parse }: ScalarForm): Written | undefined => {
    const node = ends[key]
    const text = textOf(node)
    const { value } = node
    const parsed = isPlain(value) ? parse(value, text) : undefined
    if (parsed?.ok === true && typeof parsed.value === 'number') return { text, value: parsed.value }
    if (parsed?.ok === false) document.reportNode(node, { ...parsed, message: told([...at, key], parsed.message) })
    return undefined
  }

  const judge = (here: Found, form: ScalarForm, value: number): UncertainNumber | undefined => {
    const mid = { text: textOf(here.ends.mid), value }
    const [low, high] = [endOf(here, 'low', form), endOf(here, 'high', form)]
    if (low === undefined || high === undefined) return undefined
    const disorder = (key: 'low' | 'high', side: string): undefined => {
      const message = told([...here.at, key], `"${textOf(here.ends[key])}" is ${side} the middle, "${mid.text}"`)
      document.reportNode(here.ends[key], { message, hint: 'low ≤ mid ≤ high' })
    }
    if (low.value > value) return disorder('low', 'above')
    if (high.value < value) return disorder('high', 'below')
    return { path: here.at.join('.'), low, mid, high, isWhole: form.isWhole }
  }

  return {
    middle: (node, at) => {
      const ends = node && endsOf(node)
      if (node === undefined || ends === undefined) return node
      const { low, mid, high } = ends
      if (low === undefined || mid === undefined || high === undefined) {
        const missing = keys.filter((key) => ends[key] === undefined).map((key) => `"${key}"`)
        document.report(at, {
          message: told(at, `an uncertain number needs "low", "mid" and "high"; ${missing.join(' and ')} is not there`),
          hint: '{ low: 1ms, mid: 2ms, high: 4ms }',
        })
        return undefined
      }
      const id = at.join('\n')
      if (found.get(id)?.map !== node)
        found.set(id, { at, map: node, ends: { low, mid, high }, isRead: false, number: undefined })
      return mid
    },
    read: (node, at, form, mid) => {
      const here = found.get(at.join('\n'))
      if (here === undefined || here.ends.mid !== node) return
      here.isRead = !mid.ok || typeof mid.value === 'number'
      here.number = mid.ok && typeof mid.value === 'number' ? judge(here, form, mid.value) : undefined
    },
    finish: () =>
      [...found.values()].flatMap(({ at, map, isRead, number }) => {
        if (!isRead)
          document.reportNode(map, {
            message: told(at, 'only a number can be uncertain'),
            hint: 'write one value',
          })
        return number ?? []
      }),
  }
}
