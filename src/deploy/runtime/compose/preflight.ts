/** What keeps a topology from being run in containers, said before anything is touched. */
import type { Machine } from '../../../contract/machine.js'
import { missingProgram } from '../../../lib/errors.js'
import { addressPlan } from '../../generate/address-plan.js'
import { composeFiles } from '../../generate/compose.js'
import { grafanaProfile } from '../../generate/compose-monitor.js'
import { engineNames } from '../process/layout.js'
import { liveFacetsOf } from '../process/needs.js'
import { leavesOut, unsupported } from '../process/support.js'
import type { Runtime } from '../runtime.js'

const howToInstall = 'plimsoll doctor --runtime compose says what is needed'

export const requireDocker = async (machine: Machine): Promise<void> => {
  const engine = machine.containers()
  if (!engine.endpoint.startsWith('unix://'))
    throw missingProgram(
      `the compose runtime needs a Docker engine on this machine, not one at ${engine.endpoint}`,
      'unset DOCKER_HOST, or let it name a Unix socket',
    )
  const version = await engine.version().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw missingProgram(`no Docker engine answers at ${engine.endpoint} (${why})`, howToInstall)
  })
  if ((await engine.composeVersion()) === undefined)
    throw missingProgram(`docker compose is not installed (the Docker engine ${version} answers)`, howToInstall)
}

/** One sentence for each component that is not started, though it is declared. */
export const leftOut: NonNullable<Runtime['leftOut']> = ({ topology, engines }) =>
  Object.values(topology.components)
    .filter((component) => leavesOut(component, engines))
    .map(
      ({ id, engine }) =>
        `${id} (${engine}) is left out: it only watches, and plimsoll starts no container of it${
          engine === 'grafana'
            ? `; the file that plimsoll generate writes has it: docker compose --profile ${grafanaProfile} up --wait`
            : ''
        }`,
    )

export const preflight = async ({ topology, engines, machine }: Parameters<Runtime['preflight']>[0]) => {
  const refusal = unsupported(topology, engines, 'in containers')
  if (refusal !== undefined) throw refusal
  // Throws, by name, for what has no container yet.
  composeFiles(topology, addressPlan(topology))
  await requireDocker(machine)
  return { facets: await liveFacetsOf(engineNames(topology), engines) }
}
