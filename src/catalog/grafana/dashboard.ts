/**
 * One dashboard for a topology, in Grafana's JSON model (schema 38, Grafana 10 and newer). Rows: each request class by rate,
 * errors and duration (RED), then what saturates (utilization, pools, queues), then caches and replication where there are any.
 */

import type { Component, Topology } from '../../topology/types.js'
import { generatedHeader } from '../header.js'

type Unit = 'bytes' | 'reqps' | 's' | 'percentunit' | 'short' | 'cps'

interface Query {
  readonly expr: string
  readonly legend: string
}

interface Panel {
  readonly title: string
  readonly description: string
  readonly unit: Unit
  /** Of the axis; undefined: as the data has it. */
  readonly max?: number
  readonly queries: readonly Query[]
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const width = 24
const height = 8
/** Grafana's own: at least four scrapes, and no less than a pixel of the graph. */
const interval = '$__rate_interval'

/** A value in a PromQL matcher. */
const quoted = (text: string): string => JSON.stringify(text)

const red = (topology: Topology): readonly Row[] =>
  Object.keys(topology.requests).map((id) => {
    const of = `class=${quoted(id)}`
    const quantile = (q: number, name: string): Query => ({
      expr: `histogram_quantile(${q}, sum by (le) (rate(plimsoll_request_seconds_bucket{${of}}[${interval}])))`,
      legend: name,
    })
    return {
      title: `Requests: ${id}`,
      panels: [
        {
          title: `${id}: rate`,
          description: 'Requests answered per second, by status.',
          unit: 'reqps',
          queries: [{ expr: `sum by (code) (rate(plimsoll_requests_total{${of}}[${interval}]))`, legend: '{{code}}' }],
        },
        {
          title: `${id}: errors`,
          description: 'Share of answers with a 5xx status, and of degraded ones.',
          unit: 'percentunit',
          queries: [
            {
              expr: `(sum(rate(plimsoll_requests_total{${of},code=~"5.."}[${interval}])) or vector(0)) / sum(rate(plimsoll_requests_total{${of}}[${interval}]))`,
              legend: 'errors',
            },
            {
              expr: `(sum(rate(plimsoll_degraded_total{${of}}[${interval}])) or vector(0)) / sum(rate(plimsoll_requests_total{${of}}[${interval}]))`,
              legend: 'degraded',
            },
          ],
        },
        {
          title: `${id}: duration`,
          description: 'From the arrival at the service to the answer.',
          unit: 's',
          queries: [quantile(0.5, 'p50'), quantile(0.95, 'p95'), quantile(0.99, 'p99')],
        },
      ],
    }
  })

const components = (topology: Topology, engine: string): readonly Component[] =>
  Object.values(topology.components).filter((component) => component.engine === engine)

const has = (topology: Topology, engine: string): boolean => components(topology, engine).length > 0

const saturation = (topology: Topology): Row => ({
  title: 'Saturation',
  panels: [
    {
      title: 'CPU',
      description: 'Cores in use by each process that tells: services, Redis.',
      unit: 'short',
      queries: [
        {
          expr: `sum by (instance) (rate(process_cpu_seconds_total{engine="service"}[${interval}]))`,
          legend: '{{instance}}',
        },
        ...(has(topology, 'redis')
          ? [
              {
                expr: `sum by (instance) (rate(redis_cpu_sys_seconds_total[${interval}]) + rate(redis_cpu_user_seconds_total[${interval}]))`,
                legend: '{{instance}}',
              },
            ]
          : []),
      ],
    },
    {
      title: 'Pools',
      description: 'Share of the connections of each pool that are in use; 1: whoever comes waits.',
      unit: 'percentunit',
      max: 1,
      queries: [
        {
          expr: 'sum by (component, pool) (plimsoll_pool_in_use) / sum by (component, pool) (plimsoll_pool_size)',
          legend: '{{component}}.{{pool}}',
        },
      ],
    },
    {
      title: 'Queues',
      description: 'Requests in hand, steps that wait for a connection, connections of balancers in work.',
      unit: 'short',
      queries: [
        { expr: 'sum by (component) (plimsoll_requests_in_flight)', legend: '{{component}} in flight' },
        { expr: 'sum by (component, pool) (plimsoll_pool_waiting)', legend: '{{component}}.{{pool}} waiting' },
        ...(has(topology, 'nginx')
          ? [
              {
                expr: 'sum by (component) (nginx_connections_reading + nginx_connections_writing)',
                legend: '{{component}} connections',
              },
            ]
          : []),
      ],
    },
  ],
})

const caches = (topology: Topology): readonly Panel[] =>
  has(topology, 'redis')
    ? [
        {
          title: 'Hit ratio',
          description: 'Lookups of the services that found a value; and reads of keys that Redis itself counts.',
          unit: 'percentunit',
          max: 1,
          queries: [
            {
              expr: `sum by (component) (rate(plimsoll_cache_lookups_total{outcome="hit"}[${interval}])) / sum by (component) (rate(plimsoll_cache_lookups_total[${interval}]))`,
              legend: '{{component}}',
            },
            {
              expr: `sum by (component) (rate(redis_keyspace_hits_total[${interval}])) / sum by (component) (rate(redis_keyspace_hits_total[${interval}]) + rate(redis_keyspace_misses_total[${interval}]))`,
              legend: '{{component}} keyspace',
            },
          ],
        },
      ]
    : []

const databases = (topology: Topology): readonly Panel[] =>
  has(topology, 'postgres')
    ? [
        {
          title: 'Transactions',
          description: 'Committed and rolled back, by instance of PostgreSQL.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (instance) (rate(pg_stat_database_xact_commit[${interval}]) + rate(pg_stat_database_xact_rollback[${interval}]))`,
              legend: '{{instance}}',
            },
          ],
        },
        ...(components(topology, 'postgres').some((one) => one.role === 'store' && one.readReplicas > 0)
          ? [
              {
                title: 'Replication lag',
                description:
                  'By standby: bytes of the log that the primary has written and the standby does not show yet.',
                unit: 'bytes',
                queries: [
                  {
                    expr: 'max by (application_name) (pg_stat_replication_pg_wal_lsn_diff{state="streaming"})',
                    legend: '{{application_name}}',
                  },
                ],
              } satisfies Panel,
            ]
          : []),
      ]
    : []

