/** The process runtime on real nginx, Redis and PostgreSQL, with a stub for the service. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpGet } from '../../src/catalog/common/live-http.js'
import type { Machine } from '../../src/contract/machine.js'
import { type LaunchOptions, launch } from '../../src/deploy/runtime/launch.js'
import { processRuntime } from '../../src/deploy/runtime/process/assemble.js'
import type { OwnedSystem } from '../../src/deploy/runtime/system.js'
import type { Fault, FaultKind } from '../../src/experiment/types.js'
import { machine } from '../../src/system/machine.js'
import { until } from './servers.js'
import { leftovers, nothing, snapshot, temporaryBase } from './support/leftovers.js'
import { stubEngines, stubTopology } from './support/stub-service.js'

// A folder with spaces: nothing may split its path.
const cwd = mkdtempSync(join(tmpdir(), 'launch test '))
const ledgerFolder = join(cwd, '.plimsoll', 'ledger')
const base = temporaryBase()
process.env.TMPDIR = base
const before = snapshot(base)
afterAll(() => {
  for (const path of [cwd, base]) rmSync(path, { recursive: true, force: true })
})

const options = (more: Partial<LaunchOptions> = {}): LaunchOptions => ({
  runtime: processRuntime,
  machine,
  engines: stubEngines(),
  topology: stubTopology(),
  topologyFile: join(cwd, 'topology.yaml'),
  purpose: 'run',
  ledgerFolder,
  packageFolder: process.cwd(),
  signal: new AbortController().signal,
  seed: 1,
  ...more,
})

const fault = (kind: FaultKind, component: string, index?: number, more: Partial<Fault> = {}): Fault => ({
  kind,
  atSeconds: 0,
  target: index === undefined ? { kind: 'component', component } : { kind: 'instance', component, index },
  forSeconds: undefined,
  restartAfterSeconds: undefined,
  parameters: {},
  position: { file: 'x.yaml', line: 1, column: 1 },
  ...more,
})

const alive = (pid: number): boolean => machine.stat(pid) !== undefined && machine.stat(pid)?.state !== 'Z'

describe('a launched system', () => {
  let system: OwnedSystem
  beforeAll(async () => {
    system = await launch(options())
  })
  afterAll(async () => {
    await system?.down()
  })

  const stateOf = async (id: string) => (await system.status()).find((one) => one.id === id)?.state
  const get = async () => {
    const url = new URL(system.entries.edge ?? '')
    return httpGet(url.hostname, Number(url.port), '/', 2)
  }

  test('answers through its balancer, from every instance', async () => {
    const seen = new Set<string>()
    for (let i = 0; i < 20; i++) seen.add((await get()).body)
    expect([...seen].sort()).toEqual(['app/0', 'app/1'])
    expect(system.versions).toMatchObject({ nginx: expect.stringMatching(/^\d+\.\d+/), postgres: expect.any(String) })
    expect((await system.status()).map(({ id, state }) => [id, state])).toEqual([
      ['edge/0', 'ready'],
      ['app/0', 'ready'],
      ['app/1', 'ready'],
      ['cache/0', 'ready'],
      ['db/0', 'ready'],
    ])
    expect(system.placement.instances['app/1']).toEqual({ host: 'local', eventLoops: 1 })
  })

  test('counts CPU and visits of each instance, and of the machine', async () => {
    const first = await system.sample()
    const url = new URL(system.entries.edge ?? '')
    await httpGet(url.hostname, Number(url.port), '/spin', 2)
    for (let i = 0; i < 9; i++) await get()
    const second = await system.sample()
    const cpu = (id: string) => (second.instances[id]?.cpuSeconds ?? 0) - (first.instances[id]?.cpuSeconds ?? 0)
    expect(cpu('app/0') + cpu('app/1')).toBeGreaterThan(0.1)
    expect((second.instances['edge/0']?.visits ?? 0) - (first.instances['edge/0']?.visits ?? 0)).toBe(10)
    expect(second.instances['cache/0']?.visits).toBe(first.instances['cache/0']?.visits)
    expect(second.instances['db/0']?.memoryBytes).toBeGreaterThan(5e6)
    const capacity = (second.hosts.local?.capacitySeconds ?? 0) - (first.hosts.local?.capacitySeconds ?? 0)
    expect(capacity / (second.at - first.at)).toBeGreaterThan(machine.cores * 0.5)
  })

  test('kill ends every process of the instance at once and brings it back at its old address', async () => {
    const was = (await system.status()).find(({ id }) => id === 'app/0')
    const counted = (await system.sample()).instances['app/0']?.cpuSeconds ?? 0
    const seen: string[] = []
    const stop = system.onEvent((event) => event.type === 'detected' && seen.push(`${event.instance} by ${event.by}`))
    const began = performance.now()
    await system.inject(fault('kill', 'app', 0))
    expect(performance.now() - began).toBeLessThan(1000)
    expect(was?.pids.some(alive)).toBe(false)
    expect(await stateOf('app/0')).toBe('crashed')
    for (let i = 0; i < 4; i++) expect((await get()).body).toBe('app/1')
    // Not by the supervisor, which ended it itself.
    await until('nginx says so', () => seen.length > 0)
    expect(seen).toEqual(['app/0 by edge'])
    stop()
    await until('app/0 is back', async () => (await stateOf('app/0')) === 'ready')
    const is = (await system.status()).find(({ id }) => id === 'app/0')
    expect(is).toMatchObject({ addresses: was?.addresses, restarts: 1 })
    expect((await system.sample()).instances['app/0']?.cpuSeconds).toBeGreaterThanOrEqual(counted)
  })

  test('kill of PostgreSQL ends its backends too, and undo starts it on the same data', async () => {
    const postmaster = (await system.status()).find(({ id }) => id === 'db/0')?.pids[0] ?? 0
    const tree = machine.descendants([postmaster]).get(postmaster) ?? []
    expect(tree.length).toBeGreaterThan(3)
    const { undo } = await system.inject(fault('kill', 'db'))
    expect(tree.filter(({ pid }) => alive(pid))).toEqual([])
    expect(await stateOf('db/0')).toBe('crashed')
    await undo()
    await undo()
    expect(await stateOf('db/0')).toBe('ready')
  })

  test('a stopped balancer refuses until it is undone', async () => {
    const { undo } = await system.inject(fault('stop', 'edge'))
    await expect(get()).rejects.toThrow('ECONNREFUSED')
    expect((await system.sample()).instances['edge/0']?.inFlight).toBe(0)
    await undo()
    expect((await get()).status).toBe(200)
  })

  test('pause freezes every process, a sample still answers, and undo thaws them', async () => {
    const { undo } = await system.inject(fault('pause', 'db'))
    const root = (await system.status()).find(({ id }) => id === 'db/0')?.pids[0] ?? 0
    expect(
      new Set(
        machine
          .descendants([root])
          .get(root)
          ?.map(({ state }) => state),
      ),
    ).toEqual(new Set(['T']))
    const began = performance.now()
    await system.sample()
    expect(performance.now() - began).toBeLessThan(1500)
    await undo()
    expect(await stateOf('db/0')).toBe('ready')
    await until('its processes run', () => machine.stat(root)?.state === 'S')
  })

  test('a process that somebody else kills is noticed and started again', async () => {
    const events: string[] = []
    const stop = system.onEvent((event) =>
      events.push('instance' in event ? `${event.type} ${event.instance}` : event.type),
    )
    const pid = (await system.status()).find(({ id }) => id === 'app/1')?.pids[0] ?? 0
    machine.signal(pid, 'SIGKILL')
    await until('the crash is seen', async () => (await stateOf('app/1')) === 'crashed')
    await until('app/1 is back', async () => (await stateOf('app/1')) === 'ready')
    stop()
    expect(events).toContain('detected app/1')
    expect(events.at(-1)).toBe('recovered app/1')
  })

  test('an unknown target and a fault that it cannot do are refused by name', async () => {
    await expect(system.inject(fault('kill', 'ap'))).rejects.toMatchObject({ exitCode: 3 })
    await expect(system.inject(fault('latency', 'app'))).rejects.toThrow('fault latency')
  })

  test('samples cost less than 1 % of a core at one per second', async () => {
    await system.sample()
    const began = process.cpuUsage()
    for (let i = 0; i < 20; i++) await system.sample()
    const { user, system: kernel } = process.cpuUsage(began)
    expect((user + kernel) / 20 / 1e6).toBeLessThan(0.01)
  })

  test('down leaves nothing behind, a paused instance included', async () => {
    await system.inject(fault('pause', 'cache'))
    await system.down()
    await system.down()
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
    expect(readdirSync(cwd)).toEqual([])
  })
})

describe('a launch that does not come about', () => {
  test('says which instance failed in the words of its log, and leaves nothing behind', async () => {
    const failing = launch(options({ engines: stubEngines('broken') }))
    await expect(failing).rejects.toMatchObject({ exitCode: 6 })
    await failing.catch((error: { problems: readonly { message: string; why: string }[] }) => {
      expect(error.problems[0]?.message).toMatch(/^app\/\d did not start: it ended with exit code 3$/)
      expect(error.problems[0]?.why).toContain('stub: this configuration is bad')
    })
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('takes other ports when somebody has taken one of its own meanwhile', async () => {
    const taken = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    let asked = 0
    const holdPorts: Machine['holdPorts'] = async (count) => {
      const held = await machine.holdPorts(count)
      asked++
      return asked > 1 ? held : { ...held, ports: held.ports.map((one, i) => (i === 6 ? port : one)) }
    }
    const system = await launch(options({ machine: { ...machine, holdPorts } }))
    expect(asked).toBe(2)
    expect((await system.status()).every(({ state }) => state === 'ready')).toBe(true)
    await system.down()
    taken.close()
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
  })

  test('pins what it starts to the cores that it is given', async () => {
    const system = await launch(options({ pin: { stack: [0], generator: [0] } }))
    const pids = (await system.status()).flatMap(({ pids }) => pids)
    const allowed = pids.map(
      (pid) => /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
    )
    expect(new Set(allowed)).toEqual(new Set(['0']))
    expect(system.placement.instances['db/0']).toEqual({ host: 'local', pin: [0] })
    expect(system.placement.instances.generator).toEqual({ host: 'local', pin: [0] })
    await system.down()
  })

  test('refuses by name and place what it cannot run yet, before it starts anything', async () => {
    const topology = stubTopology()
    const { cache, db } = topology.components
    if (cache?.role !== 'store' || db?.role !== 'store') throw new Error('no stores')
    const replicated = {
      ...topology,
      components: { ...topology.components, cache: { ...cache, readReplicas: 1, replicas: 2 } },
    }
    const refused = launch(options({ topology: replicated }))
    await expect(refused).rejects.toMatchObject({ exitCode: 3 })
    await expect(refused).rejects.toThrow(/^readReplicas of component cache .*\nreplicas of component cache /)
    const kafka = { ...topology, components: { ...topology.components, db: { ...db, engine: 'kafka' } } }
    await expect(launch(options({ topology: kafka }))).rejects.toThrow('engine kafka (component db)')
    expect(readdirSync(cwd)).toEqual([])
  })

  test('names the programs that are missing and how to install them', async () => {
    const findProgram: Machine['findProgram'] = ({ name }) => (name === 'initdb' || name === 'nginx' ? undefined : '/x')
    const refused = launch(options({ machine: { ...machine, findProgram } }))
    await expect(refused).rejects.toMatchObject({
      exitCode: 5,
      problems: [
        {
          message: 'programs are not installed: nginx (nginx), initdb (postgres)',
          hint: 'plimsoll doctor --install, or: apt-get install --no-install-recommends nginx postgresql',
        },
      ],
    })
    expect(readdirSync(cwd)).toEqual([])
  })

  test.each([0.05, 0.3, 0.7, 1.5])('is undone when it is interrupted after %d s', async (seconds) => {
    const controller = new AbortController()
    const launching = launch(options({ signal: controller.signal }))
    setTimeout(() => controller.abort('SIGINT'), seconds * 1000)
    await launching.then(
      (system) => system.down(),
      (error: { exitCode: number }) => expect(error.exitCode).toBe(130),
    )
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
    expect(readdirSync(cwd)).toEqual([])
  })
})
