/** Finds programs by PATH and by the places where Debian keeps servers. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ProgramNeed } from '../contract/engine.js'

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** `/usr/lib/postgresql/*` + `/bin/postgres` → all that exist, the highest version first. */
export const expand = (pattern: string): readonly string[] => {
  const star = pattern.indexOf('*')
  if (star < 0) return isProgram(pattern) ? [pattern] : []
  const folder = pattern.slice(0, pattern.lastIndexOf('/', star))
  const rest = pattern.slice(pattern.indexOf('/', star))
  let names: readonly string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  return [...names]
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(folder, name) + rest)
    .filter(isProgram)
}

/** PATH as the user has it, then where servers are though a user's PATH leaves it out. */
export const findProgram = (need: ProgramNeed, path: string | undefined = process.env.PATH): string | undefined => {
  const folders = [
    ...(path ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
  ]
  return [
    ...folders.filter((folder) => folder.startsWith('/')).map((folder) => join(folder, need.name)),
    ...need.candidates,
  ]
    .flatMap(expand)
    .at(0)
}
