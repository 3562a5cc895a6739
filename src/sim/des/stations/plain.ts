/** Stations that run what the call brings: services, stores, externals, and the load generator. */
import type { Endpoint, Station } from '../endpoint.js'
import type { Kernel } from '../kernel.js'
import type { Op, Task } from '../task.js'

/** HTTP status that a caller gets when the flow fails with this code: as the workload service answers. */
const statusOfCode: Readonly<Record<string, string>> = {
  'pool-timeout': '503',
  'breaker-open': '503',
  timeout: '504',
  deadline: '504',
}

/** A service: abandoned work goes on unless it was declared `onAbort: cancel`. */
export const serviceStation = (
  kernel: Kernel,
  component: string,
  onAbort: 'continue' | 'cancel',
  renew: (endpoint: Endpoint) => void,
): Station => ({
  component,
  onStop: 'drain',
  program: (task: Task): readonly Op[] => task.goal.program(task.endpoint),
  abandoned: (task) => {
    if (onAbort === 'cancel') kernel.cancel(task)
  },
  status: (code) => statusOfCode[code] ?? '502',
  renew,
})

/** A store: a statement whose caller gave up is cancelled. */
export const storeStation = (
  kernel: Kernel,
  component: string,
  onStop: Station['onStop'],
  renew: (endpoint: Endpoint) => void,
): Station => ({
  component,
  onStop,
  program: (task: Task): readonly Op[] => task.goal.program(task.endpoint),
  abandoned: (task) => kernel.cancel(task),
  status: (code) => code,
  renew,
})

/** Where the client's own tasks live. It never goes down, and nobody calls it. */
export const clientStation = (): Station => ({
  component: 'generator',
  onStop: 'drain',
  program: (task: Task): readonly Op[] => task.goal.program(task.endpoint),
  abandoned: () => undefined,
  status: (code) => code,
  renew: () => undefined,
})
