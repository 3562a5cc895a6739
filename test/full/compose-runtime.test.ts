/** The compose runtime on a real Docker engine: the same commands, faults and results as with native processes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ensureServiceImage } from '../../src/deploy/runtime/compose/image.js'
import { randomStream } from '../../src/lib/random.js'
import type { RunResult } from '../../src/result/run-result.js'
import { machine } from '../../src/system/machine.js'
import { until } from '../live/servers.js'
import { packageFolder, workplace } from '../live/support/cli.js'
import { added, containerOf, docker, nothingAdded } from './support/docker.js'
import { get, sleep, systemsIn } from './support/systems.js'

const place = workplace()
const { had, up, instances, owners, expectNothing } = systemsIn(place)

beforeAll(async () => {
  // Once, so that no start below has to build it.
  const { signal } = new AbortController()
  await ensureServiceImage({ engine: machine.containers(), packageFolder: packageFolder.replace(/\/$/, ''), signal })
})
afterEach(async () => {
  await place.run('down')
})
afterAll(() => place.remove())

describe('a system in containers', () => {
  test('takes requests when up returns; status, logs, chaos and down work on it', async () => {
    const { id, entries, instances: started } = await up()
    const url = entries.edge ?? ''
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(started.map((instance) => [instance.id, instance.state])).toEqual([
      ['edge/0', 'ready'],
      ['app/0', 'ready'],
      ['app/1', 'ready'],
      ['cache/0', 'ready'],
      ['db/0', 'ready'],
    ])
    expect(await get(url, '/routes/7')).toBe(200)

    const logs = await place.run('logs', 'db', '-n', '200')
    expect(logs.stdout).toContain('database system is ready to accept connections')

    // Killed: the others take over at once, and it comes back with another process at its address.
    const killed = await place.run('chaos', 'kill', 'app/0', '--restart-after', '1s')
    expect(killed.stdout).toContain('app/0 is crashed')
    for (let i = 0; i < 20; i++) expect(await get(url, `/routes/${i}`)).toBe(200)
    await until('app/0 is back', async () => (await instances()).get('app/0')?.state === 'ready')
    const back = (await instances()).get('app/0')
    expect(back).toMatchObject({ restarts: 1, addresses: started.find((one) => one.id === 'app/0')?.addresses })

    // Paused: what was known is answered from memory. Taken back without plimsoll.
    await place.run('chaos', 'pause', 'cache', '--for', '1s')
    expect((await instances()).get('cache/0')?.state).toBe('paused')
    await until('cache/0 runs again', async () => (await instances()).get('cache/0')?.state === 'ready')

    // Killed by somebody else: noticed, and started again as `restart: { after: 8s }` says.
    docker('kill', containerOf(id, 'app-1'))
    await until('app/1 is missed', async () => (await instances()).get('app/1')?.state === 'crashed')
    await until('app/1 is back', async () => (await instances()).get('app/1')?.state === 'ready', 30)

    const stopped = await place.run('chaos', 'stop', 'db')
    expect(stopped.stdout).toContain('db/0 is stopped')
    expect(docker('inspect', '--format', '{{.State.ExitCode}}', containerOf(id, 'db-0'))).toBe('0')
    const restarted = await place.run('chaos', 'restart', 'db')
    expect(restarted.stdout).toContain('db/0 is ready')
    await expectNothing()
  })

  test('faults that a stack cannot be given are refused by name before anything starts, foreign targets by chaos', async () => {
    const file = 'api/experiments/slow.yaml'
    writeFileSync(
      join(place.folder, file),
      `apiVersion: plimsoll/v1
kind: Experiment
name: slow
topology: ../topology.yaml
load: { mode: open, arrivals: poisson, stages: [{ hold: 10/s, for: 5s }] }
faults: [{ at: 1s, latency: app -> db, add: 50ms, for: 2s }]
`,
    )
    const refused = await place.run('run', file, '--runtime', 'compose', '--on', 'stack')
    expect(refused).toMatchObject({ code: 3, stdout: '' })
    expect(refused.stderr).toContain('latency')
    expect(existsSync(join(place.folder, '.plimsoll', 'ledger'))).toBe(false)
    expect(added(had)).toEqual(nothingAdded)
  })

  test('quotas and pins are enforced by the engine and read back from it into the placement', async () => {
    const text = readFileSync(join(place.folder, 'api', 'topology.yaml'), 'utf8')
    writeFileSync(
      join(place.folder, 'api', 'quota.yaml'),
      text
        .replace('    maxInFlight: 500\n', '    maxInFlight: 500\n    resources: { cpu: 0.5 }\n')
        .replace('name: optimization-api', 'name: quota'),
    )
    const experiment = 'api/experiments/pinned.yaml'
    writeFileSync(
      join(place.folder, experiment),
      `apiVersion: plimsoll/v1
kind: Experiment
name: pinned
topology: ../quota.yaml
seed: 3
load: { mode: open, arrivals: poisson, stages: [{ hold: 40/s, for: 8s }] }
warmup: 2s
faults: [{ at: 4s, kill: app/1, restart: { after: 1s } }]
placement: { hosts: { local: { cpu: 2 } }, all: local, pin: { cache: [0], db: [0, 1] } }
`,
    )
    const run = await place.run('run', experiment, '--runtime', 'compose', '--on', 'both', '--json')
    // Whether a busy machine meets the objectives is not the question here.
    expect([0, 4], run.stderr).toContain(run.code)
    const { stack, sim } = JSON.parse(run.stdout) as { stack: RunResult; sim: RunResult }
    expect(stack.placement.instances).toMatchObject({
      'app/0': { host: 'local', quota: 0.5, eventLoops: 1 },
      'app/1': { host: 'local', quota: 0.5, eventLoops: 1 },
      'cache/0': { host: 'local', pin: [0], eventLoops: 1 },
      'db/0': { host: 'local', pin: [0, 1] },
    })
    expect(sim.placement).toEqual(stack.placement)
    // What is measured, is: requests, CPU by control group, the fault and its end.
    expect(stack.requests['get-route']?.ok).toBeGreaterThan(100)
    for (const component of ['edge', 'app', 'cache', 'db'])
      expect(stack.components[component]?.utilization.cpu, component).toBeGreaterThan(0)
    expect(stack.components.cache?.hitRatio).toBeGreaterThan(0.5)
    expect(stack.faults[0]?.injectedAt).toBeGreaterThanOrEqual(4)
    await expectNothing()
  })

  test('run on both ends with the table of prediction beside measurement', async () => {
    const run = await place.run(
      'run',
      'api/experiments/lose-an-app-server.yaml',
      '--runtime',
      'compose',
      '--on',
      'both',
    )
    expect([0, 4], run.stderr).toContain(run.code)
    expect(run.stdout).toContain('lose-an-app-server of optimization-api: predicted beside measured')
    expect(run.stdout).toMatch(/^fault 0 \(kill app\/0\)\s+failedRequests/m)
    await expectNothing()
  })
})

/** Seeded, so that a failure comes again; spread over all of a start and a little beyond. */
const moments = (longest: number, count: number): readonly number[] => {
  const stream = randomStream(4, 'compose')
  return Array.from({ length: count }, (_, i) => Number((((i + stream.uniform()) * longest) / count).toFixed(3)))
}

