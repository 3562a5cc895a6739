/** The numbers of a file, with the paths at which `--set` takes them. */
import { isMap, isScalar, isSeq, type Node, parseDocument, type Scalar, type YAMLMap } from 'yaml'

export interface Parameter {
  /** `components.app.replicas` */
  readonly path: string
  /** As it is written, with its unit. */
  readonly text: string
  readonly number: number
  /** After the number; empty: it has none. */
  readonly unit: string
}

const quantity = /^((?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s][^\s]*)?$/

const asNumber = (path: string, text: string): readonly Parameter[] => {
  const [, digits, unit = ''] = quantity.exec(text.trim()) ?? []
  return digits === undefined ? [] : [{ path, text: text.trim(), number: Number(digits), unit }]
}

/** Of an uncertain number, `{ low, mid, high }`; undefined: it is another map. */
const middleOf = (map: YAMLMap): Scalar | undefined => {
  const ends = ['low', 'mid', 'high'].map((key) => map.get(key, true))
  const [, mid] = ends
  return map.items.length === ends.length && ends.every((end) => isScalar(end)) && isScalar(mid) ? mid : undefined
}

/** In the order of the text, of uncertain numbers the middle. Keys with dots or spaces have no path, and aliases stand for what is written elsewhere: both are left out. */
export const parametersOf = (text: string): readonly Parameter[] => {
  const document = parseDocument(text, { logLevel: 'silent' })
  const walk = (node: unknown, path: readonly string[]): readonly Parameter[] => {
    if (isScalar(node)) return asNumber(path.join('.'), node.source ?? String(node.value))
    if (isSeq(node)) return node.items.flatMap((item, i) => walk(item, [...path, String(i)]))
    if (!isMap(node)) return []
    const middle = middleOf(node)
    if (middle !== undefined) return asNumber(path.join('.'), middle.source ?? String(middle.value))
    return node.items.flatMap(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : ''
      return name === '' || /[.\s=]/.test(name) ? [] : walk(value as Node, [...path, name])
    })
  }
  return walk(document.contents, [])
}
