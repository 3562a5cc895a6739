import { resolve } from 'node:path'
import { generate, generateTarget, generateTargets, isGenerated } from '../deploy/generate/generate.js'
import { usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { loadTopology } from '../system/files.js'
import { compareFiles, writeFiles } from '../system/generated-files.js'
import type { CommandHandler } from './command.js'

export const run: CommandHandler = async ({ args, options, host }): Promise<ExitCode> => {
  const [file = ''] = args
  if (options.check === true && options.stdout === true) throw usageError('--check and --stdout exclude each other')
  const named = Array.isArray(options.target) ? (options.target as readonly string[]) : []
  const targets = named.length === 0 ? generateTargets : [...new Set(named.map(generateTarget))]
  const topology = await loadTopology(resolve(host.cwd, file), { file, calibration: false })
  const files = generate(topology, targets)
  const out = String(options.out)
  const folder = resolve(host.cwd, out)
  const say = (text: string): void => (options.json === true ? undefined : host.stdout.write(text))
  const document = (rest: Readonly<Record<string, unknown>>): void => {
    if (options.json !== true) return
    const about = {
      apiVersion: 'plimsoll/v1',
      kind: 'GeneratedFiles',
      topology: { name: topology.name, digest: topology.digest },
    }
    host.stdout.write(`${JSON.stringify({ ...about, targets, ...rest, files: Object.fromEntries(files) }, null, 2)}\n`)
  }

  if (options.check === true) {
    const states = await compareFiles(folder, files)
    const differing = [...states].filter(([, state]) => state !== 'same')
    for (const [path, state] of differing) say(`${out}/${path}: ${state === 'missing' ? 'is not there' : 'differs'}\n`)
    if (differing.length === 0) say(`${out}: ${files.size} files are as the topology means them\n`)
    document({ differing: differing.map(([path]) => path) })
    return differing.length === 0 ? exitCodes.ok : exitCodes.doesNotHold
  }
  if (options.stdout === true || options.json === true) {
    // As `head` shows several files.
    if (files.size === 1) for (const text of files.values()) say(text)
    else for (const [path, text] of files) say(`==> ${path} <==\n${text}\n`)
    document({})
    return exitCodes.ok
  }
  const written = new Set(await writeFiles(folder, files, isGenerated))
  for (const path of files.keys()) say(`${out}/${path}${written.has(path) ? '' : ' (unchanged)'}\n`)
  return exitCodes.ok
}
