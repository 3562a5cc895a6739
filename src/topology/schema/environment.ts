/** Environment variables of a program: a value, or the name of a secret whose value is no part of the file. */
import { isMap } from 'yaml'
import { id } from '../../lib/document/scalars.js'
import { form } from '../../lib/document/schema.js'
import { z } from '../../lib/document/zod.js'
import type { EnvironmentValue } from '../types.js'

const secretShape = { secret: id }

const value: z.ZodType<EnvironmentValue> = form(
  z.union([z.string(), z.number(), z.boolean(), z.strictObject(secretShape)]),
  (node, at, reader) => {
    if (isMap(node)) {
      const secret = reader.fields(secretShape, node, at, { what: '{ secret: name }' })?.get('secret')
      return secret === undefined ? undefined : { secret }
    }
    const written = reader.scalar(node, at, 'a value, or { secret: name }')
    return written && { value: written.text }
  },
)

const name: z.ZodType<string> = form(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), (node, at, reader) => {
  const written = reader.scalar(node, at, 'a name')
  if (written === undefined || /^[A-Za-z_][A-Za-z0-9_]*$/.test(written.text)) return written?.text
  reader.document.reportKey(at, {
    message: `"${written.text}" cannot be the name of an environment variable`,
    hint: 'letters, digits and "_", beginning with no digit',
  })
  return undefined
})

export const environment = z.record(name, value)
