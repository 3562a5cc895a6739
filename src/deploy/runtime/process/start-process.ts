/** Carries out a ProcessSpec: its folder and files, its preparation, its process. */
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Account, Child, Machine } from '../../../contract/machine.js'
import type { ProcessSpec } from '../../../contract/process-spec.js'
import { missingProgram, targetFailed } from '../../../lib/errors.js'

export interface StartContext {
  readonly machine: Machine
  readonly logFile: string
  readonly systemId: string
  /** Cores that it is confined to. */
  readonly pin: readonly number[] | undefined
  readonly signal: AbortSignal | undefined
}

const baseEnvironment = (context: StartContext, folder: string): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  HOME: folder,
  PLIMSOLL_SYSTEM: context.systemId,
})

const accountOf = (spec: ProcessSpec, machine: Machine): Account | undefined => {
  if (machine.uid !== 0 || spec.accounts.length === 0) return undefined
  const account = machine.account(spec.accounts)
  if (account === undefined)
    throw targetFailed(
      `${spec.id} cannot run as root, and none of the users ${spec.accounts.join(', ')} exists`,
      undefined,
      'run plimsoll as an ordinary user',
    )
  return account
}

/** Its folder, and its files anew. */
export const writeFiles = async (spec: ProcessSpec, machine: Machine): Promise<void> => {
  const account = accountOf(spec, machine)
  const own = async (path: string): Promise<void> => {
    if (account !== undefined) await chown(path, account.uid, account.gid)
  }
  await mkdir(spec.folder, { recursive: true, mode: 0o700 })
  await own(spec.folder)
  for (const [name, text] of Object.entries(spec.files)) {
    const path = join(spec.folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { mode: 0o600 })
    await own(path)
  }
}

/** Folder and files anew at each start; `spec.prepare` once. */
export const prepareProcess = async (spec: ProcessSpec, first: boolean, context: StartContext): Promise<void> => {
  const { machine, signal } = context
  const account = accountOf(spec, machine)
  await writeFiles(spec, machine)
  for (const { program, args } of first ? (spec.prepare ?? []) : []) {
    const {
      code,
      signal: by,
      stdout,
      stderr,
    } = await machine.run({
      program,
      args,
      env: { ...baseEnvironment(context, spec.folder), ...spec.env },
      cwd: spec.folder,
      account,
      timeoutSeconds: 120,
      ...(signal === undefined ? {} : { signal }),
    })
    if (code === 0) continue
    const said = `${stdout}\n${stderr}`
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-10)
    throw targetFailed(
      `${spec.id} could not be prepared: ${program} ended with ${by ?? `exit code ${code}`}`,
      `it said:\n    ${said.join('\n    ')}`,
    )
  }
}

export const launchProcess = async (spec: ProcessSpec, context: StartContext): Promise<Child> => {
  const { machine, pin } = context
  const taskset = pin === undefined ? undefined : machine.findProgram(tasksetNeed)
  if (pin !== undefined && taskset === undefined)
    throw missingProgram('a program is not installed: taskset', 'apt-get install util-linux, or remove `pin:`')
  const command =
    taskset === undefined || pin === undefined
      ? { program: spec.program, args: spec.args }
      : { program: taskset, args: ['-c', pin.join(','), spec.program, ...spec.args] }
  try {
    return await machine.start({
      ...command,
      env: { ...baseEnvironment(context, spec.folder), ...spec.env },
      cwd: spec.folder,
      account: accountOf(spec, machine),
      logFile: context.logFile,
    })
  } catch (error) {
    throw targetFailed(
      `${spec.id} did not start: ${spec.program} cannot be executed`,
      error instanceof Error ? error.message : String(error),
    )
  }
}

export const tasksetNeed = {
  name: 'taskset',
  debianPackage: 'util-linux',
  candidates: ['/usr/bin/taskset', '/bin/taskset'],
  versionArgs: ['--version'],
} as const
