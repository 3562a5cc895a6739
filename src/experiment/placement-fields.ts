import { suggestion } from '../lib/did-you-mean.js'
import type { Fields, Reader } from '../lib/document/read.js'
import type { Topology } from '../topology/types.js'
import type { placementShape } from './schema.js'
import type { PlacementRequest } from './types.js'

const noHost = (name: string): string => `no host "${name}" in "placement.hosts"`

/** Where an experiment wants to run, with every name checked. */
export const buildPlacement = (
  { reader, topology }: { readonly reader: Reader; readonly topology: Topology | undefined },
  fields: Fields<typeof placementShape>,
): PlacementRequest => {
  const hosts = Object.fromEntries(
    [...(fields.get('hosts') ?? [])].map(([id, host]) => {
      const memoryBytes = host?.get('memory')
      return [id, { cpu: host?.get('cpu') ?? 1, ...(memoryBytes === undefined ? {} : { memoryBytes }) }]
    }),
  )
  const hostIds = Object.keys(hosts)
  const componentIds = topology === undefined ? undefined : Object.keys(topology.components)
  const known = (
    name: string,
    among: readonly string[] | undefined,
    what: (name: string) => string,
    at: readonly (string | number)[],
    isKey: boolean,
  ): void => {
    if (among === undefined || among.includes(name)) return
    const hint = suggestion(name, among)
    const told = { message: what(name), ...(hint === undefined ? {} : { hint }) }
    if (isKey) reader.document.reportKey(at, told)
    else reader.tell(undefined, at, told)
  }
  const all = fields.get('all')
  if (all !== undefined) known(all, hostIds, noHost, fields.path('all'), false)
  const components: Record<string, string> = {}
  for (const [id, host] of fields.get('components') ?? []) {
    const at = [...fields.path('components'), id]
    known(id, componentIds, (name) => `no component "${name}"`, at, true)
    if (host === undefined) continue
    known(host, hostIds, noHost, at, false)
    components[id] = host
  }
  const pin: Record<string, readonly number[]> = {}
  for (const [id, cores] of fields.get('pin') ?? []) {
    const at = [...fields.path('pin'), id]
    known(
      id,
      componentIds && ['generator', 'stack', ...componentIds],
      (name) => `no component "${name}" to pin`,
      at,
      true,
    )
    if (cores?.length === 0) reader.tell(undefined, at, { message: 'there is no core in the list' })
    pin[id] = (cores ?? []).flatMap((core) => core ?? [])
  }
  return { hosts, all, components, pin }
}
