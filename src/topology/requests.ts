/** Classes of requests: who serves them, what serving means, and what is promised. */

import { suggestion } from '../lib/did-you-mean.js'
import type { Path } from '../lib/document/nodes.js'
import type { Fields, Value } from '../lib/document/read.js'
import { compileFlow, retryOf } from './compile.js'
import { type Step, walk } from './flow.js'
import { componentNamed } from './references.js'
import {
  type percentileGroup,
  percentileNames,
  type pollShape,
  type Route,
  type requestShape,
  type sloShape,
} from './schema/root.js'
import { noFlow } from './schema/steps.js'
import { report, reportKey, type Scope } from './scope.js'
import { normalizedShares } from './shares.js'
import type { Component, Objective, RequestClass } from './types.js'

type RequestFields = Fields<typeof requestShape>

export const buildRequests = (
  scope: Scope,
  written: ReadonlyMap<string, RequestFields | undefined>,
  components: ReadonlyMap<string, Component>,
): Readonly<Record<string, RequestClass>> => {
  const at = ['requests']
  const shares = normalizedShares(
    scope,
    [...written.values()].map((fields) => fields?.get('share')),
    at,
    'the shares of requests',
  )
  const built: Record<string, RequestClass> = {}
  ;[...written].forEach(([id, fields], index) => {
    if (fields === undefined) return
    const request = requestClass(scope, id, fields, shares[index] ?? 0, components)
    built[id] = request
    const poll = fields.get('poll')
    if (poll !== undefined) built[`${id}.poll`] = pollClass(scope, request, poll)
  })
  return built
}

const requestClass = (
  scope: Scope,
  id: string,
  fields: RequestFields,
  share: number,
  components: ReadonlyMap<string, Component>,
): RequestClass => {
  const serve = servedBy(scope, fields)
  const enter = enteredBy(scope, fields, serve, components)
  return {
    id,
    share,
    derivedFrom: undefined,
    enter,
    serve: serve ?? '',
    priority: fields.get('priority') ?? 0,
    everySeconds: undefined,
    ...classOf(scope, id, fields, serve, { method: 'GET', path: `/${id}`, names: [] }, false),
  }
}

const pollClass = (scope: Scope, request: RequestClass, fields: Fields<typeof pollShape>): RequestClass => {
  const id = `${request.id}.poll`
  const route: Route = { method: 'GET', path: `${request.route.path}/{id}`, names: ['id'] }
  return {
    ...request,
    id,
    share: 0,
    derivedFrom: request.id,
    everySeconds: fields.get('every'),
    ...classOf(scope, id, fields, request.serve === '' ? undefined : request.serve, route, true),
  }
}

/** What requests and polls have in common. */
const classOf = (
  scope: Scope,
  id: string,
  fields: Fields<Omit<typeof pollShape, 'every'>>,
  serve: string | undefined,
  fallback: Route,
  isPoll: boolean,
): Pick<RequestClass, 'route' | 'idempotent' | 'client' | 'bytes' | 'slo' | 'flow'> => {
  const route = fields.get('route') ?? fallback
  for (const name of route.names) {
    if (isPoll || scope.data.has(name)) continue
    const hint = suggestion(name, [...scope.data.keys()])
    report(scope, fields.path('route'), `route: {${name}} is no data set, so nothing can be filled in`, hint)
  }
  const raw = fields.get('flow')
  const flow = compileFlow(raw, { scope, service: serve, prefix: `${id}/`, key: undefined })
  const client = fields.get('client')
  const bytes = fields.get('bytes')
  const complete = !fields.has('flow') || (raw ?? noFlow).complete
  return {
    route: { method: route.method, path: route.path, parameters: route.names.filter((name) => scope.data.has(name)) },
    idempotent: fields.get('idempotent') ?? ['GET', 'HEAD'].includes(route.method),
    client: { timeoutSeconds: client?.get('timeout'), retry: retryOf(client?.get('retry')) },
    bytes: { in: bytes?.get('in') ?? 0, out: bytes?.get('out') ?? 0 },
    slo: objectives(
      scope,
      fields.get('slo'),
      complete && (raw !== undefined) === fields.has('flow') ? flow : undefined,
    ),
    flow,
  }
}

