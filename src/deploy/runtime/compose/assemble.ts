/** A topology as containers: compose makes them from the generated file, plimsoll starts them (docs/adr/0090). */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { type ContainerEngine, type ContainerFacts, systemLabel } from '../../../contract/containers.js'
import type { Members } from '../../../contract/engine.js'
import type { LedgerEntry } from '../../../contract/ledger.js'
import type { Binding } from '../../../contract/workload.js'
import { invalidInput, targetFailed } from '../../../lib/errors.js'
import type { InstancePlacement, Placement } from '../../../result/placement.js'
import type { ComponentId, Topology } from '../../../topology/types.js'
import type { AddressPlan } from '../../generate/address-plan.js'
import { composeFiles, composeText, exporterSecrets } from '../../generate/compose.js'
import { containerOf } from '../../generate/compose-service.js'
import { images, type RunFacts } from '../../generate/container.js'
import type { LaunchOptions } from '../launch.js'
import { entriesOf, localHost } from '../process/layout.js'
import { type Assembly, type Member, type Pin, pinOf, type Runtime } from '../runtime.js'
import { Containers } from './containers.js'
import { holderOf, systemDocument } from './document.js'
import { ensureServiceImage } from './image.js'
import {
  contextOf,
  ownExporters,
  type PlannedContainers,
  planContainers,
  portsNeeded,
  publishedPorts,
} from './layout.js'
import { composeFolder, isNetworkTaken, makeContainers, writeMounted } from './make.js'
import { freePlan } from './network.js'
import { leftOut, preflight } from './preflight.js'

interface Made {
  readonly plan: AddressPlan
  readonly planned: readonly PlannedContainers[]
  readonly containers: ReadonlyMap<string, ContainerFacts>
}

interface Making {
  readonly entry: LedgerEntry
  readonly options: LaunchOptions
  readonly engine: ContainerEngine
  readonly run: RunFacts
  readonly secret: string
  readonly planOf: (plan: AddressPlan) => readonly PlannedContainers[]
}

/** Tries again when somebody takes the network between our look and compose's. */
const make = async (making: Making): Promise<Made> => {
  const { entry, options, engine, run, secret, planOf } = making
  const { topology, pin, signal } = options
  for (let tries = 0; ; tries++) {
    const plan = await freePlan(topology, engine, tries)
    const planned = planOf(plan)
    const { document, files } = composeFiles(topology, plan, run)
    const facts = { id: entry.id, published: publishedPorts(planned), pinned: pinned(planned, pin) }
    const composeYml = composeText(topology, systemDocument(document, facts))
    try {
      const secretNames = exporterSecrets(plan)
      const request = {
        id: entry.id,
        systemFolder: entry.folder,
        engine,
        composeYml,
        files,
        secret,
        secretNames,
        signal,
      }
      return { plan, planned, containers: await makeContainers(request) }
    } catch (error) {
      if (tries >= 5 || signal.aborted || !isNetworkTaken(error)) throw error
    }
  }
}

/** Services of the compose file that an instance consists of. */
const namesOf = (one: PlannedContainers): readonly string[] =>
  [...one.units, ...ownExporters(one)].map(({ name }) => name)

const pinned = (planned: readonly PlannedContainers[], pin: Pin | undefined): ReadonlyMap<string, readonly number[]> =>
  new Map(
    planned.flatMap((one) => {
      const cores = pinOf(pin, one.component.id)
      return cores === undefined ? [] : namesOf(one).map((name): [string, readonly number[]] => [name, cores])
    }),
  )

/** A patch of the user's may have taken a service out of the file. */
const containerNamed = (name: string, made: Pick<Made, 'containers'>, topology: Topology): ContainerFacts => {
  const found = made.containers.get(name)
  if (found !== undefined) return found
  throw invalidInput({
    message: `the compose file has no service ${name}`,
    position: topology.source.locate(['generate', 'compose', 'patches']),
    hint: 'a runtime needs every instance: patches may change services, not remove or rename them',
  })
}

