import { engineRegistry } from '../catalog/index.js'
import { experiment } from '../experiment/schema.js'
import { asJsonSchema, topologyJsonSchema } from '../topology/schema/json-schema.js'

/** The JSON schemas in `schema/`, by file name. */
export const schemaFiles = (): Readonly<Record<string, string>> => ({
  'topology.schema.json': written(topologyJsonSchema(engineRegistry)),
  'experiment.schema.json': written(asJsonSchema(experiment, 'experiment', 'A Plimsoll experiment')),
})

const written = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`
