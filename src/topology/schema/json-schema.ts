/** The JSON schema with which editors complete and check a topology. It is made from what the parser reads by. */
import { z as zod } from 'zod'
import { materialize } from '../../lib/document/materialize.js'
import { id } from '../../lib/document/scalars.js'
import { about } from '../../lib/document/schema.js'
import { z } from '../../lib/document/zod.js'
import { componentShape } from '../component-fields.js'
import type { EngineRegistry } from '../engine.js'
import { rootShape } from './root.js'

export const schemaBase = 'https://plimsoll.dev/schema'

/** Every key of the root, with the components as a choice by their engine. */
const topologySchema = (registry: EngineRegistry): z.ZodType => {
  const components = [...registry.values()].map((descriptor) =>
    z
      .strictObject({
        ...componentShape(descriptor),
        engine: z.literal(descriptor.engine).describe(descriptor.summary),
      })
      .meta({ id: `component-${descriptor.engine}`, description: descriptor.summary }),
  )
  const [first, ...others] = components
  if (first === undefined) throw new Error('a registry without engines has no schema')
  return z.strictObject({
    ...rootShape,
    components: about('the parts of the system', z.record(id, z.discriminatedUnion('engine', [first, ...others]))),
  })
}

export const topologyJsonSchema = (registry: EngineRegistry): object =>
  withUncertain(asJsonSchema(topologySchema(registry), 'topology', 'A Plimsoll topology')) as object

/** Texts that are quantities begin with this. */
const quantityPattern = '^[0-9]*'

/** Wherever a number may stand, `{ low, mid, high }` may stand, too. */
const withUncertain = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(withUncertain)
  if (typeof node !== 'object' || node === null) return node
  const { type, pattern } = node as { type?: unknown; pattern?: unknown }
  const isQuantity = typeof pattern === 'string' && pattern.startsWith(quantityPattern)
  if (type !== 'number' && type !== 'integer' && !isQuantity)
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withUncertain(value)]))
  const { description, default: absent, ...number } = node as { description?: unknown; default?: unknown }
  return {
    ...(description === undefined ? {} : { description }),
    ...(absent === undefined ? {} : { default: absent }),
    anyOf: [
      number,
      {
        type: 'object',
        properties: { low: number, mid: number, high: number },
        required: ['low', 'mid', 'high'],
        additionalProperties: false,
      },
    ],
  }
}

/** Draft 7: what the language servers of editors understand. */
export const asJsonSchema = (schema: z.ZodType, name: string, title: string): object => ({
  ...(withoutRepetition(
    zod.toJSONSchema(materialize(schema), { io: 'input', target: 'draft-7', unrepresentable: 'any' }),
  ) as object),
  $id: `${schemaBase}/${name}.schema.json`,
  title,
})

/** Where zod refers to a definition and repeats it, only the reference and its description stay. */
const withoutRepetition = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(withoutRepetition)
  if (typeof node !== 'object' || node === null) return node
  const { allOf, description } = node as { allOf?: unknown; description?: unknown }
  if (Array.isArray(allOf)) return { ...(description === undefined ? {} : { description }), allOf }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withoutRepetition(value)]))
}
