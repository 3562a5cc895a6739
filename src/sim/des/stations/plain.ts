/** Stations that run what the call brings: services, stores, externals, and the load generator. */
import { CodeMap } from '../codes.js'
import type { Endpoint, Station } from '../endpoint.js'
import type { System } from '../system.js'

/** HTTP status that a caller gets when the flow fails with this code: as the workload service answers. */
const statusOfCode: Readonly<Record<string, string>> = {
  'pool-timeout': '503',
  'breaker-open': '503',
  'lock-timeout': '503',
  conflict: '503',
  fenced: '503',
  'queue-full': '503',
  'sold-out': '409',
  '409': '409',
  timeout: '504',
  deadline: '504',
}

interface Behaviour
  extends Pick<Station, 'onStop' | 'abandoned' | 'renew' | 'lost' | 'back' | 'external' | 'draining'> {
  readonly status: (text: string) => string
}

const station = (system: System, component: string, behaviour: Behaviour): Station => {
  const programs: (number | undefined)[] = []
  const statuses = new CodeMap(system.kernel.codes, behaviour.status)
  return {
    component,
    programs,
    compile: (goal) => {
      const pc = system.compile(goal, component)
      // Goals are numbered in order; a list without holes is read fastest.
      while (programs.length <= goal) programs.push(undefined)
      programs[goal] = pc
      system.runPostponed()
      return pc
    },
    onStop: behaviour.onStop,
    ...(behaviour.external === undefined ? {} : { external: behaviour.external }),
    ...(behaviour.lost === undefined ? {} : { lost: behaviour.lost }),
    ...(behaviour.back === undefined ? {} : { back: behaviour.back }),
    ...(behaviour.draining === undefined ? {} : { draining: behaviour.draining }),
    abandoned: behaviour.abandoned,
    renew: behaviour.renew,
    status: (code) => statuses.get(code),
  }
}

/** A service: abandoned work goes on unless it was declared `onAbort: cancel`. */
export const serviceStation = (
  system: System,
  component: string,
  onAbort: 'continue' | 'cancel',
  renew: (endpoint: Endpoint) => void,
): Station =>
  station(system, component, {
    onStop: 'drain',
    abandoned: (task) => {
      if (onAbort === 'cancel') system.kernel.cancel(task)
    },
    status: (code) => statusOfCode[code] ?? '502',
    renew,
    lost: (endpoint, how) => system.messaging?.gone(endpoint, how),
    back: (endpoint) => system.messaging?.back(endpoint),
    draining: (endpoint) => system.messaging?.gone(endpoint, 'draining'),
  })

/** A store: a statement whose caller gave up is cancelled. */
export const storeStation = (
  system: System,
  component: string,
  onStop: Station['onStop'],
  hooks: Required<Pick<Station, 'lost' | 'back'>>,
): Station =>
  station(system, component, {
    onStop,
    ...hooks,
    renew: () => undefined,
    abandoned: (task) => system.kernel.cancel(task),
    status: (code) => code,
  })

/** A dependency that is not ours: what it makes of a call that nobody waits for is its own affair. */
export const externalStation = (system: System, component: string): Station =>
  station(system, component, {
    external: true,
    onStop: 'drain',
    renew: () => undefined,
    abandoned: (task) => system.kernel.cancel(task),
    status: (code) => code,
  })

/** Where the client's own tasks live. It never goes down, and nobody calls it. */
export const clientStation = (system: System): Station =>
  station(system, 'generator', {
    onStop: 'drain',
    abandoned: () => undefined,
    status: (code) => code,
    renew: () => undefined,
  })
