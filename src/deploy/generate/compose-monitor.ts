/** What watches, as containers: Prometheus, the exporters beside the servers that it asks, and Grafana. */
import { dashboardFolder, provisioningFolder } from '../../catalog/grafana/config.js'
import { prometheusArgs } from '../../catalog/prometheus/config.js'
import type { MonitorComponent } from '../../topology/types.js'
import type { SideCar, Unit } from './address-plan.js'
import {
  type Container,
  type ContainerContext,
  confined,
  health,
  images,
  literal,
  secrets,
  statusPort,
} from './container.js'
import { grafanaProvisioning, grafanaSource, prometheusConfig } from './monitoring.js'
import type { Json } from './patch.js'

const monitorOf = ({ component }: Unit): MonitorComponent => {
  if (component.role !== 'monitor') throw new TypeError(`${component.id} is a ${component.role}`)
  return component
}

export const prometheusContainer = ({ topology, plan, unit }: ContainerContext): Container => {
  const file = '/etc/prometheus/prometheus.yml'
  const data = '/prometheus'
  const [path, text] = prometheusConfig(topology, monitorOf(unit), plan)
  const { port } = unit.address
  return {
    service: {
      image: images.prometheus,
      command: [
        ...prometheusArgs(monitorOf(unit), { config: file, data }, { host: '0.0.0.0', port }),
        '--log.level=warn',
      ],
      volumes: [`./${path}:${file}:ro`, `${unit.name}-data:${data}`],
      healthcheck: health(['CMD', 'promtool', 'check', 'ready', `--url=http://127.0.0.1:${port}`], 10),
    },
    files: [[path, text]],
    needs: [],
  }
}

export const grafanaProfile = 'grafana'

/** Shows what the Prometheus of its `source` has. Behind a profile: a system is whole without it. */
export const grafanaContainer = ({ topology, plan, unit }: ContainerContext): Container => {
  const monitor = monitorOf(unit)
  const source = grafanaSource(topology, monitor)
  const { folder, files } = grafanaProvisioning(topology, monitor)
  return {
    service: {
      image: images.grafana,
      profiles: [grafanaProfile],
      env_file: secrets,
      volumes: [
        `./${folder}/provisioning:${provisioningFolder}:ro`,
        `./${folder}/dashboards:${dashboardFolder}:ro`,
        `${unit.name}-data:/var/lib/grafana`,
      ],
      healthcheck: health(
        ['CMD', 'wget', '-q', '--spider', `http://127.0.0.1:${unit.address.port}/api/health`],
        monitor.startupSeconds,
      ),
    },
    files,
    needs: plan.units.filter(({ component, index }) => component.id === source.id && index === 0),
  }
}

/** `inRuntime`: nginx has a listener of its own for its status in a system that a runtime starts. */
export const exporterService = (
  { exporter, server, watcher }: SideCar,
  inRuntime: boolean,
): { readonly [key: string]: Json } => {
  const loopback = '127.0.0.1'
  const port = exporter.asksStatusPage && inRuntime ? statusPort : server.address.port
  const context = { server: { host: loopback, port }, listen: { host: '0.0.0.0', port: exporter.port } }
  const environment = exporter.env(context)
  return {
    image: exporter.image,
    command: exporter.args(context).map(literal),
    ...confined,
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    ...(exporter.passwordVariable === undefined ? {} : { env_file: secrets }),
    network_mode: `service:${server.name}`,
    // A server that compose starts again has another network.
    depends_on: { [server.name]: { condition: 'service_healthy', restart: true } },
    restart: watcher.component.restartAfterSeconds === undefined ? 'no' : 'unless-stopped',
  }
}
