/** What the process runtime cannot run yet, said by name and place before anything is started. */
import { unwatchable } from '../../../catalog/metrics.js'
import { unsupportedSteps } from '../../../catalog/service/supported.js'
import type { Engine } from '../../../contract/engine.js'
import { invalidInput, type PlimsollError, type Problem } from '../../../lib/errors.js'
import type { Component, Topology } from '../../../topology/types.js'

type Where = 'as native processes' | 'in containers'

interface Feature {
  readonly key: string
  readonly asked: (component: Component) => boolean
  readonly hint?: string
}

/** Copies of PostgreSQL follow its primary; a copy of anything else would hold nothing. */
const hasCopies = (component: Component): boolean => component.role === 'store' && component.engine === 'postgres'

const features: readonly Feature[] = [
  { key: 'readReplicas', asked: (c) => c.role === 'store' && !hasCopies(c) && c.readReplicas > 0 },
  { key: 'mode', asked: (c) => c.role === 'store' && !hasCopies(c) && c.mode !== 'single' },
  { key: 'masters', asked: (c) => c.role === 'store' && c.masters > 1 && c.shards === undefined },
  { key: 'replicasPerMaster', asked: (c) => c.role === 'store' && c.replicasPerMaster > 0 && c.shards === undefined },
  { key: 'replicas', asked: (c) => c.role === 'store' && !hasCopies(c) && c.replicas > 1 },
  { key: 'replication', asked: (c) => c.role === 'store' && !hasCopies(c) && c.replication !== undefined },
  { key: 'failover', asked: (c) => c.role === 'store' && !hasCopies(c) && c.failover !== undefined },
  { key: 'shards', asked: (c) => c.role === 'store' && c.shards !== undefined },
  { key: 'queues', asked: (c) => c.role === 'store' && Object.keys(c.queues).length > 0 },
  { key: 'topics', asked: (c) => c.role === 'store' && Object.keys(c.topics).length > 0 },
  { key: 'scaling', asked: (c) => c.role === 'service' && c.scaling !== undefined },
  {
    key: 'upstream',
    asked: (c) => c.role === 'balancer' && c.upstreams.length > 1,
    hint: 'one upstream component per balancer',
  },
]

/** What only watches carries no request: where it cannot be started, the rest can do without it. */
export const leavesOut = (component: Component, engines: ReadonlyMap<string, Engine>): boolean =>
  component.role === 'monitor' && engines.get(component.engine)?.live === undefined

/** One sentence for each component that is not started, though it is declared. */
export const leftOut = (topology: Topology, engines: ReadonlyMap<string, Engine>): readonly string[] =>
  Object.values(topology.components)
    .filter((component) => leavesOut(component, engines))
    .map(
      ({ id, engine }) =>
        `${id} (${engine}) is left out: it only watches, and no native process of it can be started; plimsoll generate writes its configuration where it can`,
    )

const problemsOf = (
  topology: Topology,
  component: Component,
  engines: ReadonlyMap<string, Engine>,
  where: Where,
): readonly Problem[] => {
  // The services that call it simulate it: there is nothing to start.
  if (component.role === 'external') return []
  const at = (key: string) => topology.source.locate(['components', component.id, key])
  if (component.role === 'monitor') return leavesOut(component, engines) ? [] : unwatchable(topology, component)
  if (engines.get(component.engine)?.live === undefined)
    return [
      {
        message: `engine ${component.engine} (component ${component.id}) ${where}: not supported yet`,
        position: at('engine'),
        hint: 'plimsoll simulate and plimsoll plan take it',
      },
    ]
  const refused = features
    .filter((feature) => feature.asked(component))
    .map(({ key, hint }) => ({
      message: `${key} of component ${component.id} (${component.engine}) ${where}: not supported yet`,
      position: at(key),
      ...(hint === undefined ? {} : { hint }),
    }))
  return [...refused, ...unsupportedSteps(topology, component.id)]
}

/** Undefined: all of it can be run. */
export const unsupported = (
  topology: Topology,
  engines: ReadonlyMap<string, Engine>,
  where: Where = 'as native processes',
): PlimsollError | undefined => {
  const problems = Object.values(topology.components).flatMap((component) =>
    problemsOf(topology, component, engines, where),
  )
  return problems.length === 0 ? undefined : invalidInput(...problems)
}
