import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { targetFailed } from '../lib/errors.js'

/** Writes a file so that a reader, or a crash, sees the old text or the new one, never a part. */
export const replaceFile = (path: string, text: string): void => {
  const beside = `${path}.${process.pid}.tmp`
  try {
    const file = openSync(beside, 'w')
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
