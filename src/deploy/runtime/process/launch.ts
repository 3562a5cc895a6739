/** Launches a topology as native processes. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { LedgerEntry } from '../../../contract/ledger.js'
import type { Ledger, Machine } from '../../../contract/machine.js'
import type { Binding } from '../../../contract/workload.js'
import { PlimsollError } from '../../../lib/errors.js'
import { exitCodes } from '../../../lib/exit-codes.js'
import type { InstanceState } from '../../../result/run-event.js'
import type { Component, ComponentId, Topology } from '../../../topology/types.js'
import { serveControl } from './control.js'
import { isPortTaken } from './failure.js'
import { baseFolder, makeSystemFolder, removeInstances } from './folder.js'
import { Instance } from './instance.js'
import {
  contextOf,
  dependencies,
  type Engines,
  engineNames,
  entriesOf,
  type Pin,
  type PlannedInstance,
  pinOf,
  placementOf,
  planInstances,
  portsNeeded,
} from './layout.js'
import { findPrograms, liveFacetsOf, missingPrograms, versionOf } from './needs.js'
import { watchBalancers } from './notice.js'
import type { Sampled } from './sampler.js'
import { unsupported } from './support.js'
import { closeInstances, EventHub, eventsOf, ProcessSystem } from './system.js'
import { undoEntry, writeCopy } from './undo.js'

export interface LaunchOptions {
  readonly machine: Machine
  readonly engines: Engines
  readonly topology: Topology
  /** Absolute path, for the ledger. */
  readonly topologyFile: string
  /** Default: made from the topology's name. */
  readonly id?: string
  readonly purpose: LedgerEntry['purpose']
  /** `<cwd>/.plimsoll/ledger` */
  readonly ledgerFolder: string
  /** Root of the package, for entry points below dist/. */
  readonly packageFolder: string
  /** Aborted: everything is undone, and `launch` rejects. Of no effect once it has resolved. */
  readonly signal: AbortSignal
  readonly seed: number
  /** Cores by component, `stack` for all of them, and `generator`. */
  readonly pin?: Pin | undefined
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly instance: string
  readonly state: InstanceState
  /** Since `launch` was called. */
  readonly atSeconds: number
}

/** The topology's name and four random characters: unique enough for one machine, short enough for socket paths. */
export const newSystemId = (name: string): string => {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 20)
  return `${clean === '' ? 'system' : clean}-${randomBytes(3).toString('hex')}`
}

export const socketName = 'control.sock'

/** Checks that fail before anything is touched: what is not supported (exit 3), what is not installed (exit 5). */
export const preflight = async (topology: Topology, engines: Engines, machine: Machine) => {
  const refusal = unsupported(topology, engines)
  if (refusal !== undefined) throw refusal
  const facets = await liveFacetsOf(engineNames(topology), engines)
  const found = findPrograms(facets, machine)
  const missing = missingPrograms(found)
  if (missing !== undefined) throw missing
  return { facets, found }
}

/** The entry of a system that this process is about to make, with itself as owner. */
export const newEntry = async (
  options: Pick<LaunchOptions, 'machine' | 'topology' | 'topologyFile' | 'purpose'>,
  id: string,
): Promise<LedgerEntry> => {
  const { machine, topology, topologyFile, purpose } = options
  const folder = join(await baseFolder(machine.uid === 0), `plimsoll-${id}`)
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'LedgerEntry',
    id,
    runtime: 'process',
    topology: { name: topology.name, file: topologyFile, digest: topology.digest },
    purpose,
    folder,
    bootSeconds: machine.uptimeSeconds(),
    bootId: machine.bootId,
    socket: join(folder, socketName),
    owner: ownerOf(machine),
  }
}

export const ownerOf = (machine: Machine): LedgerEntry['owner'] => {
  const self = machine.stat(process.pid)
  return self === undefined ? null : { pid: self.pid, startSeconds: self.startSeconds }
}

export const launch = async (options: LaunchOptions): Promise<ProcessSystem> => {
  const { machine, topology, engines } = options
  await preflight(topology, engines, machine)
  const ledger = machine.ledger(options.ledgerFolder)
  const entry = await newEntry(options, options.id ?? newSystemId(topology.name))
  await ledger.write(entry)
  try {
    await makeSystemFolder(entry.folder)
    await writeCopy({ entry, ledgerFolder: options.ledgerFolder })
    return await launchInto(entry, ledger, options)
  } catch (error) {
    await undoEntry(entry, ledger, machine)
    throw interrupted(options.signal) ?? error
  }
}

const interrupted = (signal: AbortSignal): PlimsollError | undefined =>
  signal.aborted
    ? new PlimsollError(signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated, [
        { message: 'interrupted while the stack was starting; everything has been undone' },
      ])
    : undefined

/**
 * Into a folder that exists and a ledger that knows of it. On failure all processes are ended; folder and entry stay. The
 * control socket is there from before the first process, so that a system that is still starting can be ended through it.
 */
export const launchInto = async (
  entry: LedgerEntry,
  ledger: Ledger,
  options: LaunchOptions,
): Promise<ProcessSystem> => {
  let system: ProcessSystem | undefined
  const asked = new AbortController()
  const signal = AbortSignal.any([options.signal, asked.signal])
  const control = await serveControl(entry.socket, {
    system: () => system,
    down: async () => {
      asked.abort('SIGTERM')
      await launching.catch(() => undefined)
      await system?.down()
    },
  })
  const launching = startWithFreshPorts(entry, ledger, { ...options, signal }, control.close)
  try {
    system = await launching
    return system
  } catch (error) {
    control.close()
    throw interrupted(signal) ?? error
  }
}

