import { join } from 'node:path'
import { type DetachedChild, startDetached } from './spawn.js'

/** The supervisor of a system, working inside `folder` from its first instruction. */
export const startSupervisorProcess = (packageFolder: string, folder: string, logFile: string): DetachedChild =>
  startDetached({
    program: process.execPath,
    args: ['--enable-source-maps', join(packageFolder, 'dist', 'entries', 'supervisor.js')],
    env: {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: process.env.HOME ?? '/',
      LC_ALL: 'C.UTF-8',
    },
    cwd: folder,
    logFile,
  })
