/** Which cores this process may run on, for a load generator that is to stay off those of the stack. */
import { missingProgram } from '../lib/errors.js'
import { allowedCores } from './proc.js'
import { findProgram } from './programs.js'
import { runProgram } from './spawn.js'

const taskset = {
  name: 'taskset',
  debianPackage: 'util-linux',
  candidates: ['/usr/bin/taskset', '/bin/taskset'],
  versionArgs: ['--version'],
}

/**
 * `all`: every thread of this process; else the main thread alone, from which threads and processes that start meanwhile inherit.
 * Resolves with what takes it back. Rejects (exit code 5) without taskset.
 */
export const confine = async (cores: readonly number[], all: boolean): Promise<() => Promise<void>> => {
  const program = findProgram(taskset)
  if (program === undefined)
    throw missingProgram('a program is not installed: taskset', 'apt-get install util-linux, or remove `pin:`')
  const set = async (list: readonly number[], threads: boolean): Promise<void> => {
    const args = [...(threads ? ['-a'] : []), '-c', '-p', list.join(','), String(process.pid)]
    await runProgram({ program, args, env: {}, cwd: '/', timeoutSeconds: 5 })
  }
  await set(cores, all)
  return () => set(allowedCores, all)
}
