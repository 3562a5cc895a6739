import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { suggestion } from '../lib/did-you-mean.js'
import { invalidInput } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { makeFolder } from '../system/make-folder.js'
import type { CommandHandler } from './command.js'
import type { Host } from './host.js'

const defaultScenario = 'optimization-api'

/** Results and measurements of other machines are no part of a starter. */
const leftOut = new Set(['.plimsoll', 'generated', 'runs', 'calibration.yaml'])

/** Copies a scenario; never overwrites a file. */
export const run: CommandHandler = async ({ args, options, host }): Promise<ExitCode> => {
  const scenarios = join(host.packageFolder, 'scenarios')
  const names = await scenarioNames(scenarios)
  if (options.list === true) {
    for (const name of names) host.stdout.write(`${name.padEnd(24)} ${await titleOf(join(scenarios, name))}\n`)
    return exitCodes.ok
  }
  const name = typeof options.from === 'string' ? options.from : defaultScenario
  if (!names.includes(name)) {
    const hint = suggestion(name, names) ?? '`plimsoll init --list` lists them'
    throw invalidInput({ message: `unknown scenario "${name}"`, hint })
  }
  const folder = resolve(host.cwd, args[0] ?? '.')
  const files = await filesBelow(join(scenarios, name))
  refuseToOverwrite(files, folder, host)
  for (const file of files) await copy(join(scenarios, name, file), join(folder, file), host)
  const shown = (file: string): string => relative(host.cwd, join(folder, file)) || file
  for (const file of files) host.stdout.write(`${shown(file)}\n`)
  host.stderr.write(`\n${nextSteps(files, shown)}\n`)
  return exitCodes.ok
}

const scenarioNames = async (scenarios: string): Promise<readonly string[]> => {
  const entries = await readdir(scenarios, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(scenarios, entry.name, 'topology.yaml')))
    .map((entry) => entry.name)
    .sort()
}

/** The first comment of its topology that is not for the editor. */
const titleOf = async (scenario: string): Promise<string> => {
  const lines = (await readFile(join(scenario, 'topology.yaml'), 'utf8')).split('\n')
  const comment = lines.find((line) => line.startsWith('# ') && !line.includes('yaml-language-server')) ?? ''
  return comment.slice(2).replace(/[:.,].*$/, '')
}

const filesBelow = async (folder: string, below = ''): Promise<readonly string[]> => {
  const entries = await readdir(join(folder, below), { withFileTypes: true })
  const found: string[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (leftOut.has(entry.name)) continue
    const path = join(below, entry.name)
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, path)))
    else if (entry.isFile()) found.push(path)
  }
  return found
}

const refuseToOverwrite = (files: readonly string[], folder: string, host: Host): void => {
  const there = files
    .filter((file) => existsSync(join(folder, file)))
    .map((file) => relative(host.cwd, join(folder, file)))
  if (there.length === 0) return
  throw invalidInput(
    ...there.map((file) => ({
      message: `${file} exists already`,
      hint: 'nothing was written; name another folder: plimsoll init FOLDER',
    })),
  )
}

/** The editor's schema is found by a path, which is another one from where the copy stands. */
const copy = async (from: string, to: string, host: Host): Promise<void> => {
  const text = await readFile(from, 'utf8')
  const schemas = relative(dirname(to), join(host.packageFolder, 'schema')).split(sep).join('/')
  const moved = text.replace(
    /^(# yaml-language-server: \$schema=)\S*?([a-z]+\.schema\.json)[ \t]*$/m,
    (_line, start: string, schema: string) => `${start}${schemas}/${schema}`,
  )
  try {
    makeFolder(dirname(to))
    // `wx` fails when somebody else wrote the file in the meantime.
    await writeFile(to, moved, { flag: 'wx' })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw invalidInput({ message: `cannot write ${relative(host.cwd, to)}`, why })
  }
}

const nextSteps = (files: readonly string[], shown: (file: string) => string): string => {
  const topology = shown('topology.yaml')
  const experiment = files.find((file) => file.startsWith(`experiments${sep}`))
  return [
    'Next:',
    `  plimsoll check ${topology}${experiment === undefined ? '' : ` ${shown(join('experiments', '*.yaml'))}`}`,
    `  plimsoll plan ${topology}`,
    ...(experiment === undefined ? [] : [`  plimsoll run ${shown(experiment)} --on both`]),
  ].join('\n')
}
