import { number, seconds } from '../../lib/words.js'
import { poolConnections } from '../../sim/analytic/network/limits.js'
import { poolSizeForCores } from '../../sim/analytic/pool-sizing.js'
import { walk } from '../../topology/flow.js'
import type { StoreComponent } from '../../topology/types.js'
import { machinesOf } from '../facts/machines.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** Beyond this many times what keeps the cores busy, more connections only make a longer queue inside of the database. */
const tolerated = 4

export const poolBeyondCores: Rule = {
  severity: 'warning',
  explanation: 'Far more connections are open than the cores of the database can serve at once.',
  formula: 'replicas × size > 4 × max(2 × cores + 1, cores × (cpu + wait) / cpu, X × hold)',
  check: (review) => review.stores.flatMap((store) => judged(review, store)),
}

const judged = (review: Review, store: StoreComponent): readonly RuleFinding[] => {
  const pools = review.services.flatMap((service) =>
    Object.values(service.pools)
      .filter((pool) => pool.to.component === store.id)
      .map((pool) => ({ service, pool, connections: poolConnections(service, pool) })),
  )
  const machines = [...machinesOf(review, store).keys()]
  const cores = machines.reduce((sum, machine) => sum + (review.placement.hosts[machine]?.cpu ?? 0), 0)
  // A machine of its own has as many cores as we gave it: nothing to hold against anybody.
  if (pools.length === 0 || store.host === undefined || cores === 0) return []
  const { cpuSeconds, waitSeconds } = timeIn(review, store)
  const stretch = cpuSeconds > 0 ? (cpuSeconds + waitSeconds) / cpuSeconds : 1
  const open = pools.reduce((sum, { connections }) => sum + connections, 0)
  const busy = Math.max(poolSizeForCores(cores, 1), Math.ceil(cores * stretch))
  const inUse = pools.reduce((sum, { service, pool }) => {
    const planned = review.plan.pools[`${service.id}.${pool.id}`]
    return sum + (planned?.arrivalRatePerSecond ?? 0) * (planned?.holdSeconds ?? 0)
  }, 0)
  const useful = Math.max(busy, Math.ceil(inUse))
  if (open <= tolerated * useful) return []
  const [first] = pools
  return first === undefined
    ? []
    : [
        {
          subject: store.id,
          message: `${open} connections to ${store.id}, whose ${number(cores)} cores are busy with ${useful}`,
          arithmetic: `${pools.map(({ service, pool, connections }) => `${service.id}.${pool.id} ${service.replicas} × ${connections / service.replicas}`).join(' + ')} = ${open} > ${tolerated} × ${useful}; ${number(cores)} cores × (${seconds(cpuSeconds)} + ${seconds(waitSeconds)}) / ${seconds(cpuSeconds)} = ${number(cores * stretch)}, 2 × ${number(cores)} + 1 = ${poolSizeForCores(cores, 1)}`,
          fix: 'smaller pools: who waits in a pool costs the database nothing, who waits in the database does',
          patches: pools.map(({ service, pool, connections }) => ({
            path: ['components', service.id, 'pools', pool.id, 'size'],
            value: Math.max(processesOf(service), Math.floor((connections / service.replicas) * ((2 * useful) / open))),
          })),
          position: review.locate('components', first.service.id, 'pools', first.pool.id, 'size'),
        },
      ]
}

const processesOf = (service: Review['services'][number]): number =>
  service.execution.model === 'event-loop' ? service.execution.processes : 1

/** CPU and wait of the mean statement on the store, by how often each is executed. */
const timeIn = (review: Review, store: StoreComponent): { cpuSeconds: number; waitSeconds: number } => {
  let count = 0
  let cpu = 0
  let wait = 0
  for (const { flow } of review.flows)
    for (const step of walk(flow)) {
      const target =
        step.kind === 'reserve' || step.kind === 'release' ? step.via : 'target' in step ? step.target : undefined
      const planned = review.plan.demand.steps[step.id]
      if (target?.component !== store.id || planned === undefined) continue
      const weight = planned.executionsPerSecond > 0 ? planned.executionsPerSecond : 1
      count += weight
      cpu += weight * planned.cpuSeconds
      wait += weight * planned.waitSeconds
    }
  return count === 0 ? { cpuSeconds: 0, waitSeconds: 0 } : { cpuSeconds: cpu / count, waitSeconds: wait / count }
}
