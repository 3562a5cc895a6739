import { resolve } from 'node:path'
import { engines } from '../catalog/index.js'
import { engineNames } from '../deploy/runtime/process/layout.js'
import {
  aptLine,
  type FoundProgram,
  findPrograms,
  liveFacetsOf,
  missingPackages,
  versionOf,
} from '../deploy/runtime/process/needs.js'
import { runtimeOf } from '../deploy/runtime/runtimes.js'
import { exitCodes } from '../lib/exit-codes.js'
import { renderText } from '../report/document.js'
import { paintFor } from '../report/paint.js'
import { type ProgramReport, programsDocument } from '../report/programs.js'
import { loadTopology } from '../system/files.js'
import { installPackages } from '../system/install.js'
import { machine } from '../system/machine.js'
import type { CommandHandler } from './command.js'
import { doctorOfCompose } from './doctor-compose.js'
import type { Host } from './host.js'
import { printJson } from './json.js'

/** Of these engines; all that can be started natively when none are named. */
export const neededPrograms = async (names: Iterable<string>): Promise<readonly FoundProgram[]> =>
  findPrograms(await liveFacetsOf(names, engines), machine)

/** Installs what is missing of these engines and looks again. */
export const installMissing = async (names: Iterable<string>, host: Host): Promise<readonly FoundProgram[]> => {
  const all = [...names]
  const packages = missingPackages(await neededPrograms(all))
  if (packages.length === 0) return neededPrograms(all)
  host.stderr.write(`installing ${packages.join(', ')} (servers are not started by it)\n`)
  await installPackages({ packages, line: aptLine(packages), signal: host.signal })
  return neededPrograms(all)
}

const reportOf = async (found: FoundProgram): Promise<ProgramReport> => ({
  program: found.need.name,
  engine: found.engine,
  debianPackage: found.need.debianPackage,
  path: found.path ?? null,
  version: (await versionOf(found, machine)) ?? null,
})

export const run: CommandHandler = async (invocation) => {
  const { host, args, options } = invocation
  if (runtimeOf(String(options.runtime ?? 'process')).name === 'compose') return doctorOfCompose(invocation)
  const file = args[0]
  const names = file === undefined ? [...engines.keys()] : [...engineNames(await loadTopology(resolve(host.cwd, file)))]
  const found = options.install === true ? await installMissing(names, host) : await neededPrograms(names)
  const missing = missingPackages(found)
  const install = missing.length === 0 ? null : aptLine(missing)
  const programs = await Promise.all(found.map(reportOf))
  if (options.json === true)
    printJson(host, { apiVersion: 'plimsoll/v1', kind: 'Doctor', ok: missing.length === 0, programs, missing, install })
  else {
    const { columns, color } = host.stdout
    host.stdout.write(renderText(programsDocument(programs, install), { columns, paint: paintFor(color) }))
  }
  return missing.length === 0 ? exitCodes.ok : exitCodes.missingProgram
}
