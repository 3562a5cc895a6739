import { createHash } from 'node:crypto'

/** JSON with sorted keys, without what is undefined and without where steps stand in the document. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(',')}]`
  if (value instanceof Float64Array || value instanceof Uint16Array) return `[${value.join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
  return `{${entries.join(',')}}`
}

/** sha256 (hex) of what a value means: independent of the order of keys. */
export const digestOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex')

/** Steps carry the path at which they were written; that is no part of what they mean. */
const withoutPaths = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutPaths)
  if (typeof value !== 'object' || value === null) return value
  const isStep = 'kind' in value && 'path' in value && 'id' in value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (isStep && key === 'path' ? [] : [[key, withoutPaths(inner)]])),
  )
}

export const topologyDigest = (topology: object): string => digestOf(withoutPaths(topology))
