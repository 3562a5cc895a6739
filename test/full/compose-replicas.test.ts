/** The whole of optimization-api on a real Docker engine: PostgreSQL with read replicas and failover, and what watches it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { httpGet } from '../../src/catalog/common/live-http.js'
import { ensureServiceImage } from '../../src/deploy/runtime/compose/image.js'
import type { RunResult } from '../../src/result/run-result.js'
import { machine } from '../../src/system/machine.js'
import { until } from '../live/servers.js'
import { packageFolder, workplace } from '../live/support/cli.js'
import { added, containerOf, docker, nothingAdded } from './support/docker.js'
import { sleep, systemsIn } from './support/systems.js'

const place = workplace()
const { had, up, instances, owners, expectNothing } = systemsIn(place)
const topology = 'api/replicated/topology.yaml'

beforeAll(async () => {
  const { signal } = new AbortController()
  await ensureServiceImage({ engine: machine.containers(), packageFolder: packageFolder.replace(/\/$/, ''), signal })
})
afterEach(async () => {
  await place.run('down')
})
afterAll(() => place.remove())

const killPlimsoll = (): void => {
  for (const pid of owners()) if (machine.stat(pid) !== undefined) machine.signal(pid, 'SIGKILL')
}

/** What one of the database's members answers, line by line. */
const query = (id: string, index: number, sql: string): readonly string[] =>
  docker('exec', containerOf(id, `db-${index}`), 'psql', '-U', 'plimsoll', '-tAXc', sql).split('\n')

const isStandby = (id: string, index: number): boolean => query(id, index, 'SELECT pg_is_in_recovery()')[0] === 't'

const followers = (id: string, index: number): string =>
  query(id, index, `SELECT application_name FROM pg_stat_replication WHERE state = 'streaming' ORDER BY 1`).join()

/** Docker's own question, asked now. */
const isHealthy = (id: string, index: number): boolean => {
  const container = containerOf(id, `db-${index}`)
  const [, command] = JSON.parse(docker('inspect', '--format', '{{json .Config.Healthcheck.Test}}', container))
  return docker('exec', container, 'sh', '-c', `if ${command}; then echo yes; else echo no; fi`).endsWith('yes')
}

/** Instances whose target Prometheus finds up. */
const watched = async (address: string): Promise<string> => {
  const [host = '', port] = address.split(':')
  const { body } = await httpGet(host, Number(port), '/api/v1/query?query=up', 5)
  const { data } = JSON.parse(body) as {
    data: { result: readonly { metric: { instance: string }; value: readonly [number, string] }[] }
  }
  return data.result
    .filter(({ value }) => value[1] === '1')
    .map(({ metric }) => metric.instance)
    .sort()
    .join()
}

const experiment = `apiVersion: plimsoll/v1
kind: Experiment
name: lose-the-primary-soon
topology: ../topology.yaml
seed: 17
load: { mode: open, arrivals: poisson, stages: [{ hold: 60/s, for: 12s }] }
faults: [{ at: 2s, kill: db/0, restart: { after: 5s } }]
`

test('replicas answer the reads, a lost primary is replaced and comes back as a replica, and Prometheus sees all of it', async () => {
  const { id, instances: started, stderr } = await up(topology)
  expect(stderr).toContain('grafana (grafana) is left out')
  const all = 'app/0,app/1,cache/0,db/0,db/1,db/2,edge/0,prometheus/0'
  expect(
    started
      .map((instance) => instance.id)
      .sort()
      .join(),
  ).toBe(all)
  expect(followers(id, 0)).toBe('db/1,db/2')
  expect(query(id, 0, 'SHOW synchronous_standby_names')).toEqual(['ANY 1 ("db/1", "db/2")'])
  const prometheus = started.find((instance) => instance.id === 'prometheus/0')?.addresses[0] ?? ''
  await until('every target is up', async () => (await watched(prometheus)) === all)

  writeFileSync(join(place.folder, 'api', 'replicated', 'experiments', 'soon.yaml'), experiment)
  const run = await place.run('run', 'api/replicated/experiments/soon.yaml', '--on', 'stack', '--json')
  // Whether a busy machine meets the objectives is not the question here.
  expect([0, 4], run.stderr).toContain(run.code)
  const { requests, events } = JSON.parse(run.stdout) as RunResult
  // Look-ups read from the replicas all the while; plans are refused until one of them is primary.
  expect(requests['get-route']?.errors).toEqual({})
  expect(requests['get-route']?.ok).toBeGreaterThan(300)
  expect(Object.keys(requests.optimize?.errors ?? {})).toEqual(['502'])
  const promoted = events.flatMap((event) =>
    event.type === 'note' ? (/^db\/(\d) is primary of db now/.exec(event.message)?.[1] ?? []) : [],
  )
  expect(promoted).toHaveLength(1)
  const primary = Number(promoted[0])
  await until('db/0 is back', async () => (await instances()).get('db/0')?.state === 'ready')
  expect([0, 1, 2].filter((index) => !isStandby(id, index))).toEqual([primary])
  await until('both follow', async () => followers(id, primary) === (primary === 1 ? 'db/0,db/2' : 'db/0,db/1'))
  // No plan that was acknowledged is lost.
  expect(Number(query(id, primary, 'SELECT count(*) FROM plans')[0])).toBeGreaterThanOrEqual(requests.optimize?.ok ?? 0)
  expect([0, 1, 2].map((index) => isHealthy(id, index))).toEqual([true, true, true])
  await until('every target is up again', async () => (await watched(prometheus)) === all)

  // Killed with all that it is while it replaces another primary.
  await place.run('chaos', 'kill', `db/${primary}`)
  await sleep(3)
  killPlimsoll()
  await expectNothing()
})

test('kill -9 of plimsoll while replicas are made of their primary: down leaves nothing', async () => {
  const starting = place.start('up', topology, '--runtime', 'compose')
  const runs = (): string => docker('ps', '--quiet', '--filter', 'label=dev.plimsoll.instance=db/1')
  await until('a replica is being made', async () => runs() !== '', 60)
  killPlimsoll()
  starting.child.kill('SIGKILL')
  await starting.ended
  expect(added(had)).not.toEqual(nothingAdded)
  await expectNothing()
})
