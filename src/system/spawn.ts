/** The only place that starts processes. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Child, Command, Exit, Finished } from '../contract/machine.js'

const identity = (command: Command): { uid?: number; gid?: number } =>
  command.account === undefined ? {} : { uid: command.account.uid, gid: command.account.gid }

/**
 * In a session of its own (setsid): a Ctrl-C on the terminal reaches plimsoll alone, which then stops things in order.
 * The working directory is set before the program is executed, so it is inside `cwd` from its first instruction.
 */
export const startProcess = async (command: Command & { readonly logFile: string }): Promise<Child> => {
  const log = openSync(command.logFile, 'a', 0o644)
  try {
    const child = spawn(command.program, command.args, {
      cwd: command.cwd,
      env: command.env,
      stdio: ['ignore', log, log],
      detached: true,
      ...identity(command),
    })
    let exit: Exit | undefined
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => {
        exit = { code, signal }
        resolve(exit)
      })
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.on('error', () => undefined)
    return {
      pid: child.pid ?? 0,
      exited,
      get exit() {
        return exit
      },
    }
  } finally {
    closeSync(log)
  }
}

/** Runs to the end. Past its time, or when aborted, it is killed with all of its group, and `signal` is SIGKILL. */
export const runProgram = async (
  command: Command & { readonly timeoutSeconds: number; readonly signal?: AbortSignal },
): Promise<Finished> => {
  // Loaded here: what only reads /proc and files shall not wait for it.
  const { execa } = await import('execa')
  const child = execa(command.program, command.args, {
    cwd: command.cwd,
    env: command.env,
    extendEnv: false,
    stdin: 'ignore',
    detached: true,
    cleanup: false,
    reject: false,
    stripFinalNewline: false,
    ...identity(command),
  })
  // The whole group, which execa's own timeout and cancelSignal would not reach.
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has just ended by itself.
    }
  }
  const timer = setTimeout(kill, command.timeoutSeconds * 1000)
  command.signal?.addEventListener('abort', kill, { once: true })
  if (command.signal?.aborted === true) kill()
  try {
    const { exitCode, signal, stdout, stderr, cause } = await child
    // Neither: it could not be started.
    if (exitCode === undefined && signal === undefined) throw cause
    return { code: exitCode ?? null, signal: signal ?? null, stdout, stderr }
  } finally {
    clearTimeout(timer)
    command.signal?.removeEventListener('abort', kill)
  }
}

/** Runs with this terminal, for programs that a person watches (a package manager). */
export const runVisibly = (command: Command, signal: AbortSignal): Promise<Exit> =>
  new Promise((resolve, reject) => {
    const child = spawn(command.program, command.args, {
      cwd: command.cwd,
      env: command.env,
      // Data goes to stdout, everything else to stderr.
      stdio: ['ignore', 2, 2],
      ...identity(command),
    })
    const forward = (): void => {
      child.kill('SIGTERM')
    }
    signal.addEventListener('abort', forward, { once: true })
    child.once('error', reject)
    child.once('close', (code, by) => {
      signal.removeEventListener('abort', forward)
      resolve({ code, signal: by })
    })
  })

/** A process that outlives this one. `ready` is its IPC channel: what it says until it or we hang up. */
export const startDetached = (command: Command & { readonly logFile: string }): DetachedChild => {
  const log = openSync(command.logFile, 'a', 0o644)
  const child = spawn(command.program, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
    serialization: 'json',
  })
  closeSync(log)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: 127, signal: null }))
  })
  return {
    pid: child.pid ?? 0,
    exited,
    onMessage: (listener) => {
      child.on('message', listener)
    },
    send: (message) => {
      if (child.connected) child.send(message as object, () => undefined)
    },
    letGo: () => {
      if (child.connected) child.disconnect()
      child.unref()
    },
  }
}

export interface DetachedChild {
  readonly pid: number
  readonly exited: Promise<Exit>
  onMessage(listener: (message: unknown) => void): void
  send(message: unknown): void
  /** It goes on alone; this process may end. */
  letGo(): void
}
