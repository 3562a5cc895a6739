/**
 * What watches a topology, in a network of containers: prometheus.yml, and Grafana's provisioning. An exporter shares the
 * network of its server (a side-car), so that it asks on loopback and is asked at the server's address.
 */
import { grafanaFiles, sourceOf } from '../../catalog/grafana/config.js'
import { metricsOf, unwatchable, watchedBy } from '../../catalog/metrics.js'
import { prometheusDocument, prometheusPort, prometheusYml, scrapeSecondsOf } from '../../catalog/prometheus/config.js'
import type { ScrapeTarget } from '../../contract/engine.js'
import { invalidInput, notYet } from '../../lib/errors.js'
import type { MonitorComponent, Topology } from '../../topology/types.js'
import { type AddressPlan, addressPlan } from './address-plan.js'
import { applyPatches, type Json } from './patch.js'

const monitors = (topology: Topology, engine: string): readonly MonitorComponent[] =>
  Object.values(topology.components).filter(
    (component): component is MonitorComponent => component.role === 'monitor' && component.engine === engine,
  )

/** The container of a monitor, and its name in their network. */
const monitorName = (monitor: MonitorComponent): string => `${monitor.id}-0`

/** `<folder>/…`; where there are several of the engine, `<folder>/<id>/…`. */
const folderOf = (topology: Topology, { engine, id }: MonitorComponent): string =>
  monitors(topology, engine).length > 1 ? `${engine}/${id}` : engine

/** What this Prometheus asks; it asks itself on loopback. */
const scrapeTargets = (topology: Topology, monitor: MonitorComponent, plan: AddressPlan): readonly ScrapeTarget[] => [
  ...watchedBy(topology, monitor).flatMap((component) => {
    const metrics = metricsOf(component.engine)
    if (metrics === undefined) return []
    const { engine, id } = component
    const target = { component: id, engine, path: metrics.path }
    return plan.units
      .filter((unit) => unit.component.id === id)
      .map(({ process, address: { instance, host, port } }) => ({
        ...target,
        ...{ instance, process, host },
        port: metrics.exporter?.port ?? port,
      }))
  }),
  {
    component: monitor.id,
    engine: monitor.engine,
    instance: `${monitor.id}/0`,
    process: 0,
    host: '127.0.0.1',
    port: prometheusPort,
    path: '/metrics',
  },
]

/** Path and text of prometheus.yml, amended as `generate.prometheus.patches` say. */
export const prometheusConfig = (
  topology: Topology,
  monitor: MonitorComponent,
  plan: AddressPlan,
): readonly [path: string, text: string] => {
  const problems = unwatchable(topology, monitor)
  if (problems.length > 0) throw invalidInput(...problems)
  const document: Json = prometheusDocument(topology, monitor, scrapeTargets(topology, monitor, plan))
  const patches = topology.generate.prometheus?.patches ?? []
  const patched = applyPatches(document, patches, 'generate.prometheus.patches', (i) =>
    topology.source.locate(['generate', 'prometheus', 'patches', i]),
  )
  return [`${folderOf(topology, monitor)}/prometheus.yml`, prometheusYml(topology, patched)]
}

export const prometheusTarget = (topology: Topology): ReadonlyMap<string, string> => {
  const plan = addressPlan(topology)
  return new Map(monitors(topology, 'prometheus').map((monitor) => prometheusConfig(topology, monitor, plan)))
}

/** The Prometheus that a Grafana shows. */
export const grafanaSource = (topology: Topology, monitor: MonitorComponent): MonitorComponent => {
  const source = sourceOf(topology, monitor)
  if (source?.engine === 'prometheus') return source
  throw invalidInput({
    message: `${monitor.id} (grafana) has no Prometheus to show`,
    position: topology.source.locate(['components', monitor.id, 'source']),
    hint: 'add a component with engine: prometheus, and name it as source',
  })
}

/** What Grafana reads when it starts: `provisioning` and `dashboards` in a folder. */
export const grafanaProvisioning = (
  topology: Topology,
  monitor: MonitorComponent,
): { readonly folder: string; readonly files: readonly (readonly [path: string, text: string])[] } => {
  const source = grafanaSource(topology, monitor)
  const folder = folderOf(topology, monitor)
  const url = `http://${monitorName(source)}:${prometheusPort}`
  const files = Object.entries(grafanaFiles(topology, url, scrapeSecondsOf(source)))
  return { folder, files: files.map(([path, text]) => [`${folder}/${path}`, text]) }
}

export const grafanaTarget = (topology: Topology): ReadonlyMap<string, string> => {
  if ((topology.generate.grafana?.patches.length ?? 0) > 0)
    throw notYet('generate.grafana.patches', topology.source.locate(['generate', 'grafana', 'patches']))
  return new Map(monitors(topology, 'grafana').flatMap((monitor) => grafanaProvisioning(topology, monitor).files))
}
