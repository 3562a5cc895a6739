/** The workload service as native processes: one per event loop, each with a port of its own. */
import { join } from 'node:path'
import type { InstanceCounters, LiveContext, LiveFacet } from '../../contract/engine.js'
import { mergeCounters } from '../../contract/instance-counters.js'
import type { ProcessSpec } from '../../contract/process-spec.js'
import type { ServiceConfig } from '../../contract/workload.js'
import { answersOk, httpGet } from '../common/live-http.js'
import { eventLoopsOf } from './processes.js'

const spec = (context: LiveContext, process: number): ProcessSpec => {
  const { component, index, listens, folder, topology, seed, packageFolder, programs } = context
  const listen = listens[process] ?? context.listen
  const instance = `${component.id}/${index}`
  const file = `service-${process}.json`
  const config: ServiceConfig = {
    topology: { file: topology.source.file, text: topology.source.text },
    component: component.id,
    instance,
    process,
    processes: listens.length,
    listen,
    seed,
    bindings: context.bindings(),
  }
  return {
    id: listens.length > 1 ? `${instance}.${process}` : instance,
    component: component.id,
    index,
    program: programs.node ?? 'node',
    args: ['--enable-source-maps', join(packageFolder, 'dist', 'entries', 'service.js')],
    env: { PLIMSOLL_SERVICE: join(folder, file), NODE_ENV: 'production' },
    folder,
    files: { [file]: JSON.stringify(config) },
    // The package may lie where only its owner may read.
    accounts: [],
    ports: [listen.port],
    stopSignal: 'SIGTERM',
    stopSeconds: 10,
    probe: () => answersOk(listen.host, listen.port, '/readyz', 1),
    startSeconds: 30,
  }
}

/**
 * An event loop with hundreds of requests before it answers late, and whoever samples does not wait for it; but what it says
 * in the end counts everything up to then, whereas giving up each time would lose the whole overload.
 */
const sampleSeconds = 5

export const live: LiveFacet = {
  programs: [],
  processes: eventLoopsOf,
  eventLoops: eventLoopsOf,
  specs: (context) => context.listens.map((_, process) => spec(context, process)),
  sample: async ({ listens }) => {
    const samples = await Promise.all(
      listens.map(
        async ({ host, port }) =>
          JSON.parse((await httpGet(host, port, '/plimsoll/sample', sampleSeconds)).body) as InstanceCounters,
      ),
    )
    return samples.reduce(mergeCounters, {})
  },
}
