/**
 * zod, recorded. Our schemas are written in zod's words and typed by zod, but zod itself (half of a command's start) is
 * loaded only by what needs it: the JSON schemas for editors (`materialize.ts`). The parser reads YAML nodes by the
 * recording. See docs/adr/0004-zod-recorded.md.
 */
import type { z as zod } from 'zod'

/** What makes a schema of its own; everything else is said of a schema that is there. */
const kinds = [
  'string',
  'number',
  'int',
  'boolean',
  'literal',
  'enum',
  'unknown',
  'strictObject',
  'object',
  'record',
  'partialRecord',
  'array',
  'tuple',
  'union',
  'discriminatedUnion',
  'lazy',
] as const
export type Kind = (typeof kinds)[number]

const refinements = ['optional', 'default', 'describe', 'meta', 'clone', 'regex', 'min', 'max', 'gt', 'lt'] as const
export type Refinement = (typeof refinements)[number]

/** One call: `z.array(element)`, or `.optional()` on another. */
export class Recorded {
  constructor(
    readonly call: Kind | Refinement,
    readonly args: readonly unknown[],
    /** What a refinement is said of. */
    readonly on: Recorded | undefined,
  ) {}

  /** Keys of an object, as zod has it. */
  get shape(): unknown {
    return base(this).args[0]
  }

  /** Of an array, as zod has it. */
  get element(): unknown {
    return base(this).args[0]
  }
}

for (const name of refinements) {
  Object.defineProperty(Recorded.prototype, name, {
    value(this: Recorded, ...args: readonly unknown[]) {
      return new Recorded(name, args, this)
    },
  })
}

export const z = Object.fromEntries(
  kinds.map((kind) => [kind, (...args: readonly unknown[]) => new Recorded(kind, args, undefined)]),
) as unknown as Pick<typeof zod, Kind>

/** The names of zod's types, so that schemas read as they do everywhere. */
export namespace z {
  export type ZodType<T = unknown> = zod.ZodType<T>
  export type ZodRawShape = zod.ZodRawShape
  export type ZodOptional<T extends zod.ZodType> = zod.ZodOptional<T>
  export type ZodDefault<T extends zod.ZodType> = zod.ZodDefault<T>
  export type output<T> = zod.output<T>
}

export const recorded = (schema: unknown): Recorded => {
  if (schema instanceof Recorded) return schema
  throw new Error('a schema that was not written with our z')
}

/** The schema itself, and what was said of it, outermost first. */
export function* layers(schema: unknown): Generator<Recorded> {
  let layer: Recorded | undefined = recorded(schema)
  while (layer !== undefined) {
    yield layer
    layer = layer.on
  }
}

export const base = (schema: unknown): Recorded => {
  let layer = recorded(schema)
  while (layer.on !== undefined) layer = layer.on
  return layer
}

/** What is said of a schema by `describe`. */
export const descriptionOf = (schema: unknown): string | undefined => {
  for (const { call, args } of layers(schema)) if (call === 'describe') return String(args[0])
  return undefined
}
