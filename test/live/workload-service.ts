/** A workload service in this process, for live tests. */

import type { InstanceSample } from '../../src/contract/running-system.js'
import type { Binding } from '../../src/contract/workload.js'
import type { Topology } from '../../src/topology/types.js'
import { type ServiceProcess, startService } from '../../src/workload/start.js'
import { until } from './servers.js'

export interface RunningService extends ServiceProcess {
  readonly url: string
  readonly logs: Record<string, unknown>[]
  sample(): Promise<InstanceSample>
}

export const runService = async (
  topology: Topology,
  bindings: Readonly<Record<string, Binding>>,
  options: { readonly component?: string; readonly ready?: boolean } = {},
): Promise<RunningService> => {
  const component = options.component ?? 'app'
  const logs: Record<string, unknown>[] = []
  const started = await startService({
    topology,
    config: {
      topology: { file: 'test.yaml', text: '' },
      component,
      instance: `${component}/0`,
      process: 0,
      processes: 1,
      listen: { host: '127.0.0.1', port: 0 },
      seed: 7,
      bindings,
    },
    write: (text) => {
      for (const line of text.trimEnd().split('\n')) logs.push(JSON.parse(line) as Record<string, unknown>)
    },
  })
  const url = `http://${started.address.host}:${started.address.port}`
  if (options.ready ?? true) await until('the service to be ready', async () => (await fetch(`${url}/readyz`)).ok)
  return {
    ...started,
    url,
    logs,
    sample: async () => (await (await fetch(`${url}/plimsoll/sample`)).json()) as InstanceSample,
  }
}
