import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { live } from '../../src/catalog/prometheus/live.js'
import type { LiveContext } from '../../src/contract/engine.js'
import { topologyFrom } from '../support/topology.js'

const topology = topologyFrom(`
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, execution: { model: event-loop, processes: 2 } }
  db: { engine: postgres, readReplicas: 1 }
  metrics: { engine: prometheus, retention: 2d }
requests: { r: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ query: db.replica }] } }
`)
const metrics = topology.components.metrics
if (metrics === undefined) throw new Error('no metrics')

const port: Readonly<Record<string, readonly number[]>> = {
  edge: [100],
  app: [200, 201],
  db: [300, 301],
  metrics: [400],
}
const instances: Readonly<Record<string, readonly string[]>> = { app: ['app/0', 'app/0'], db: ['db/0', 'db/1'] }
const at = (offset: number) => (component: string) =>
  (port[component] ?? []).map((each, i) => ({
    instance: instances[component]?.[i] ?? `${component}/0`,
    host: '127.0.0.1',
    port: each + offset,
  }))

const listens = [400, 401, 402, 403].map((each) => ({ host: '127.0.0.1', port: each }))
const context: LiveContext = {
  topology,
  component: metrics,
  index: 0,
  listen: { host: '127.0.0.1', port: 400 },
  listens,
  addresses: at(0),
  adminAddresses: at(50),
  folder: '/tmp/metrics-0',
  programs: { prometheus: '/usr/bin/prometheus' },
  bindings: () => ({}),
  adminPorts: [],
  seed: 1,
  packageFolder: '/',
  secret: 'secret',
}

describe('Prometheus as processes', () => {
  const [server, ...exporters] = live.specs(context)

  it('has an exporter for each nginx and PostgreSQL, on ports of its own', () => {
    expect(live.processes(metrics, topology)).toBe(4)
    expect(exporters.map(({ id, ports }) => [id, ...ports])).toEqual([
      ['metrics/0.1', 401],
      ['metrics/0.2', 402],
      ['metrics/0.3', 403],
    ])
    expect(exporters.map(({ program }) => program)).toEqual([
      'prometheus-nginx-exporter',
      'prometheus-postgres-exporter',
      'prometheus-postgres-exporter',
    ])
  })

  it('has nginx asked at its status page, and each PostgreSQL at its own port, with the password in the environment', () => {
    expect(exporters[0]?.args).toContain('--nginx.scrape-uri=http://127.0.0.1:150/nginx_status')
    expect(exporters[2]?.env).toEqual({
      DATA_SOURCE_URI: '127.0.0.1:301/postgres?sslmode=disable',
      DATA_SOURCE_USER: 'plimsoll_monitor',
      DATA_SOURCE_PASS: 'secret',
    })
    expect(exporters[2]?.args.join()).not.toContain('secret')
  })

  it('asks exporters where they listen, and services themselves', () => {
    const document = parse(server?.files['prometheus.yml'] ?? '') as {
      scrape_configs: readonly { job_name: string; static_configs: readonly { targets: readonly string[] }[] }[]
    }
    const asked = document.scrape_configs.map(({ job_name, static_configs }) => [
      job_name,
      ...static_configs.flatMap(({ targets }) => targets.map((target) => Number(target.split(':')[1]))),
    ])
    expect(asked).toEqual([
      ['edge', 401],
      ['app', 200, 201],
      ['db', 402, 403],
      ['metrics', 400],
    ])
    expect(server?.args).toContain('--storage.tsdb.retention.time=172800s')
  })
})