/** Tries again, with other ports, when somebody took one of ours before its server did. */
const startWithFreshPorts = async (
  entry: LedgerEntry,
  ledger: Ledger,
  options: LaunchOptions,
  onDown: () => void,
): Promise<ProcessSystem> => {
  for (let tries = 1; ; tries++) {
    try {
      return await startInstances(entry, ledger, options, onDown)
    } catch (error) {
      if (tries >= 3 || options.signal.aborted || !isPortTaken(error)) throw error
      await removeInstances(entry.folder, options.topology)
    }
  }
}

const startInstances = async (
  entry: LedgerEntry,
  ledger: Ledger,
  options: LaunchOptions,
  onDown: () => void,
): Promise<ProcessSystem> => {
  const { machine, topology, engines, pin } = options
  const beganAt = performance.now()
  const { facets, found } = await preflight(topology, engines, machine)
  const held = await machine.holdPorts(portsNeeded(topology, facets))
  const ports = held.ports.values()
  const planned = planInstances(topology, facets, entry.folder, () => ports.next().value ?? 0)
  const prepared = new Map<ComponentId, Partial<Binding>>()
  const shared = {
    topology,
    instances: planned,
    programs: {
      node: process.execPath,
      ...Object.fromEntries(found.flatMap(({ need, path }) => (path === undefined ? [] : [[need.name, path]]))),
    },
    seed: options.seed,
    packageFolder: options.packageFolder,
    secret: randomBytes(16).toString('hex'),
    prepared,
  }
  const hub = new EventHub()
  const sampled = planned.map((plan): Sampled => {
    const context = contextOf(plan, shared)
    let before: InstanceState | undefined
    const instance = new Instance({
      machine,
      id: plan.id,
      component: plan.component.id,
      index: plan.index,
      folder: plan.folder,
      logFile: plan.logFile,
      addresses: context.listens.map(({ host, port }) => `${host}:${port}`),
      specs: () => plan.facet.specs(context),
      restartAfterSeconds: plan.component.restartAfterSeconds,
      pin: pinOf(pin, plan.component.id),
      systemId: entry.id,
      onState: (one, state) => {
        for (const event of eventsOf(one.id, before, state)) hub.emit(event)
        before = state
        options.onProgress?.({ instance: one.id, state, atSeconds: (performance.now() - beganAt) / 1000 })
      },
      onCrash: () => hub.emit({ type: 'detected', instance: plan.id, by: 'supervisor' }),
      onNote: (message) => hub.emit({ type: 'note', message }),
    })
    return { instance, facet: plan.facet, context }
  })
  // One failure ends the wait of all the others.
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  try {
    await held.release()
    const versions = versionsOf(found, machine)
    await startAll(topology, planned, sampled, prepared, signal).catch((error: unknown) => {
      failed.abort()
      throw error
    })
    if (options.signal.aborted) throw interrupted(options.signal)
    const stopWatching = watchBalancers(planned, hub)
    return new ProcessSystem({
      machine,
      ledger,
      entry,
      topology,
      placement: placementOf(planned, machine, pin),
      entries: entriesOf(topology, planned),
      versions: await versions,
      sampled,
      hub,
      onDown: () => {
        stopWatching()
        onDown()
      },
    })
  } catch (error) {
    failed.abort()
    await closeInstances(
      sampled.map(({ instance }) => instance),
      (id) => topology.components[id]?.role === 'store',
    )
    throw error
  }
}

/** Each component as soon as those that it depends on are ready. Rejects with the first failure. */
const startAll = async (
  topology: Topology,
  planned: readonly PlannedInstance[],
  sampled: readonly Sampled[],
  prepared: Map<ComponentId, Partial<Binding>>,
  signal: AbortSignal,
): Promise<void> => {
  const ready = new Map<ComponentId, Promise<void>>()
  const startComponent = async (component: Component): Promise<void> => {
    await Promise.all(dependencies(component, topology).map(becomesReady))
    if (signal.aborted) return
    const own = sampled.filter(({ instance }) => instance.component === component.id)
    await Promise.all(own.map(({ instance }) => instance.start(signal)))
    const first = own[0]
    if (first?.facet.prepare !== undefined) prepared.set(component.id, await first.facet.prepare(first.context))
  }
  const becomesReady = (id: ComponentId): Promise<void> => {
    const known = ready.get(id)
    if (known !== undefined) return known
    const component = topology.components[id]
    const promise = component === undefined ? Promise.resolve() : startComponent(component)
    ready.set(id, promise)
    return promise
  }
  await Promise.all([...new Set(planned.map(({ component }) => component.id))].map(becomesReady))
}

const versionsOf = async (
  found: Awaited<ReturnType<typeof preflight>>['found'],
  machine: Machine,
): Promise<Readonly<Record<string, string>>> => {
  const versions: Record<string, string> = { node: process.versions.node }
  await Promise.all(
    found
      .filter((one, i) => found.findIndex(({ engine }) => engine === one.engine) === i)
      .map(async (one) => {
        const version = await versionOf(one, machine)
        if (version !== undefined) versions[one.engine] = version
      }),
  )
  return versions
}
