/** Prometheus and its exporters beside real servers: every target is up, and its rate is the load that was sent. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpGet } from '../../src/catalog/common/live-http.js'
import { engines } from '../../src/catalog/index.js'
import { generate } from '../../src/deploy/generate/generate.js'
import { launch } from '../../src/deploy/runtime/launch.js'
import { processRuntime } from '../../src/deploy/runtime/process/assemble.js'
import type { OwnedSystem } from '../../src/deploy/runtime/system.js'
import { machine } from '../../src/system/machine.js'
import { topologyFile, topologyFrom } from '../support/topology.js'
import { until } from './servers.js'
import { leftBehind, nothing, snapshot, temporaryBase } from './support/leftovers.js'

const cwd = mkdtempSync(join(tmpdir(), 'prometheus test '))
const base = temporaryBase()
process.env.TMPDIR = base
const before = snapshot(base)
afterAll(() => {
  for (const path of [cwd, base]) rmSync(path, { recursive: true, force: true })
})

const topology = topologyFrom(`
data: { item: { keys: 100, bytes: 100B } }
components:
  edge: { engine: nginx, upstream: app }
  app:
    engine: service
    replicas: 2
    execution: { model: event-loop, processes: 1 }
    pools: { main: { to: db.replica, size: 2 } }
  cache: { engine: redis }
  db: { engine: postgres, readReplicas: 1 }
  metrics: { engine: prometheus, scrapeInterval: 500ms }
  boards: { engine: grafana }
requests:
  view:
    share: 100%
    enter: edge
    serve: app
    route: GET /{item}
    flow: [{ lookup: cache, key: item, miss: [{ query: app.main, time: 0.1ms }] }]
`)

const promtool = (file: string) => spawnSync('promtool', ['check', 'config', file], { encoding: 'utf8' })

test('promtool accepts what generate writes', () => {
  for (const one of [topology, topologyFile('scenarios/optimization-api/topology.yaml')])
    for (const [path, text] of generate(one, ['prometheus'])) {
      const file = join(cwd, path.replaceAll('/', '-'))
      writeFileSync(file, text)
      const { status, stdout, stderr } = promtool(file)
      expect(`${stdout}${stderr}`).toContain('SUCCESS')
      expect(status).toBe(0)
    }
})

interface Vector {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly value: readonly [number, string]
    }[]
  }
}

describe('a system that is watched', () => {
  let system: OwnedSystem
  let port = 0
  beforeAll(async () => {
    const options = { topology, engines, machine }
    expect(processRuntime.leftOut?.(options)).toEqual([expect.stringMatching(/^boards \(grafana\) is left out/)])
    system = await launch({
      ...options,
      runtime: processRuntime,
      topologyFile: join(cwd, 'topology.yaml'),
      purpose: 'run',
      ledgerFolder: join(cwd, '.plimsoll', 'ledger'),
      packageFolder: process.cwd(),
      signal: new AbortController().signal,
      seed: 1,
    })
    const prometheus = (await system.status()).find(({ id }) => id === 'metrics/0')
    port = Number(prometheus?.addresses[0]?.split(':')[1])
  })
  afterAll(async () => {
    await system?.down()
    expect(await leftBehind(before, base)).toEqual(nothing)
  })

  const ask = async (expression: string): Promise<Vector['data']['result']> => {
    const { body } = await httpGet('127.0.0.1', port, `/api/v1/query?query=${encodeURIComponent(expression)}`, 5)
    return (JSON.parse(body) as Vector).data.result
  }
  const number = async (expression: string): Promise<number> => Number((await ask(expression))[0]?.value[1])

  test('has every target up: nginx, both services, Redis, both PostgreSQL and Prometheus itself', async () => {
    const up = async () =>
      (await ask('up')).filter(({ value }) => value[1] === '1').map(({ metric }) => metric.instance)
    await until('all targets', async () => (await up()).length === 7)
    expect([...(await up())].sort()).toEqual(['app/0', 'app/1', 'cache/0', 'db/0', 'db/1', 'edge/0', 'metrics/0'])
    for (const of of ['nginx_up', 'redis_up', 'pg_up']) expect(await number(`min(${of})`)).toBe(1)
    const config = join(base, `plimsoll-${system.id}`, 'metrics-0', 'prometheus.yml')
    expect(promtool(config).status).toBe(0)
    expect(readFileSync(config, 'utf8')).toContain('scrape_interval: 500ms')
  })

  test('tells a rate that is the load, at the service and at nginx, and what the stores served', async () => {
    const url = new URL(system.entries.edge ?? '')
    const ratePerSecond = 40
    const began = performance.now()
    for (let i = 0; i < 10 * ratePerSecond; i++) {
      const wait = (i / ratePerSecond) * 1000 - (performance.now() - began)
      if (wait > 0) await new Promise((done) => setTimeout(done, wait))
      await httpGet(url.hostname, Number(url.port), `/${i % 100}`, 2)
    }
    const load = (10 * ratePerSecond * 1000) / (performance.now() - began)
    const rate = await number('sum(rate(plimsoll_requests_total{class="view",code="200"}[8s]))')
    expect(rate / load).toBeGreaterThan(0.9)
    expect(rate / load).toBeLessThan(1.1)
    // Two scrapes per second are requests of nginx, too.
    const atNginx = await number('sum(rate(nginx_http_requests_total[8s]))')
    expect(atNginx / (load + 2)).toBeGreaterThan(0.9)
    expect(atNginx / (load + 2)).toBeLessThan(1.1)
    expect(await number('sum(redis_keyspace_hits_total)')).toBeGreaterThan(200)
    expect(await number('sum(pg_stat_database_xact_commit{instance="db/1",datname="plimsoll"})')).toBeGreaterThan(50)
    expect(await number('count(pg_stat_replication_pg_wal_lsn_diff{application_name="db/1"})')).toBe(1)
  })

  test('pays for being watched on the account of the watcher', async () => {
    const { instances } = await system.sample()
    expect(instances['metrics/0']?.cpuSeconds).toBeGreaterThan(0.1)
    expect(instances['metrics/0']?.memoryBytes).toBeGreaterThan(20e6)
    expect((await system.status()).find(({ id }) => id === 'metrics/0')?.pids).toHaveLength(5)
  })
})
