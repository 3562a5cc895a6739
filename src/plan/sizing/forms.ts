/** The least forms of components that outlive the loss of an instance: quorums, copies and somebody who promotes them. As settings, which are parsed once. */
import { failoverOf } from '../../catalog/models.js'
import type { Component, StoreComponent, Topology } from '../../topology/types.js'

/** Of a supervisor such as Patroni or Orchestrator, where none is declared: noticed after three missed heartbeats, then promoted. */
const supervised = 'failover={ detect: 10s, promote: 20s }'

const redisForm = (store: StoreComponent): readonly string[] => {
  const copies = 1
  const masters = store.mode === 'cluster' ? 3 : 1
  const mode = store.mode === 'cluster' ? 'cluster' : 'sentinel'
  return [
    `mode=${mode}`,
    ...(mode === 'cluster' ? [`masters=${masters}`] : []),
    `replicasPerMaster=${copies}`,
    `replicas=${masters * (1 + copies)}`,
  ]
}

const storeForm = (store: StoreComponent): readonly string[] | undefined => {
  switch (store.engine) {
    case 'kafka':
      return ['replicas=3', `replicationFactor=${Math.max(2, store.replicationFactor ?? 3)}`]
    case 'rabbitmq':
      return ['replicas=3']
    case 'redis':
      return redisForm(store)
    case 'mongodb':
    case 'mysql':
    case 'postgres': {
      // Of two members of a replica set, one is no majority.
      const copies = store.engine === 'mongodb' ? 2 : 1
      const promoted = failoverOf({ ...store, mode: 'replicated' }).election !== 'none'
      return [`readReplicas=${copies}`, `replicas=${store.masters * (1 + copies)}`, ...(promoted ? [] : [supervised])]
    }
    default:
      return undefined
  }
}

/** Undefined: no numbers make it outlive the loss (an external dependency, a store without copies). */
const formOf = (component: Component): readonly string[] | undefined => {
  const at = (settings: readonly string[]): readonly string[] =>
    settings.map((setting) => `components.${component.id}.${setting}`)
  if (component.role === 'store') {
    const form = storeForm(component)
    return form && at(form)
  }
  if (component.role === 'balancer') return at(['replicas=2'])
  if (component.role !== 'service') return undefined
  const { scaling } = component
  return at([
    'replicas=2',
    ...(scaling === undefined ? [] : ['scaling.min=2', `scaling.max=${Math.max(scaling.max, 2)}`]),
  ])
}

/** The settings for a component of this name. */
export const redundantForm = (topology: Topology, id: string): readonly string[] | undefined => {
  const component = topology.components[id]
  return component && formOf(component)
}
