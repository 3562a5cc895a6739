import { isMap, isScalar } from 'yaml'
import { readDocument } from './document.js'

/** What a file says it is, or what its keys say; undefined: nothing says anything. Throws when it is not readable as YAML. */
export const documentKind = (text: string, file: string): 'Topology' | 'Experiment' | 'Calibration' | undefined => {
  const { root, resolve, entriesOf } = readDocument(text, file)
  if (!isMap(root)) return undefined
  const entries = entriesOf(root)
  const value = resolve(entries.find(({ name }) => name === 'kind')?.value)
  const kind = isScalar(value) ? value.value : undefined
  if (kind === 'Topology' || kind === 'Experiment' || kind === 'Calibration') return kind
  const names = new Set(entries.map(({ name }) => name))
  if (names.has('components') || names.has('requests')) return 'Topology'
  return names.has('load') || names.has('topology') || names.has('faults') ? 'Experiment' : undefined
}
