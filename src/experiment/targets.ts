/** What a fault points at, resolved against the topology. */
import { suggestion } from '../lib/did-you-mean.js'
import type { Told } from '../lib/document/document.js'
import { edgesOf } from '../topology/edges.js'
import { instanceCount } from '../topology/instances.js'
import type { Topology } from '../topology/types.js'
import { faultSpecs } from './fault-kinds.js'
import type { FaultKind, FaultTarget } from './types.js'

/** A part of the target's text and what is wrong with it. */
export type TargetFlaw = Told & { readonly from: number; readonly length: number }

type Resolved = FaultTarget | TargetFlaw

const words: Readonly<Record<FaultTarget['kind'], string>> = {
  component: 'a component (app)',
  instance: 'an instance (app/0)',
  edge: 'an edge (app -> db)',
  host: 'a host (host:app)',
  zone: 'a zone (a)',
  request: 'a request class',
  all: 'all',
}

const flaw = (text: string, part: string, message: string, hint: string | undefined): TargetFlaw => ({
  from: Math.max(0, text.lastIndexOf(part)),
  length: part.length,
  message,
  ...(hint === undefined ? {} : { hint }),
})

export const resolveTarget = (kind: FaultKind, text: string, topology: Topology): Resolved => {
  const { targets } = faultSpecs[kind]
  const expected = `"${kind}" strikes ${targets.map((target) => words[target]).join(' or ')}`
  const wrong = (hint?: string): TargetFlaw => flaw(text, text, `${expected}, not "${text}"`, hint)
  const resolved = resolve(text, topology, targets)
  if (resolved === undefined) return wrong(suggestion(text, candidates(topology, targets)))
  if ('message' in resolved) return resolved
  if (!targets.includes(resolved.kind)) {
    const edges = targets.includes('edge') && resolved.kind === 'component' ? edgesAt(topology, resolved.component) : []
    return wrong(edges.length > 0 ? `such as ${edges[0]}` : undefined)
  }
  return resolved
}

const candidates = (topology: Topology, targets: readonly FaultTarget['kind'][]): string[] => [
  ...(targets.includes('component') ? Object.keys(topology.components) : []),
  ...(targets.includes('host') ? Object.keys(topology.hosts) : []),
  ...(targets.includes('zone') ? zones(topology) : []),
  ...(targets.includes('request') ? Object.keys(topology.requests) : []),
  ...(targets.includes('all') ? ['all'] : []),
  ...(targets.includes('edge') ? edgesOf(topology) : []),
]

const zones = (topology: Topology): string[] => [
  ...new Set(
    [...Object.values(topology.hosts), ...Object.values(topology.components)].flatMap(({ zone }) => zone ?? []),
  ),
]

const edgesAt = (topology: Topology, component: string): string[] =>
  edgesOf(topology).filter((edge) => edge.split(' -> ').includes(component))

/** Undefined: it is nothing that we know. */
const resolve = (text: string, topology: Topology, targets: readonly FaultTarget['kind'][]): Resolved | undefined => {
  if (text.includes('->')) return edge(text, topology)
  if (text.startsWith('host:')) return host(text, text.slice(5), topology)
  if (text.startsWith('zone:')) return zone(text, text.slice(5), topology)
  if (text === 'all') return { kind: 'all' }
  const only = targets.length === 1 ? targets[0] : undefined
  if (only === 'host') return host(text, text, topology)
  if (only === 'zone') return zone(text, text, topology)
  const slash = text.indexOf('/')
  const name = slash < 0 ? text : text.slice(0, slash)
  if (Object.hasOwn(topology.components, name))
    return slash < 0 ? { kind: 'component', component: name } : instance(text, topology)
  if (Object.hasOwn(topology.requests, text)) return { kind: 'request', request: text }
  if (Object.hasOwn(topology.hosts, name) && targets.includes('host')) return host(text, text, topology)
  if (slash >= 0 && targets.includes('instance'))
    return flaw(text, name, `no component "${name}"`, suggestion(name, Object.keys(topology.components)))
  return undefined
}

const instance = (text: string, topology: Topology): Resolved => {
  const [component = '', index = ''] = text.split(/\/(.*)/s)
  const made = topology.components[component]
  const count = made === undefined ? 0 : instanceCount(made)
  if (!/^\d{1,6}$/.test(index))
    return flaw(text, index, `expected the index of an instance, such as ${component}/0, got "${text}"`, undefined)
  if (Number(index) < count) return { kind: 'instance', component, index: Number(index) }
  const last = count === 1 ? `only ${component}/0` : `${component}/0 to ${component}/${count - 1}`
  return flaw(
    text,
    index,
    `there is no ${component}/${Number(index)}`,
    count === 0 ? `${component} has no instances of its own` : `there is ${last}`,
  )
}

const edge = (text: string, topology: Topology): Resolved => {
  const parts = text.split('->').map((part) => part.trim())
  const [from = '', to = ''] = parts
  if (parts.length !== 2 || from === '' || to === '')
    return flaw(text, text, `expected an edge such as app -> db, got "${text}"`, undefined)
  const names = Object.keys(topology.components)
  for (const name of [from, to])
    if (!names.includes(name)) return flaw(text, name, `no component "${name}"`, suggestion(name, names))
  const edges = edgesOf(topology)
  if (edges.includes(`${from} -> ${to}`)) return { kind: 'edge', from, to }
  const reverse = edges.includes(`${to} -> ${from}`) ? `did you mean "${to} -> ${from}"?` : undefined
  return flaw(text, text, `nothing goes from ${from} to ${to}`, reverse ?? `edges: ${edges.join(', ')}`)
}

const host = (text: string, name: string, topology: Topology): Resolved => {
  const [id = '', index] = name.split(/\/(.*)/s)
  const made = Object.hasOwn(topology.hosts, id) ? topology.hosts[id] : undefined
  if (made === undefined) return flaw(text, id, `no host "${id}"`, suggestion(id, Object.keys(topology.hosts)))
  if (index === undefined || (/^\d{1,6}$/.test(index) && Number(index) < made.count))
    return { kind: 'host', host: name }
  return flaw(
    text,
    index,
    `there is no machine ${name}`,
    `there ${made.count === 1 ? 'is' : 'are'} ${made.count} of host ${id}, counted from 0`,
  )
}

const zone = (text: string, name: string, topology: Topology): Resolved => {
  const known = zones(topology)
  if (known.includes(name)) return { kind: 'zone', zone: name }
  return flaw(
    text,
    name,
    `no zone "${name}"`,
    known.length === 0 ? 'the topology names no zones' : suggestion(name, known),
  )
}
