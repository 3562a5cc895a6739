/**
 * Prometheus as a native process, and beside it an exporter for each instance that does not speak its format: processes of
 * the same instance, so that what watching costs is accounted to the watcher.
 */
import { join } from 'node:path'
import type { Exporter, LiveContext, LiveFacet, ProgramNeed, ScrapeTarget } from '../../contract/engine.js'
import type { ProcessSpec } from '../../contract/process-spec.js'
import { instanceCount } from '../../topology/instances.js'
import type { Component, MonitorComponent, Topology } from '../../topology/types.js'
import { answersOk } from '../common/live-http.js'
import { metricsOf, watchedBy } from '../metrics.js'
import { prometheusArgs, prometheusDocument, prometheusYml } from './config.js'

const server: ProgramNeed = {
  name: 'prometheus',
  debianPackage: 'prometheus',
  candidates: ['/usr/bin/prometheus', '/usr/local/bin/prometheus'],
  versionArgs: ['--version'],
}

const exportedEngines = ['nginx', 'redis', 'postgres']

const accounts = ['prometheus', 'nobody']

const monitorOf = (component: Component): MonitorComponent => {
  if (component.role !== 'monitor') throw new TypeError(`${component.id} is a ${component.role}`)
  return component
}

const watchedInstances = (topology: Topology, component: Component): number =>
  watchedBy(topology, monitorOf(component)).reduce(
    (sum, watched) => (metricsOf(watched.engine)?.exporter === undefined ? sum : sum + instanceCount(watched)),
    0,
  )

interface Exported {
  readonly exporter: Exporter
  readonly server: { readonly host: string; readonly port: number }
  readonly listen: { readonly host: string; readonly port: number }
}

/** What is asked, and the exporters that are asked for it; these listen on the instance's ports after the first. */
const watch = (
  context: LiveContext,
): { readonly targets: readonly ScrapeTarget[]; readonly exported: readonly Exported[] } => {
  const targets: ScrapeTarget[] = []
  const exported: Exported[] = []
  for (const component of watchedBy(context.topology, monitorOf(context.component))) {
    const metrics = metricsOf(component.engine)
    if (metrics === undefined) continue
    const { exporter, path } = metrics
    const main = context.addresses(component.id)
    const status = context.adminAddresses?.(component.id) ?? main
    // Another Prometheus has its exporters on the ports after its own.
    const processes =
      component.role === 'monitor' ? main.filter((one, i) => main[i - 1]?.instance !== one.instance) : main
    for (const [i, { instance, host, port }] of processes.entries()) {
      const process = processes.slice(0, i).filter((one) => one.instance === instance).length
      const target = { component: component.id, engine: component.engine, instance, process, path }
      if (exporter === undefined) targets.push({ ...target, host, port })
      else {
        const listen = context.listens[1 + exported.length]
        if (listen === undefined)
          throw new TypeError(`${context.component.id}: no port for the exporter of ${instance}`)
        exported.push({ exporter, listen, server: (exporter.asksStatusPage ? status[i] : undefined) ?? { host, port } })
        targets.push({ ...target, ...listen })
      }
    }
  }
  const { id, engine } = context.component
  const own = { component: id, engine, instance: `${id}/${context.index}`, process: 0, path: '/metrics' }
  return { targets: [...targets, { ...own, ...context.listen }], exported }
}

const specs = (context: LiveContext): readonly ProcessSpec[] => {
  const { component, index, topology, folder, listen, programs, secret } = context
  const monitor = monitorOf(component)
  const { targets, exported } = watch(context)
  const common = {
    component: component.id,
    index,
    folder,
    accounts,
    stopSignal: 'SIGTERM',
    stopSeconds: 5,
    startSeconds: 30,
  } as const
  const config = 'prometheus.yml'
  return [
    {
      ...common,
      id: `${component.id}/${index}`,
      program: programs[server.name] ?? server.name,
      args: [
        ...prometheusArgs(monitor, { config: join(folder, config), data: join(folder, 'data') }, listen),
        '--log.level=warn',
      ],
      env: {},
      files: { [config]: prometheusYml(topology, prometheusDocument(topology, monitor, targets)) },
      ports: [listen.port],
      probe: () => answersOk(listen.host, listen.port, '/-/ready', 1),
    },
    ...exported.map(({ exporter, server: asked, listen: own }, i): ProcessSpec => {
      const settings = { server: asked, listen: own, password: secret }
      return {
        ...common,
        id: `${component.id}/${index}.${i + 1}`,
        program: programs[exporter.program.name] ?? exporter.program.name,
        args: exporter.args(settings),
        env: exporter.env(settings),
        files: {},
        ports: [own.port],
        probe: () => answersOk(own.host, own.port, '/metrics', 2),
      }
    }),
  ]
}

export const live: LiveFacet = {
  programs: [server, ...exportedEngines.flatMap((engine) => metricsOf(engine)?.exporter?.program ?? [])],
  processes: (component, topology) => 1 + watchedInstances(topology, component),
  eventLoops: () => undefined,
  specs,
}
