/** The runtimes that there are. */
import type { RuntimeName } from '../../contract/running-system.js'
import { usageError } from '../../lib/errors.js'
import { composeRuntime } from './compose/assemble.js'
import { processRuntime } from './process/assemble.js'
import type { Runtime } from './runtime.js'

const runtimes: Readonly<Record<RuntimeName, Runtime | undefined>> = {
  process: processRuntime,
  compose: composeRuntime,
  kubernetes: undefined,
}

/** Throws a usage error for one that does not exist (yet). */
export const runtimeOf = (name: string): Runtime => {
  if (!Object.hasOwn(runtimes, name))
    throw usageError(`no runtime ${name}`, `one of: ${Object.keys(runtimes).join(', ')}`)
  const runtime = runtimes[name as RuntimeName]
  if (runtime === undefined) throw usageError(`runtime ${name}: not supported yet`, '--runtime process')
  return runtime
}
