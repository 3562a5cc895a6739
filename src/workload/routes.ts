/** From the topology's routes to those of the HTTP server, and from a request's parameters to the keys it is about. */
import type { Problem } from '../lib/errors.js'
import type { RequestClass, Topology } from '../topology/types.js'
import type { RequestKeys } from './keys.js'

export interface Route {
  readonly method: string
  /** In the router's syntax: `/routes/:p0`. */
  readonly url: string
  /** Data sets that the path names, by parameter of the router. */
  readonly inPath: Readonly<Record<string, DataParameter>>
  /** Data sets that the query string names, by its key. */
  readonly inQuery: Readonly<Record<string, DataParameter>>
}

interface DataParameter {
  readonly data: string
  readonly keys: number
}

/** Paths that the service keeps for itself. */
export const ownPaths = ['/healthz', '/readyz', '/metrics'] as const
export const ownPrefix = '/plimsoll/'

const parameterPattern = /\{([^{}]+)\}/g

/** `GET /routes/{route}?like={other}`. Parameters that name no data set match anything and mean nothing. */
export const routeOf = ({ route }: RequestClass, topology: Topology): Route => {
  const [path = '', query = ''] = route.path.split('?')
  const inPath: Record<string, DataParameter> = {}
  const inQuery: Record<string, DataParameter> = {}
  let count = 0
  // A colon in a literal path is written twice for the router.
  const url = path.replaceAll(':', '::').replaceAll(parameterPattern, (_, id: string) => {
    const name = `p${count++}`
    const data = topology.data[id]
    if (data !== undefined) inPath[name] = { data: id, keys: data.keys }
    return `:${name}`
  })
  for (const [key, value] of new URLSearchParams(query)) {
    const id = /^\{([^{}]+)\}$/.exec(value)?.[1]
    const data = id === undefined ? undefined : topology.data[id]
    if (id !== undefined && data !== undefined) inQuery[key] = { data: id, keys: data.keys }
  }
  return { method: route.method.toUpperCase(), url: url === '' ? '/' : url, inPath, inQuery }
}

/** Takes the keys out of the parameters. Returns what is wrong with one, or undefined. */
export const readKeys = (
  parameters: Readonly<Record<string, DataParameter>>,
  values: Readonly<Record<string, unknown>>,
  keys: RequestKeys,
): string | undefined => {
  for (const name in parameters) {
    const parameter = parameters[name]
    if (parameter === undefined) continue
    const text = values[name]
    const key = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : -1
    if (key < 0 || key >= parameter.keys)
      return `no ${parameter.data} "${String(text)}": keys are 0 to ${parameter.keys - 1}`
    keys.set(parameter.data, key)
  }
  return undefined
}

/** Routes that one server cannot offer together, or that the service keeps for itself. */
export const routeProblems = (topology: Topology, component: string): readonly Problem[] => {
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  for (const request of Object.values(topology.requests)) {
    if (request.serve !== component) continue
    const { method, url } = routeOf(request, topology)
    const position = topology.source.locate(['requests', request.id, 'route'])
    const problem = (message: string): void => {
      problems.push({ message, position })
    }
    if (url.startsWith(ownPrefix) || ownPaths.some((path) => path === url))
      problem(`route of ${request.id}: ${url} is kept by the workload service for itself`)
    const shape = `${method} ${url.replaceAll(/:p\d+/g, ':')}`
    const other = taken.get(shape)
    if (other !== undefined) problem(`route of ${request.id}: the same as that of ${other}`)
    taken.set(shape, request.id)
  }
  return problems
}
