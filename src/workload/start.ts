/** One process of the workload service, from its configuration to an open port and back. */

import { unsupportedSteps } from '../catalog/service/supported.js'
import type { ServiceConfig } from '../contract/workload.js'
import { invalidInput } from '../lib/errors.js'
import { randomStream } from '../lib/random.js'
import type { Topology } from '../topology/types.js'
import { openClients, perProcess } from './clients.js'
import { realClock } from './clock.js'
import { burner } from './cpu.js'
import type { Environment } from './frame.js'
import { keyChooser } from './keys.js'
import { openLog } from './log.js'
import { Meters } from './meter.js'
import { Requests } from './requests.js'
import { routeProblems } from './routes.js'
import { createServer } from './server.js'

export interface ServiceProcess {
  readonly address: { readonly host: string; readonly port: number }
  /** Stops accepting, finishes what is in hand for at most `seconds`, closes everything. True: no request was cut off. */
  drain(seconds: number): Promise<boolean>
}

export interface StartOptions {
  readonly config: ServiceConfig
  readonly topology: Topology
  /** Takes log lines. */
  readonly write: (text: string) => void
}

/** Throws invalidInput for what cannot be executed. Listens before its stores are connected: /readyz tells. */
export const startService = async ({ config, topology, write }: StartOptions): Promise<ServiceProcess> => {
  const component = topology.components[config.component]
  if (component?.role !== 'service') throw invalidInput({ message: `${config.component} is not a service` })
  const problems = [...unsupportedSteps(topology, component.id), ...routeProblems(topology, component.id)]
  if (problems.length > 0) throw invalidInput(...problems)

  const log = openLog(write, { instance: config.instance, process: config.process })
  const stream = (name: string) => randomStream(config.seed, `${config.instance}.${config.process}/${name}`)
  const clients = openClients(config, component, realClock, log)
  const meters = new Meters()
  const env: Environment = { topology, clock: realClock, clients, meters, burner: burner(), stream }
  const requests = new Requests({
    env,
    instance: config.instance,
    component: component.id,
    maxInFlight: component.maxInFlight === undefined ? undefined : perProcess(component.maxInFlight, config.processes),
    choose: keyChooser(topology, stream),
    log,
  })
  const identity = { component: component.id, instance: config.instance, process: config.process }
  const server = createServer({
    topology,
    component,
    requests,
    observed: { meters, pools: clients.pools, identity },
    missing: clients.missing,
  })
  const address = await server.listen(config.listen.host, config.listen.port)
  log.event('info', 'listening', { ...address, topology: topology.digest })
  return {
    address,
    drain: async (seconds) => {
      log.event('info', 'draining', { inFlight: meters.inFlight })
      const whole = await server.drain(seconds)
      clients.close()
      log.event(whole ? 'info' : 'warn', whole ? 'drained' : 'gave up draining', { visits: meters.visits })
      log.close()
      return whole
    },
  }
}