const messages = (topology: Topology): readonly Panel[] =>
  has(topology, 'rabbitmq')
    ? [
        {
          title: 'Messages',
          description: 'Waiting in each queue.',
          unit: 'short',
          queries: [{ expr: 'sum by (queue) (rabbitmq_queue_messages)', legend: '{{queue}}' }],
        },
      ]
    : []

const rowsOf = (topology: Topology): readonly Row[] => {
  const state = [...caches(topology), ...databases(topology), ...messages(topology)]
  return [...red(topology), saturation(topology), ...(state.length > 0 ? [{ title: 'State', panels: state }] : [])]
}

const panelJson = (panel: Panel, id: number, at: { x: number; y: number; w: number }, uid: string) => {
  const datasource = { type: 'prometheus', uid }
  return {
    id,
    type: 'timeseries',
    title: panel.title,
    description: panel.description,
    datasource,
    gridPos: { ...at, h: height },
    fieldConfig: {
      defaults: { unit: panel.unit, min: 0, ...(panel.max === undefined ? {} : { max: panel.max }) },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: panel.queries.map(({ expr, legend }, n) => ({
      refId: String.fromCharCode(65 + n),
      datasource,
      expr,
      legendFormat: legend,
    })),
  }
}

/** The topology's name as a part of file names and addresses. */
export const fileNameOf = (topology: Topology): string => topology.name.replace(/[^A-Za-z0-9_-]+/g, '-')

/** `uid` is the data source's; `refreshSeconds` how often it asks again. */
export const dashboard = (topology: Topology, uid: string, refreshSeconds: number): object => {
  let id = 0
  let y = 0
  const panels = rowsOf(topology).flatMap((row) => {
    const heading = {
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: width, h: 1 },
      panels: [],
    }
    y += 1
    const w = Math.floor(width / row.panels.length)
    const own = row.panels.map((panel, n) => panelJson(panel, ++id, { x: n * w, y, w }, uid))
    y += height
    return [heading, ...own]
  })
  return {
    // At most 40 characters.
    uid: `plimsoll-${fileNameOf(topology)}`.slice(0, 40),
    title: topology.name,
    description: generatedHeader(topology),
    tags: ['plimsoll'],
    schemaVersion: 38,
    version: 1,
    editable: false,
    timezone: 'browser',
    time: { from: 'now-15m', to: 'now' },
    refresh: `${Math.max(1, Math.round(refreshSeconds))}s`,
    templating: { list: [] },
    annotations: { list: [] },
    panels,
  }
}
