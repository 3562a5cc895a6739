/** What of the language the workload service cannot execute yet; asked before anything is started. */
import type { Problem } from '../../lib/errors.js'
import { type Step, walk } from '../../topology/flow.js'
import { flowsOfService } from '../../topology/flows.js'
import { priorityLevels } from '../../topology/priorities.js'
import type { ComponentId, Topology } from '../../topology/types.js'

/** Undefined: it can be executed. Otherwise what cannot, in words that follow the step's id. */
type Support<K extends Step['kind']> = (step: Extract<Step, { kind: K }>, topology: Topology) => string | undefined

const engineOf = (topology: Topology, component: ComponentId): string =>
  topology.components[component]?.engine ?? 'nothing'

const onPostgres = (component: ComponentId, topology: Topology): string | undefined => {
  const engine = engineOf(topology, component)
  return engine === 'postgres' ? undefined : `on ${component} (${engine})`
}

const support = (step: Step, topology: Topology): string | undefined => {
  switch (step.kind) {
    case 'lookup':
      return lookupSupport(step, topology)
    case 'query':
    case 'write':
    case 'transaction':
      return onPostgres(step.target.component, topology)
    case 'call':
      return callSupport(step, topology)
    case 'compute':
    case 'wait':
    case 'choose':
    case 'parallel':
    case 'repeat':
      return undefined
    default:
      return ''
  }
}

const lookupSupport: Support<'lookup'> = (step, topology) => {
  const cache = topology.components[step.target.component]
  if (cache?.role !== 'store' || cache.engine !== 'redis')
    return `in ${step.target.component} (${engineOf(topology, step.target.component)})`
  if (cache.mode !== 'single') return `in ${cache.id} (redis, mode ${cache.mode})`
  if (step.renew) return 'with renew'
  return step.writes === 'aside' ? undefined : `with writes: ${step.writes}`
}

const callSupport: Support<'call'> = (step, topology) => {
  const callee = topology.components[step.target.component]
  if (callee?.role === 'external')
    return callee.rateLimit === undefined ? undefined : `of ${callee.id}, which has a rateLimit`
  return callee?.role === 'service' ? undefined : `of ${step.target.component} (${callee?.engine ?? 'nothing'})`
}

/**
 * Problems that name each step (by id), pool or option of the service `component` that cannot be executed yet; empty
 * when everything can, and for components that are no service.
 */
export const unsupportedSteps = (topology: Topology, component: ComponentId): readonly Problem[] => {
  const service = topology.components[component]
  if (service?.role !== 'service') return []
  const { locate } = topology.source
  const problems: Problem[] = []
  const refuse = (what: string, path: readonly (string | number)[]): void => {
    problems.push({
      message: `${what}: not supported yet on a running stack`,
      position: locate(path),
      hint: '`plimsoll simulate` and `plimsoll plan` may carry it out',
    })
  }
  if (service.consumes !== undefined)
    refuse(`${component} consumes from ${service.consumes.component}`, ['components', component, 'consumes'])
  if (service.image !== undefined || service.command !== undefined)
    refuse(`${component} with an image or command of its own`, [
      'components',
      component,
      service.image === undefined ? 'command' : 'image',
    ])
  for (const pool of Object.values(service.pools)) {
    const engine = engineOf(topology, pool.to.component)
    if (engine !== 'postgres')
      refuse(`pool ${component}.${pool.id} to ${pool.to.component} (${engine})`, [
        'components',
        component,
        'pools',
        pool.id,
      ])
  }
  if (priorityLevels(topology, service) > 1) {
    const ranked = Object.values(topology.requests).find(({ priority }) => priority > 0)
    refuse(`priority of requests at ${component}`, ['requests', ranked?.id ?? '', 'priority'])
  }
  for (const flow of flowsOfService(topology, service))
    for (const step of walk(flow)) {
      const why = support(step, topology)
      if (why !== undefined) refuse(`step ${step.id}: ${step.kind}${why === '' ? '' : ` ${why}`}`, step.path)
    }
  return problems
}
