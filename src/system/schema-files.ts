import { engineRegistry } from '../catalog/index.js'
import { topologyJsonSchema } from '../topology/schema/json-schema.js'

/** The JSON schemas in `schema/`, by file name. */
export const schemaFiles = (): Readonly<Record<string, string>> => ({
  'topology.schema.json': written(topologyJsonSchema(engineRegistry)),
})

const written = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`
