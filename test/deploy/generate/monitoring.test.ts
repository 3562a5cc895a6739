import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { generate } from '../../../src/deploy/generate/generate.js'
import { topologyFrom } from '../../support/topology.js'

interface Job {
  readonly job_name: string
  readonly metrics_path: string
  readonly static_configs: readonly {
    readonly targets: readonly string[]
    readonly labels: Readonly<Record<string, string>>
  }[]
}
interface Prometheus {
  readonly global: Readonly<Record<string, unknown>>
  readonly scrape_configs: readonly Job[]
}

const topology = (monitor = '', more = '') =>
  topologyFrom(`
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, replicas: 2, execution: { model: event-loop, processes: 2 }, pools: { main: { to: db.replica, size: 5 } } }
  cache: { engine: redis }
  db: { engine: postgres, readReplicas: 2 }
  payment: { engine: external, latency: 10ms }
  metrics: { engine: prometheus${monitor} }
  boards: { engine: grafana }
requests:
  view: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ lookup: cache, miss: [{ query: app.main, time: 1ms }] }] }
${more}`)

const prometheusOf = (monitor = '', more = ''): Prometheus =>
  parse(generate(topology(monitor, more), ['prometheus']).get('prometheus/prometheus.yml') ?? '') as Prometheus

const targetsOf = (document: Prometheus, job: string) =>
  document.scrape_configs.find(({ job_name }) => job_name === job)?.static_configs ?? []

describe('prometheus.yml', () => {
  it('asks each process of what has numbers, and Prometheus itself; what has none is left out', () => {
    const document = prometheusOf()
    expect(document.scrape_configs.map(({ job_name }) => job_name)).toEqual(['edge', 'app', 'cache', 'db', 'metrics'])
    expect(targetsOf(document, 'app').map(({ labels }) => labels)).toEqual(
      ['app/0', 'app/0', 'app/1', 'app/1'].map((instance, i) => ({
        instance,
        component: 'app',
        engine: 'service',
        process: String(i % 2),
      })),
    )
    expect(targetsOf(document, 'db').map(({ labels }) => labels.instance)).toEqual(['db/0', 'db/1', 'db/2'])
  })

  it('asks nginx, Redis and PostgreSQL by the exporters beside them', () => {
    const ports = (job: string) => targetsOf(prometheusOf(), job).map(({ targets }) => targets[0]?.split(':')[1])
    expect(ports('edge')).toEqual(['9113'])
    expect(ports('cache')).toEqual(['9121'])
    expect(ports('db')).toEqual(['9187', '9187', '9187'])
  })

  it('asks as often as declared, and never waits longer than that', () => {
    expect(prometheusOf(', scrapeInterval: 500ms').global).toMatchObject({
      scrape_interval: '500ms',
      scrape_timeout: '500ms',
    })
    expect(prometheusOf(', scrapeInterval: 1m').global).toMatchObject({ scrape_interval: '60s', scrape_timeout: '10s' })
    expect(prometheusOf().global).toMatchObject({ scrape_interval: '15s' })
  })

  it('asks only what targets name', () => {
    expect(prometheusOf(', targets: [app, db]').scrape_configs.map(({ job_name }) => job_name)).toEqual([
      'app',
      'db',
      'metrics',
    ])
  })

  it('refuses a target that has no numbers, where it is named', () => {
    expect(() => prometheusOf(', targets: [app, payment]')).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ message: expect.stringContaining('cannot watch payment (external)') })],
      }),
    )
  })

  it('can be amended by patches', () => {
    const patched = prometheusOf(
      '',
      'generate: { prometheus: { patches: [{ global: { evaluation_interval: 30s } }] } }',
    )
    expect(patched.global).toMatchObject({ evaluation_interval: '30s', scrape_interval: '15s' })
  })
})

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

describe('Grafana provisioning', () => {
  const files = generate(topology(', scrapeInterval: 5s'), ['grafana'])
  const dashboard = JSON.parse(files.get('grafana/dashboards/under-test.json') ?? '') as {
    readonly panels: readonly Panel[]
    readonly refresh: string
  }
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  it('has a data source that the panels refer to, and a folder that the dashboard is in', () => {
    const { datasources } = parse(files.get('grafana/provisioning/datasources/plimsoll.yaml') ?? '') as {
      datasources: readonly { uid: string; url: string }[]
    }
    expect(datasources).toMatchObject([{ url: 'http://metrics-0:9090' }])
    const uids = panels.flatMap(({ targets = [] }) => targets.map(({ datasource }) => datasource.uid))
    expect(new Set(uids)).toEqual(new Set([datasources[0]?.uid]))
    expect(files.get('grafana/provisioning/dashboards/plimsoll.yaml')).toContain('path: /var/lib/grafana/dashboards')
  })

  it('shows rate, errors and duration of each class, what saturates, and what the stores tell', () => {
    expect(panels.map(({ title }) => title)).toEqual([
      'view: rate',
      'view: errors',
      'view: duration',
      'CPU',
      'Pools',
      'Queues',
      'Hit ratio',
      'Transactions',
      'Replication lag',
    ])
    expect(panels[0]?.targets?.[0]?.expr).toContain('class="view"')
  })

  it('has panels that do not overlap, with ids of their own', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })

  it('is refused without a Prometheus to show', () => {
    const alone = topologyFrom(`
components: { app: { engine: service }, boards: { engine: grafana } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 1ms }] } }`)
    expect(() => generate(alone, ['grafana'])).toThrow(/no Prometheus to show/)
  })
})
