import { createHash } from 'node:crypto'

/** Steps carry the path at which they were written; that is no part of what they mean. */
const isStep = (value: object): boolean => 'kind' in value && 'path' in value && 'id' in value

/** JSON with sorted keys, without what is undefined and, unless `withPaths`, without where steps stand in the document. */
const written = (value: unknown, withPaths: boolean): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map((item) => written(item, withPaths)).join(',')}]`
  if (value instanceof Float64Array || value instanceof Uint16Array) return `[${value.join(',')}]`
  const skipped = !withPaths && isStep(value) ? 'path' : undefined
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const inner = (value as Readonly<Record<string, unknown>>)[key]
    if (inner === undefined || key === skipped) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${written(inner, withPaths)}`
  }
  return `{${text}}`
}

/** JSON with sorted keys, without what is undefined. */
export const canonical = (value: unknown): string => written(value, true)

/** sha256 (hex) of what a value means: independent of the order of keys. */
export const digestOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex')

export const topologyDigest = (topology: object): string =>
  createHash('sha256').update(written(topology, false)).digest('hex')