const servedBy = (scope: Scope, fields: RequestFields): string | undefined => {
  const name = fields.get('serve')
  const at = fields.path('serve')
  const component = name === undefined ? undefined : componentNamed(scope, name, at)
  const role = component?.descriptor?.role
  if (component === undefined || role === undefined) return undefined
  if (role === 'service') return component.id
  const services = [...scope.components.values()]
    .filter((other) => other.descriptor?.role === 'service')
    .map((other) => other.id)
  const hint = services.length > 0 && services.length <= 12 ? `services: ${services.join(', ')}` : undefined
  return report(
    scope,
    at,
    `serve: "${component.id}" is a ${role} (${component.descriptor?.engine}), not a service`,
    hint,
  )
}

/** Balancers, each of which leads to the next and the last to the service, which may be named last itself. */
const enteredBy = (
  scope: Scope,
  fields: RequestFields,
  serve: string | undefined,
  components: ReadonlyMap<string, Component>,
): readonly string[] => {
  const written = fields.get('enter') ?? []
  const enter = serve !== undefined && written.at(-1)?.name === serve ? written.slice(0, -1) : written
  enter.forEach(({ name, at }, index) => {
    const component = componentNamed(scope, name, at)
    const role = component?.descriptor?.role
    if (role === undefined) return
    if (role !== 'balancer') {
      const hint = index === enter.length - 1 ? 'leave "enter" out to go straight to the service' : undefined
      report(scope, at, `enter: "${name}" is a ${role} (${component?.descriptor?.engine}), not a balancer`, hint)
      return
    }
    leads(scope, name, enter[index + 1]?.name ?? serve, at, components)
  })
  return enter.map(({ name }) => name)
}

const leads = (
  scope: Scope,
  from: string,
  to: string | undefined,
  at: Path,
  components: ReadonlyMap<string, Component>,
): void => {
  const balancer = components.get(from)
  const known = to === undefined ? undefined : scope.components.get(to)?.descriptor
  if (balancer?.role !== 'balancer' || to === undefined || known === undefined) return
  const fields = scope.components.get(from)?.fields
  const broken = balancer.upstreams.length === 0 || (fields?.has('upstream') === true && fields.has('weights'))
  const unknown = balancer.upstreams.some(({ component }) => !scope.components.has(component))
  if (broken || unknown || balancer.upstreams.some(({ component }) => component === to)) return
  const upstreams = balancer.upstreams.map(({ component }) => `"${component}"`).join(', ')
  report(
    scope,
    at,
    `enter: "${from}" hands requests on to ${upstreams}, not to "${to}"`,
    'name every balancer on the way, outermost first',
  )
}

type SloFields = Fields<typeof sloShape>

/** `flow` is undefined when it could not be read whole, so that nothing can be missed in it. */
const objectives = (
  scope: Scope,
  slo: SloFields | undefined,
  flow: readonly Step[] | undefined,
): readonly Objective[] => {
  if (slo === undefined) return []
  const all: Objective[] = []
  const add = (prefix: string, group: Fields<typeof percentileGroup.shape> | undefined): void => {
    for (const name of percentileNames) {
      const bound = group?.get(name)
      if (bound !== undefined) all.push({ path: `${prefix}.${name}`, op: '<=', bound })
    }
  }
  add('latency', slo as unknown as Value<typeof percentileGroup>)
  add('outcomes.hit.latency', slo.get('hit'))
  add('outcomes.miss.latency', slo.get('miss'))
  add('queueDelay', slo.get('queueDelay'))
  add('completion', slo.get('completion'))
  const errors = slo.get('errors')
  if (errors !== undefined) all.push({ path: 'errors', op: '<=', bound: errors })
  const availability = slo.get('availability')
  if (availability !== undefined) all.push({ path: 'availability', op: '>=', bound: availability })
  const kinds = flow && new Set([...walk(flow)].map((step) => step.kind))
  const needs = { hit: 'lookup', miss: 'lookup', queueDelay: 'publish', completion: 'publish' } as const
  for (const [key, kind] of Object.entries(needs)) {
    if (kinds !== undefined && !kinds.has(kind) && slo.has(key as keyof typeof needs)) {
      reportKey(scope, [...slo.at, key], `slo: "${key}" has no meaning for a flow without "${kind}"`)
    }
  }
  return all
}
