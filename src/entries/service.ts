/**
 * One process of the workload service. PLIMSOLL_SERVICE names its ServiceConfig (JSON). Exits 0 after a drain (SIGTERM,
 * SIGINT), 3 when its topology asks for what it cannot execute, 6 when it cannot listen, 1 on a bug.
 */
import { readFileSync } from 'node:fs'
import { engineRegistry } from '../catalog/index.js'
import type { ServiceConfig } from '../contract/workload.js'
import { PlimsollError, targetFailed, usageError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { formatProblem } from '../report/problems.js'
import { parseTopology } from '../topology/parse.js'
import { type ServiceProcess, startService } from '../workload/start.js'

/** How long requests in hand may take after SIGTERM. The supervisor sends SIGKILL some time later. */
const drainSeconds = 8

const readConfig = (): ServiceConfig => {
  const path = process.env.PLIMSOLL_SERVICE
  if (path === undefined) throw usageError('PLIMSOLL_SERVICE is not set', 'it names the configuration file (JSON)')
  return JSON.parse(readFileSync(path, 'utf8')) as ServiceConfig
}

const start = async (): Promise<ServiceProcess> => {
  const config = readConfig()
  const topology = parseTopology(config.topology.text, { file: config.topology.file, registry: engineRegistry })
  try {
    return await startService({ config, topology, write: (text) => process.stdout.write(text) })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error
    throw targetFailed(`cannot listen on ${config.listen.host}:${config.listen.port}`, message)
  }
}

const fail = (error: unknown): never => {
  if (error instanceof PlimsollError) {
    process.stderr.write(`${error.problems.map((problem) => formatProblem(problem)).join('\n')}\n`)
    process.exit(error.exitCode)
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(exitCodes.bug)
}

// Signals may come while the service starts: they take effect once it has.
const starting = start()
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    starting
      .then((service) => service.drain(drainSeconds))
      .then(() => process.exit(exitCodes.ok))
      .catch(fail)
  })
starting.catch(fail)
