/** A topology as native processes on loopback. */
import { randomBytes } from 'node:crypto'
import type { Members } from '../../../contract/engine.js'
import type { Machine } from '../../../contract/machine.js'
import type { Binding } from '../../../contract/workload.js'
import type { ComponentId } from '../../../topology/types.js'
import { removeInstances } from '../folder.js'
import { type Assembly, type Member, pinOf, type Runtime } from '../runtime.js'
import { contextOf, engineNames, entriesOf, placementOf, planInstances, portsNeeded } from './layout.js'
import { type FoundProgram, findPrograms, liveFacetsOf, missingPrograms, versionOf } from './needs.js'
import { Processes } from './processes.js'
import { leftOut, unsupported } from './support.js'

const preflight = async ({ topology, engines, machine }: Parameters<Runtime['preflight']>[0]) => {
  const refusal = unsupported(topology, engines)
  if (refusal !== undefined) throw refusal
  const facets = await liveFacetsOf(engineNames(topology), engines)
  const found = findPrograms(facets, machine)
  const missing = missingPrograms(found)
  if (missing !== undefined) throw missing
  return { facets, found }
}

const assemble: Runtime['assemble'] = async (entry, options): Promise<Assembly> => {
  const { machine, topology, pin } = options
  const { facets, found } = await preflight(options)
  const held = await machine.holdPorts(portsNeeded(topology, facets))
  const ports = held.ports.values()
  const planned = planInstances(topology, facets, entry.folder, () => ports.next().value ?? 0)
  const prepared = new Map<ComponentId, Partial<Binding>>()
  const roles = new Map<ComponentId, Members>()
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
    roles,
  }
  return {
    members: planned.map((plan): Member => {
      const context = contextOf(plan, shared)
      const body = new Processes({
        machine,
        folder: plan.folder,
        logFile: plan.logFile,
        specs: () => plan.facet.specs(context),
        pin: pinOf(pin, plan.component.id),
        systemId: entry.id,
      })
      return { ...plan, context, body }
    }),
    prepared,
    roles,
    entries: entriesOf(topology, planned),
    release: held.release,
    placement: () => Promise.resolve(placementOf(planned, machine, pin)),
    versions: () => versionsOf(found, machine),
    discard: () => removeInstances(entry.folder, topology),
    close: () => {},
  }
}

const versionsOf = async (
  found: readonly FoundProgram[],
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

export const processRuntime: Runtime = {
  name: 'process',
  preflight: async (options) => {
    await preflight(options)
  },
  leftOut: ({ topology, engines }) => leftOut(topology, engines),
  assemble,
}
