import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { targetFailed } from '../lib/errors.js'

/** Throws if `replaceFile` could not write: before something that takes long is done for it. */
export const assertReplaceable = (path: string): void => {
  const beside = `${path}.${process.pid}.tmp`
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw new Error('it is a folder')
    closeSync(openSync(beside, 'w'))
  } catch (error) {
    throw targetFailed(`cannot write ${path}`, error instanceof Error ? error.message : String(error))
  } finally {
    rmSync(beside, { force: true })
  }
}

/** Writes a file so that a reader, or a crash, sees the old text or the new one, never a part. */
export const replaceFile = (path: string, text: string): void => {
  const beside = `${path}.${process.pid}.tmp`
  try {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode
    const file = openSync(beside, 'w', mode === undefined ? 0o666 : mode & 0o777)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw targetFailed(`cannot write ${path}`, error instanceof Error ? error.message : String(error))
  }
}