const assemble: Runtime['assemble'] = async (entry, options): Promise<Assembly> => {
  const { machine, topology, packageFolder, signal, seed } = options
  const { facets } = await preflight(options)
  const engine = machine.containers(entry.containerEngine)
  const prepared = new Map<ComponentId, Partial<Binding>>()
  const roles = new Map<ComponentId, Members>()
  const anew = new Map<string, number>()
  const run: RunFacts = { seed, prepared, roles, anew }
  const secret = randomBytes(16).toString('hex')
  // Also for what holds the networks.
  await ensureServiceImage({ engine, packageFolder, signal })
  const first = await freePlan(topology, engine)
  const held = await machine.holdPorts(portsNeeded(first))
  const planOf = (plan: AddressPlan): readonly PlannedContainers[] => {
    const ports = held.ports.values()
    return planContainers(topology, plan, facets, entry.folder, () => ports.next().value ?? 0)
  }
  try {
    const made = await make({ entry, options, engine, run, secret, planOf })
    const { plan, planned } = made
    const folder = composeFolder(entry.folder)
    const shared = { topology, plan, planned, folder, seed, packageFolder, secret, roles }
    const members = planned.map((one): Member => {
      const { id, component, index, facet, units, ports, adminPorts, logFile } = one
      const context = contextOf(one, shared, () => body.usage().cpuSeconds)
      const body: Containers = new Containers({
        engine,
        machine,
        id,
        containers: namesOf(one).map((name) => containerNamed(name, made, topology).id),
        holders: units.map(({ name }) => containerNamed(holderOf(name), made, topology).id),
        specs: () => facet.specs(context),
        // What was learnt of the stores meanwhile, and who is primary.
        prepare: () =>
          writeMounted(
            folder,
            units.flatMap((unit) => containerOf({ topology, plan, unit, run }).files),
          ),
        makeAnew: () => anew.set(id, (anew.get(id) ?? 0) + 1),
        ports: [...ports, ...adminPorts, ...ownExporters(one).map(({ publishedPort }) => publishedPort)],
        logFile,
      })
      const peerAddresses = units.map(({ address }) => `${address.host}:${address.port}`)
      return { id, component, index, facet, context, body, logFile, peerAddresses }
    })
    return {
      members,
      prepared,
      roles,
      entries: entriesOf(topology, planned),
      release: async () => {
        await held.release()
        // What a patch has added.
        const known = new Set(planned.flatMap(namesOf).flatMap((name) => [name, holderOf(name)]))
        const others = [...made.containers.values()].filter(({ service }) => !known.has(service))
        await Promise.all(others.map(({ id }) => engine.start(id)))
      },
      placement: () => placementOf(made, options, engine),
      versions: () => versionsOf(made, engine),
      discard: async () => {
        await engine.remove(await engine.labelled(systemLabel, entry.id))
        await Promise.all(
          [folder, ...planned.map(({ logFile }) => logFile)].map((path) => rm(path, { recursive: true, force: true })),
        )
      },
      daemons: () => machine.dockerDaemons().map(({ pid, cpuSeconds }) => ({ pid, cpuSeconds })),
      close: () => {},
    }
  } catch (error) {
    await held.release()
    throw error
  }
}

/** As the engine has it: the quota that it enforces, the cores that it confines to. */
const placementOf = async (
  { planned, containers }: Made,
  { machine, pin, topology }: LaunchOptions,
  engine: ContainerEngine,
): Promise<Placement> => {
  const instances: Record<string, InstancePlacement> = {}
  for (const { id, component, facet, units } of planned) {
    const facts = await Promise.all(
      units.map(({ name }) => engine.inspect(containerNamed(name, { containers }, topology).id)),
    )
    const quotas = facts.flatMap(({ quota }) => quota ?? [])
    const eventLoops = facet.eventLoops(component)
    const [first] = facts
    if (first === undefined) throw targetFailed(`${id} has no container`)
    instances[id] = {
      host: localHost,
      ...(first.pin === undefined ? {} : { pin: first.pin }),
      // Rounded to what Docker keeps of it, so that a half of 1.5 and its other half are 1.5 again.
      ...(quotas.length < facts.length ? {} : { quota: Number(quotas.reduce((sum, one) => sum + one, 0).toFixed(6)) }),
      ...(eventLoops === undefined ? {} : { eventLoops }),
    }
  }
  const generator = pin?.generator
  instances.generator = { host: localHost, ...(generator === undefined ? {} : { pin: generator }) }
  return {
    hosts: { [localHost]: { cpu: machine.cores, memoryBytes: machine.memoryBytes } },
    instances,
    origin: 'runtime',
  }
}

const versionsOf = async (
  { planned, containers }: Made,
  engine: ContainerEngine,
): Promise<Readonly<Record<string, string>>> => {
  const [docker, compose] = await Promise.all([engine.version(), engine.composeVersion()])
  const ofImages = planned.flatMap(({ component, units }): readonly [string, string][] => {
    const image = containers.get(units[0]?.name ?? '')?.image
    return image === undefined || image === images.service ? [] : [[component.engine, image]]
  })
  return {
    node: process.versions.node,
    docker,
    ...(compose === undefined ? {} : { compose }),
    ...Object.fromEntries(ofImages),
  }
}

export const composeRuntime: Runtime = {
  name: 'compose',
  preflight: async (options) => {
    await preflight(options)
  },
  leftOut,
  assemble,
}
