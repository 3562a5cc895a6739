/** Whose logs tell that an instance of a component is gone: the balancers in front of it, else the services that call it. */
import type { InstanceStatus } from '../contract/running-system.js'
import type { StepFact } from '../topology/steps.js'
import type { ServiceComponent, Topology } from '../topology/types.js'
import { tellsOfFailure, tellsOfLoss, type WatchedLog } from './log-watch.js'

/** What a service calls its clients of this component in its log. */
const clientsOf = (service: ServiceComponent, component: string, facts: readonly StepFact[]): readonly string[] => [
  ...Object.values(service.pools).flatMap((pool) => (pool.to.component === component ? [`pool ${pool.id}`] : [])),
  ...(facts.some((fact) => fact.service === service.id && fact.burns === component) ? [`cache ${component}`] : []),
]

export const watchedLogs = (
  topology: Topology,
  component: string,
  /** Addresses (`host:port`) of the instances that are struck. */
  addresses: readonly string[],
  status: readonly InstanceStatus[],
  facts: readonly StepFact[],
): readonly WatchedLog[] => {
  const logsOf = (by: string, tells: WatchedLog['tells']): readonly WatchedLog[] =>
    status.filter((instance) => instance.component === by).map(({ logFile }) => ({ by, logFile, tells }))
  return Object.values(topology.components).flatMap((candidate) => {
    if (candidate.role === 'balancer' && candidate.upstreams.some((upstream) => upstream.component === component))
      return logsOf(candidate.id, tellsOfFailure(addresses))
    if (candidate.role !== 'service') return []
    const clients = clientsOf(candidate, component, facts)
    return clients.length === 0 ? [] : logsOf(candidate.id, tellsOfLoss(clients))
  })
}
