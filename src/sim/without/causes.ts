/**
 * A system without one cause of its response times: everything else as it is, so that, under the same seed, two simulations
 * differ by that cause alone. Pure functions of a topology (and of where it runs).
 */
import type { Placement } from '../../result/placement.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Component, DataSet, Topology } from '../../topology/types.js'
import { flowsOf } from '../des/unsupported.js'
import { medianSeconds } from './median.js'
import { mapComponents, mapRequests, mapSteps } from './steps.js'

export const causes = ['cpu', 'pools', 'misses', 'retries', 'locks', 'network', 'tails'] as const
export type Cause = (typeof causes)[number]

/** What is simulated, and where it runs. */
export interface System {
  readonly topology: Topology
  readonly placement: Placement
}

/** More than there are requests: nobody waits for one of so many. Finite, since sizes are divided among processes. */
const plenty = 1e6

/** So many keys that requests in flight hardly ever meet at one; fewer than locks can tell apart. */
const keysForAll = 1e7

const without: Readonly<Record<Cause, (system: System) => System>> = {
  /** Each burst of CPU runs at once, at the speed of one core: no line at event loops, threads, quotas or cores. */
  cpu: ({ topology, placement }) => ({
    topology: mapComponents(topology, (component) =>
      component.role === 'service'
        ? { ...component, execution: { model: 'virtual-threads' }, priorities: 'none' }
        : component,
    ),
    placement: {
      ...placement,
      hosts: Object.fromEntries(Object.entries(placement.hosts).map(([id, host]) => [id, { ...host, cpu: plenty }])),
      instances: Object.fromEntries(
        Object.entries(placement.instances).map(([id, { host }]): [string, { readonly host: string }] => [
          id,
          { host },
        ]),
      ),
    },
  }),
  /** With the connections that their stores take. */
  pools: ({ topology, placement }) => ({
    topology: mapComponents(topology, (component): Component => {
      if (component.role === 'store') return { ...component, maxConnections: undefined, reservedConnections: 0 }
      if (component.role !== 'service') return component
      const pools = Object.entries(component.pools).map(([id, pool]) => [id, { ...pool, size: plenty }])
      return { ...component, pools: Object.fromEntries(pools) }
    }),
    placement,
  }),
  misses: ({ topology, placement }) => ({
    topology: mapComponents(
      mapSteps(topology, (step) => (step.kind === 'lookup' ? { ...step, hitRatio: 1 } : step)),
      (component) =>
        component.role === 'balancer' && component.cache !== undefined
          ? { ...component, cache: { ...component.cache, hitRatio: 1 } }
          : component,
    ),
    placement,
  }),
  /** Of steps, of clients, and of balancers that ask the next upstream. */
  retries: ({ topology, placement }) => ({
    topology: mapComponents(
      mapRequests(
        mapSteps(topology, ({ retry, ...step }) => step),
        (request) => ({ ...request, client: { ...request.client, retry: undefined } }),
      ),
      (component) =>
        component.role === 'balancer'
          ? { ...component, nextUpstream: { ...component.nextUpstream, tries: 1 } }
          : component,
    ),
    placement,
  }),
  /** The visits to the cache and the statements stay; nobody is ever there before. */
  locks: ({ topology, placement }) => {
    const free: Record<string, DataSet> = {}
    const changed = mapSteps(topology, (step): Step => {
      if (step.kind === 'reserve' || step.kind === 'release') return { ...step, guard: 'lua' }
      if (step.kind !== 'lock') return step
      const id = `${step.key ?? step.id}~free`
      free[id] = { id, keys: keysForAll, popularity: { law: 'uniform' }, bytes: 0, counters: {} }
      return { ...step, key: id }
    })
    return { topology: { ...changed, data: { ...changed.data, ...free } }, placement }
  },
  network: ({ topology, placement }) => ({
    topology: { ...topology, network: { crossZoneSeconds: 0, crossRegionSeconds: 0 } },
    placement,
  }),
  /** Dependencies that we do not own answer in their median time, always. */
  tails: ({ topology, placement }) => ({
    topology: mapComponents(topology, (component) =>
      component.role === 'external'
        ? { ...component, latency: { shape: 'constant', seconds: medianSeconds(component.latency) }, errors: 0 }
        : component,
    ),
    placement,
  }),
}

const allOf = ({ components }: Topology): readonly Component[] => Object.values(components)

const isThere: Readonly<Record<Cause, (topology: Topology, steps: readonly Step[]) => boolean>> = {
  cpu: () => true,
  pools: (topology) => allOf(topology).some((one) => one.role === 'service' && Object.keys(one.pools).length > 0),
  misses: (topology, steps) =>
    steps.some((step) => step.kind === 'lookup' && step.hitRatio !== 1) ||
    allOf(topology).some((one) => one.role === 'balancer' && one.cache !== undefined),
  retries: ({ requests }, steps) =>
    steps.some(({ retry }) => retry !== undefined) ||
    Object.values(requests).some(({ client }) => client.retry !== undefined),
  locks: (_, steps) =>
    steps.some(
      (step) =>
        step.kind === 'lock' ||
        ((step.kind === 'reserve' || step.kind === 'release') &&
          (step.guard === 'row-lock' || step.guard === 'version')),
    ),
  network: ({ network }) => network.crossZoneSeconds > 0 || network.crossRegionSeconds > 0,
  tails: (topology) =>
    allOf(topology).some((one) => one.role === 'external' && (one.latency.shape !== 'constant' || one.errors > 0)),
}

/** Those that the topology has, in the order in which a request is likely to meet them. */
export const causesOf = (topology: Topology): readonly Cause[] => {
  const steps = flowsOf(topology).flatMap((flow) => [...walk(flow)])
  return causes.filter((cause) => isThere[cause](topology, steps))
}

export const withoutCauses = (system: System, removed: readonly Cause[]): System =>
  removed.reduce((left, cause) => without[cause](left), system)
