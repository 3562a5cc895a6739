/** The folder that a demo works in. It names its maker, so that `down` can remove one whose demo was killed with -9. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stat } from './proc.js'

const prefix = 'plimsoll-demo-'
const ownerFile = '.plimsoll-demo.json'

interface Owner {
  /** Where the demo was started. */
  readonly home: string
  readonly pid: number
  readonly startSeconds: number
}

export const makeDemoFolder = (home: string): string => {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  const owner: Owner = { home, pid: process.pid, startSeconds: stat(process.pid)?.startSeconds ?? 0 }
  writeFileSync(join(folder, ownerFile), JSON.stringify(owner))
  return folder
}

/** Undefined: not a demo's folder, or not ours. */
const ownerOf = (folder: string): Owner | undefined => {
  try {
    const file = join(folder, ownerFile)
    if (statSync(file).uid !== process.getuid?.() || statSync(folder).uid !== process.getuid?.()) return undefined
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

/** Removes the folders of demos that were started in `home` and live no more. */
export const removeAbandonedDemoFolders = (home: string): void => {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(prefix))) {
    const folder = join(tmpdir(), name)
    const owner = ownerOf(folder)
    if (owner?.home !== home) continue
    const maker = stat(owner.pid)
    const lives = maker?.startSeconds === owner.startSeconds && maker.state !== 'Z'
    if (!lives) rmSync(folder, { recursive: true, force: true })
  }
}
