/** Where the numbers of each technology come from, and what a monitor watches. */
import type { MetricsFacet } from '../contract/engine.js'
import type { Problem } from '../lib/errors.js'
import type { Component, MonitorComponent, Topology } from '../topology/types.js'
import { nginxExporter } from './nginx/exporter.js'
import { postgresExporter } from './postgres/exporter.js'
import { redisExporter } from './redis/exporter.js'

const path = '/metrics'

const metrics: Readonly<Record<string, MetricsFacet>> = {
  nginx: { path, exporter: nginxExporter },
  redis: { path, exporter: redisExporter },
  postgres: { path, exporter: postgresExporter },
  service: { path },
  prometheus: { path },
}

/** Undefined: nothing of it can be read. */
export const metricsOf = (engine: string): MetricsFacet | undefined => metrics[engine]

const namedTargets = (monitor: MonitorComponent): readonly string[] | undefined => {
  const { targets } = monitor.options
  return Array.isArray(targets) ? targets.filter((name) => typeof name === 'string') : undefined
}

/** What a Prometheus watches: what its `targets` name, else everything that has numbers; itself not among it. */
export const watchedBy = (topology: Topology, monitor: MonitorComponent): readonly Component[] => {
  const named = namedTargets(monitor)
  return Object.values(topology.components).filter(
    (component) =>
      component.id !== monitor.id &&
      metricsOf(component.engine) !== undefined &&
      (named === undefined || named.includes(component.id)),
  )
}

/** Problems of `targets` that have no numbers, by name and position. */
export const unwatchable = (topology: Topology, monitor: MonitorComponent): readonly Problem[] =>
  (namedTargets(monitor) ?? []).flatMap((name, index) => {
    const component = topology.components[name]
    return component === undefined || metricsOf(component.engine) !== undefined
      ? []
      : [
          {
            message: `${monitor.id} cannot watch ${name} (${component.engine}): nothing exposes its metrics`,
            position: topology.source.locate(['components', monitor.id, 'targets', index]),
            hint: `engines with metrics: ${Object.keys(metrics).join(', ')}`,
          },
        ]
  })