describe('kill -9', () => {
  test.each(moments(9, 10))(
    'of plimsoll after %d s: down leaves no container, network, volume, process or folder',
    async (seconds) => {
      const starting = place.start('up', 'api/topology.yaml', '--runtime', 'compose')
      await sleep(seconds)
      // All that is plimsoll: `up` itself, and the supervisor that it may have handed the system to.
      const pids = owners()
      starting.child.kill('SIGKILL')
      for (const pid of pids) if (machine.stat(pid) !== undefined) machine.signal(pid, 'SIGKILL')
      await starting.ended
      await expectNothing()
    },
  )

  test('of a run under load: down leaves nothing, and a later up is a new system', async () => {
    const running = place.start('run', 'api/experiments/steady.yaml', '--runtime', 'compose', '--on', 'stack')
    await until('it is in the ledger with containers', () => added(had).containers.length >= 5, 60)
    await sleep(4)
    running.child.kill('SIGKILL')
    await running.ended
    expect(added(had).containers.length).toBeGreaterThanOrEqual(5)
    await expectNothing()
    const { entries } = await up()
    expect(await get(entries.edge ?? '', '/routes/1')).toBe(200)
    await expectNothing()
  })
})

test('Ctrl-C during up undoes it', async () => {
  const starting = place.start('up', 'api/topology.yaml', '--runtime', 'compose')
  await until('there are containers', () => added(had).containers.length > 2, 60)
  starting.child.kill('SIGINT')
  expect(await starting.ended).toMatchObject({ code: 130 })
  expect(added(had)).toEqual(nothingAdded)
})
