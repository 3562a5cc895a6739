/** A topology as containers: compose makes them from the generated file, plimsoll starts them (docs/adr/0090). */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { type ContainerEngine, type ContainerFacts, systemLabel } from '../../../contract/containers.js'
import type { LedgerEntry } from '../../../contract/ledger.js'
import type { Binding } from '../../../contract/workload.js'
import { invalidInput, targetFailed } from '../../../lib/errors.js'
import type { InstancePlacement, Placement } from '../../../result/placement.js'
import type { ComponentId, Topology } from '../../../topology/types.js'
import type { AddressPlan } from '../../generate/address-plan.js'
import { composeFiles, composeText } from '../../generate/compose.js'
import { containerOf, images, type RunFacts } from '../../generate/compose-service.js'
import type { LaunchOptions } from '../launch.js'
import { entriesOf, localHost } from '../process/layout.js'
import { type Assembly, type Member, type Pin, pinOf, type Runtime } from '../runtime.js'
import { Containers } from './containers.js'
import { holderOf, systemDocument } from './document.js'
import { ensureServiceImage } from './image.js'
import { contextOf, type PlannedContainers, planContainers, portsNeeded, publishedPorts } from './layout.js'
import { composeFolder, isNetworkTaken, makeContainers, writeMounted } from './make.js'
import { freePlan } from './network.js'
import { preflight } from './preflight.js'

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
      const request = { id: entry.id, systemFolder: entry.folder, engine, composeYml, files, secret, signal }
      return { plan, planned, containers: await makeContainers(request) }
    } catch (error) {
      if (tries >= 5 || signal.aborted || !isNetworkTaken(error)) throw error
    }
  }
}

const pinned = (planned: readonly PlannedContainers[], pin: Pin | undefined): ReadonlyMap<string, readonly number[]> =>
  new Map(
    planned.flatMap(({ component, units }) => {
      const cores = pinOf(pin, component.id)
      return cores === undefined ? [] : units.map(({ name }): [string, readonly number[]] => [name, cores])
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
  const run: RunFacts = { seed, prepared }
  const secret = randomBytes(16).toString('hex')
  // Also for what holds the networks.
  await ensureServiceImage({ engine, packageFolder, signal })
  const first = await freePlan(topology, engine)
  const held = await machine.holdPorts(portsNeeded(first))
  const planOf = (plan: AddressPlan): readonly PlannedContainers[] => {
    const ports = held.ports.values()
    return planContainers(plan, facets, entry.folder, () => ports.next().value ?? 0)
  }
  try {
    const made = await make({ entry, options, engine, run, secret, planOf })
    const { plan, planned } = made
    const folder = composeFolder(entry.folder)
    const shared = { topology, plan, folder, seed, packageFolder, secret }
    const members = planned.map((one): Member => {
      const { id, component, index, facet, units, ports, adminPorts, logFile } = one
      const context = contextOf(one, shared, () => body.usage().cpuSeconds)
      const body: Containers = new Containers({
        engine,
        machine,
        id,
        containers: units.map(({ name }) => containerNamed(name, made, topology).id),
        holders: units.map(({ name }) => containerNamed(holderOf(name), made, topology).id),
        specs: () => facet.specs(context),
        // What was learnt of the stores meanwhile.
        prepare: () =>
          writeMounted(
            folder,
            units.flatMap((unit) => containerOf({ topology, plan, unit, run }).files),
          ),
        ports: [...ports, ...adminPorts],
        logFile,
      })
      const peerAddresses = units.map(({ address }) => `${address.host}:${address.port}`)
      return { id, component, index, facet, context, body, logFile, peerAddresses }
    })
    return {
      members,
      prepared,
      entries: entriesOf(topology, planned),
      release: async () => {
        await held.release()
        // What a patch has added.
        const known = new Set(planned.flatMap(({ units }) => units.flatMap(({ name }) => [name, holderOf(name)])))
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
  assemble,
}
