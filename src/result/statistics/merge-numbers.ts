/**
 * Documents of the same shape as one: counts are added, maxima are the largest, every other number is the mean of those that are
 * there. What is neither number nor nested is that of the first. Works on any part of a result, so that a field that is added to
 * results is merged without being named here.
 */

/** Keys of counts, wherever they stand; below `errors` all are. */
const counts: ReadonlySet<string> = new Set([
  'offered',
  'completed',
  'ok',
  'degraded',
  'unknown',
  'attempts',
  'errors',
  'count',
  'timeouts',
  'cpuSeconds',
  'waitSeconds',
  'visits',
  'restarts',
  'unsent',
  'published',
  'rejected',
  'blocked',
  'delivered',
  'redelivered',
  'acked',
  'expired',
  'dropped',
  'nacked',
  'exhausted',
  'wiped',
  'received',
  'deadLettered',
  'lost',
  'acquired',
  'waited',
  'gaveUp',
  'overlaps',
  'fencedOff',
  'reserved',
  'released',
  'soldOut',
  'conflicts',
  'oversold',
])
const maxima: ReadonlySet<string> = new Set(['max', 'lagMaxSeconds'])
/** Not estimates, or told otherwise. */
const skipped: ReadonlySet<string> = new Set(['halfWidth', 'histogram', 'instances', 'replicas'])

/** Told of every mean: its path and the numbers that it is the mean of. */
export type OnMean = (path: string, values: readonly number[]) => void

export const mergeNumbers = <T>(documents: readonly T[], onMean: OnMean = () => {}): T =>
  merged(documents, [], onMean) as T

type Plain = Readonly<Record<string, unknown>>

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const isNumber = (value: unknown): value is number => typeof value === 'number'
const hasId = (value: unknown): value is { readonly id: string } => isPlain(value) && typeof value.id === 'string'

const merged = (values: readonly unknown[], path: readonly string[], onMean: OnMean): unknown => {
  const told = values.filter((value) => value !== undefined && value !== null)
  const [first] = told
  if (told.every(isNumber) && first !== undefined) return mergedNumber(told, path, onMean)
  if (told.every(isPlain) && first !== undefined) return mergedObject(told, path, onMean)
  if (told.every(Array.isArray) && first !== undefined && told.flat().every(hasId)) return mergedList(told, path)
  return first ?? values[0]
}

const mergedNumber = (values: readonly number[], path: readonly string[], onMean: OnMean): number => {
  const sum = values.reduce((total, value) => total + value, 0)
  if (path.some((key, i) => counts.has(key) && (i === path.length - 1 || key === 'errors'))) return sum
  if (maxima.has(path.at(-1) ?? '')) return Math.max(...values)
  if (!path.some((key) => skipped.has(key))) onMean(path.join('.'), values)
  return sum / values.length
}

/** Keys in the order in which they first come; those of `errors` by name, as in every result. */
const mergedObject = (values: readonly Plain[], path: readonly string[], onMean: OnMean): Plain => {
  const keys = [...new Set(values.flatMap((value) => Object.keys(value)))].filter((key) => key !== 'halfWidth')
  if (path.at(-1) === 'errors') keys.sort()
  return Object.fromEntries(
    keys.map((key) => [
      key,
      merged(
        values.map((value) => value[key]),
        [...path, key],
        onMean,
      ),
    ]),
  )
}

/** By id: instances may come and go. */
const mergedList = (lists: readonly (readonly { readonly id: string }[])[], path: readonly string[]): unknown => {
  const ids = [...new Set(lists.flatMap((list) => list.map(({ id }) => id)))]
  return ids.map((id) =>
    merged(
      lists.map((list) => list.find((item) => item.id === id)),
      path,
      () => {},
    ),
  )
}
