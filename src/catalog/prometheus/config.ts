/** prometheus.yml, Prometheus 2.40 and newer, and the arguments that go with it. Pure: both runtimes use it. */
import { stringify } from 'yaml'
import type { ScrapeTarget } from '../../contract/engine.js'
import { groupBy } from '../../lib/group.js'
import type { MonitorComponent, Topology } from '../../topology/types.js'
import { generatedHeader } from '../header.js'

export const prometheusPort = 9090

/** As in the configuration that Prometheus itself comes with. */
const defaultScrapeSeconds = 15
/** Prometheus' own default. */
const defaultRetentionSeconds = 15 * 86_400
const longestTimeoutSeconds = 10

const seconds = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && value > 0 ? value : otherwise

/** Whole milliseconds, the finest that Prometheus takes. */
const duration = (value: number): string => {
  const milliseconds = Math.max(1, Math.round(value * 1000))
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`
}

export const scrapeSecondsOf = (monitor: MonitorComponent): number =>
  seconds(monitor.options.scrapeInterval, defaultScrapeSeconds)

/** Series of one instance have its name, `app/0`, as `instance`, whatever its address is in this run. */
const staticConfig = ({ engine, component, instance, process, host, port }: ScrapeTarget, processes: number) => ({
  targets: [`${host}:${port}`],
  labels: { instance, component, engine, ...(processes > 1 ? { process: String(process) } : {}) },
})

/** A job per component, in the order of the topology. `targets` are those of `watchedBy`, and the server's own. */
export const prometheusDocument = (topology: Topology, monitor: MonitorComponent, targets: readonly ScrapeTarget[]) => {
  const interval = scrapeSecondsOf(monitor)
  const jobs = groupBy(targets, ({ component }) => component)
  return {
    global: {
      scrape_interval: duration(interval),
      scrape_timeout: duration(Math.min(interval, longestTimeoutSeconds)),
      external_labels: { topology: topology.name },
    },
    scrape_configs: [...jobs].map(([job, own]) => ({
      job_name: job,
      metrics_path: own[0]?.path ?? '/metrics',
      static_configs: own.map((target) =>
        staticConfig(target, own.filter(({ instance }) => instance === target.instance).length),
      ),
    })),
  }
}

/** The document above, or what patches made of it, as a file. */
export const prometheusYml = (topology: Topology, document: unknown): string =>
  `# ${generatedHeader(topology)}\n${stringify(document, { lineWidth: 0 })}`

/** `data` is where it keeps its series. */
export const prometheusArgs = (
  monitor: MonitorComponent,
  paths: { readonly config: string; readonly data: string },
  listen: { readonly host: string; readonly port: number },
): readonly string[] => [
  `--config.file=${paths.config}`,
  `--storage.tsdb.path=${paths.data}`,
  `--storage.tsdb.retention.time=${duration(seconds(monitor.options.retention, defaultRetentionSeconds))}`,
  `--web.listen-address=${listen.host}:${listen.port}`,
]
