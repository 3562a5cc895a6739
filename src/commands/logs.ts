import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suggestion } from '../lib/did-you-mean.js'
import { invalidInput, targetFailed, usageError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { type FollowedLog, followLogs, lastLines } from '../system/logs.js'
import type { CommandHandler } from './command.js'
import { chosenSystem } from './systems.js'

/** `app-0.log` → `app/0`; the supervisor's own log goes by its name. */
export const sourceOf = (file: string): { readonly component: string; readonly id: string } => {
  const match = /^(.+)-(\d+)\.log$/.exec(file)
  if (match === null) return { component: file.replace(/\.log$/, ''), id: file.replace(/\.log$/, '') }
  return { component: match[1] ?? '', id: `${match[1]}/${match[2]}` }
}

const logsOf = async (folder: string): Promise<readonly (FollowedLog & { readonly component: string })[]> => {
  try {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.log')).sort()
    return files.map((name) => {
      const { component, id } = sourceOf(name)
      return { component, name: id, file: join(folder, name) }
    })
  } catch (error) {
    throw targetFailed(
      'the logs of the system cannot be read',
      error instanceof Error ? error.message : String(error),
      'plimsoll status',
    )
  }
}

export const run: CommandHandler = async (invocation) => {
  const { host, args, options } = invocation
  const lines = Number(options.lines ?? 50)
  if (!Number.isInteger(lines) || lines < 0)
    throw usageError(`--lines takes a whole number, got ${options.lines}`, 'for example -n 100')
  const { entry } = await chosenSystem(invocation)
  const all = await logsOf(join(entry.folder, 'logs'))
  for (const wanted of args) {
    if (all.some(({ component, name }) => wanted === component || wanted === name)) continue
    const hint = suggestion(wanted, [...new Set(all.flatMap(({ component, name }) => [component, name]))])
    throw invalidInput({
      message: `no such component or instance in ${entry.id}: ${wanted}`,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  // The supervisor's log is asked for by name: it is about plimsoll, not about the system.
  const chosen = all.filter(({ component, name }) =>
    args.length === 0 ? component !== 'supervisor' : args.includes(component) || args.includes(name),
  )
  const width = Math.max(0, ...chosen.map(({ name }) => name.length))
  const print = (name: string, line: string): void => host.stdout.write(`${name.padEnd(width)} | ${line}\n`)
  const ends = new Map<string, number>()
  for (const log of chosen) {
    const { lines: last, end } = await lastLines(log.file, lines)
    ends.set(log.file, end)
    for (const line of last) print(log.name, line)
  }
  if (options.follow === true) await followLogs(chosen, ends, print, host.signal)
  return exitCodes.ok
}
