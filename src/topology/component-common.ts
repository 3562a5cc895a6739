/** What all components have. */

import type { Fields } from '../lib/document/read.js'
import type { z } from '../lib/document/zod.js'
import type { commonOptions } from './schema/options.js'
import { lookUp, type RawComponent, type Scope } from './scope.js'

type Common = typeof commonOptions
export type FieldsOf<Options> = Fields<Common & Options>
export type BuildScope = Pick<Scope, 'reader' | 'hosts' | 'data' | 'components'>

export const fieldsOf = <O extends z.ZodRawShape>(raw: RawComponent, _options: O): FieldsOf<O> =>
  raw.fields as unknown as FieldsOf<O>

/** What all components have. */
export const common = (scope: BuildScope, raw: RawComponent, fields: FieldsOf<object>, replicas: number) => {
  const written = fields.get('host')
  const host = written?.startsWith('host:') === true ? written.slice('host:'.length) : written
  if (host !== undefined) lookUp(scope, 'host', scope.hosts, host, fields.path('host'))
  const resources = fields.get('resources')
  const memory = resources?.get('memory')
  return {
    id: raw.id,
    engine: raw.descriptor?.engine ?? '',
    host,
    zone: fields.get('zone'),
    region: fields.get('region'),
    replicas,
    resources: {
      cpu: resources?.get('cpu'),
      memoryBaseBytes: memory?.baseBytes,
      memoryPerRequestBytes: memory?.perRequestBytes,
    },
    startupSeconds: fields.get('startup') ?? 0,
    restartAfterSeconds: fields.get('restart')?.get('after'),
    availability: fields.get('availability'),
    demand: fields.get('demand'),
  }
}
