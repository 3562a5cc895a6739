import { z as zod } from 'zod'
import { Recorded } from './zod.js'

const made = new WeakMap<Recorded, zod.ZodType>()

/** The real zod schema of a recorded one; the same for the same. */
export const materialize = (schema: unknown): zod.ZodType => {
  if (!(schema instanceof Recorded)) return schema as zod.ZodType
  const before = made.get(schema)
  if (before !== undefined) return before
  const { call, args, on } = schema
  const target = (on === undefined ? zod : materialize(on)) as unknown as Record<
    string,
    (...args: unknown[]) => zod.ZodType
  >
  // A clone is for us to tell two readers apart; to zod both are the same schema.
  const real = call === 'clone' ? materialize(on) : target[call]?.(...args.map(replay))
  if (real === undefined) throw new Error(`zod has no ${call}`)
  made.set(schema, real)
  return real
}

/** Arguments with the schemas in them. */
const replay = (value: unknown): unknown => {
  if (value instanceof Recorded) return materialize(value)
  if (Array.isArray(value)) return value.map(replay)
  if (typeof value === 'function') return () => materialize(value())
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replay(inner)]))
}
