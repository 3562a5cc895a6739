/** What Grafana reads when it starts (provisioning): its data source, where its dashboards are, and one dashboard. Pure. */
import { stringify } from 'yaml'
import type { MonitorComponent, Topology } from '../../topology/types.js'
import { generatedHeader } from '../header.js'
import { dashboard, fileNameOf } from './dashboard.js'

export const grafanaPort = 3000

/** Where the files below are to be, as Grafana's own packages and images have it. */
export const provisioningFolder = '/etc/grafana/provisioning'
export const dashboardFolder = '/var/lib/grafana/dashboards'

/** The Prometheus that it shows: `source`, else the first; undefined: there is none. */
export const sourceOf = (topology: Topology, monitor: MonitorComponent): MonitorComponent | undefined =>
  Object.values(topology.components)
    .filter((component) => component.role === 'monitor')
    .find(({ id, engine }) =>
      monitor.options.source === undefined ? engine === 'prometheus' : id === monitor.options.source,
    )

/**
 * By path below Grafana's folders: `provisioning/…` and `dashboards/…`. `prometheusUrl`: how Grafana reaches Prometheus;
 * `scrapeSeconds`: as often as there is something new to show.
 */
export const grafanaFiles = (
  topology: Topology,
  prometheusUrl: string,
  scrapeSeconds: number,
): Readonly<Record<string, string>> => {
  const yaml = (document: unknown): string => `# ${generatedHeader(topology)}\n${stringify(document, { lineWidth: 0 })}`
  return {
    'provisioning/datasources/plimsoll.yaml': yaml({
      apiVersion: 1,
      datasources: [
        {
          name: 'Prometheus',
          uid: datasourceUid,
          type: 'prometheus',
          access: 'proxy',
          url: prometheusUrl,
          isDefault: true,
          editable: false,
          jsonData: { timeInterval: `${Math.max(1, Math.round(scrapeSeconds))}s`, httpMethod: 'POST' },
        },
      ],
    }),
    'provisioning/dashboards/plimsoll.yaml': yaml({
      apiVersion: 1,
      providers: [
        {
          name: 'plimsoll',
          type: 'file',
          disableDeletion: true,
          allowUiUpdates: false,
          options: { path: dashboardFolder },
        },
      ],
    }),
    [`dashboards/${fileNameOf(topology)}.json`]: `${JSON.stringify(dashboard(topology, datasourceUid, scrapeSeconds), null, 2)}\n`,
  }
}

const datasourceUid = 'plimsoll-prometheus'
