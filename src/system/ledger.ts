/** The ledger's files: written whole or not at all, and on disk before anything that they record is started. */
import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LedgerEntry } from '../contract/ledger.js'
import type { Ledger } from '../contract/machine.js'
import { makeFolder } from './make-folder.js'
import { stat } from './proc.js'

const isId = (id: string): boolean => /^[a-z0-9][a-z0-9.-]*$/i.test(id)

/** Undefined: not an entry that we could have written whole. */
export const parseEntry = (text: string, id: string): LedgerEntry | undefined => {
  try {
    const entry = JSON.parse(text) as Partial<LedgerEntry> | null
    const whole =
      entry !== null &&
      entry.kind === 'LedgerEntry' &&
      entry.id === id &&
      typeof entry.folder === 'string' &&
      typeof entry.bootSeconds === 'number' &&
      typeof entry.bootId === 'string'
    return whole ? (entry as LedgerEntry) : undefined
  } catch {
    return undefined
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

const ifThere = async <T>(action: Promise<T>): Promise<T | undefined> => {
  try {
    return await action
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

const sync = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Temporary names carry the pid of their writer, so that leftovers of a killed one can be told from a write going on. */
const temporaryName = (id: string): string => `.${id}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`

const writeOnce = async (folder: string, entry: LedgerEntry): Promise<void> => {
  makeFolder(folder)
  const temporary = join(folder, temporaryName(entry.id))
  const handle = await open(temporary, 'wx', 0o644)
  try {
    await handle.writeFile(`${JSON.stringify(entry, undefined, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, join(folder, `${entry.id}.json`))
  await sync(folder)
}

const removeStaleTemporaries = async (folder: string): Promise<void> => {
  for (const name of (await ifThere(readdir(folder))) ?? []) {
    const writer = /^\..*\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name)?.[1]
    if (writer !== undefined && stat(Number(writer)) === undefined) await rm(join(folder, name), { force: true })
  }
}

const tidy = async (folder: string): Promise<void> => {
  await removeStaleTemporaries(folder)
  // Only when empty: other systems, and runs beside the ledger, stay.
  for (const empty of [folder, dirname(folder)]) {
    try {
      await rmdir(empty)
    } catch {
      return
    }
  }
}

export const ledger = (folder: string): Ledger => {
  const file = (id: string): string => join(folder, `${id}.json`)
  const read: Ledger['read'] = async (id) => {
    const text = isId(id) ? await ifThere(readFile(file(id), 'utf8')) : undefined
    return text === undefined ? undefined : parseEntry(text, id)
  }
  return {
    folder,
    read,
    write: async (entry) => {
      // A `down` that empties the ledger removes its folder: it may vanish between our mkdir and our write.
      for (let tries = 0; ; tries++) {
        try {
          return await writeOnce(folder, entry)
        } catch (error) {
          if (codeOf(error) !== 'ENOENT' || tries > 20) throw error
        }
      }
    },
    list: async () => {
      const names = (await ifThere(readdir(folder))) ?? []
      const entries = await Promise.all(
        names
          .filter((name) => name.endsWith('.json') && isId(name.slice(0, -5)))
          .sort()
          .map(async (name) => {
            const id = name.slice(0, -5)
            const text = await ifThere(readFile(file(id), 'utf8'))
            if (text === undefined) return undefined
            return parseEntry(text, id) ?? ({ id, broken: true } as const)
          }),
      )
      const age = (entry: object): number => ('bootSeconds' in entry ? Number(entry.bootSeconds) : 0)
      return entries.filter((entry) => entry !== undefined).sort((a, b) => age(a) - age(b))
    },
    remove: async (id) => {
      await rm(file(id), { force: true })
      await tidy(folder)
    },
    tidy: () => tidy(folder),
  }
}
