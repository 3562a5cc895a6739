/** The built program, as a process of its own in a folder of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryBase } from './leftovers.js'

export const packageFolder = fileURLToPath(new URL('../../../', import.meta.url))
const bin = join(packageFolder, 'bin', 'plimsoll.js')

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

export interface Workplace {
  /** Its path has a space in it. */
  readonly folder: string
  readonly topology: string
  /** Its systems have their folders here. */
  readonly base: string
  /** Added to the environment of what is started from now on. */
  readonly env: Record<string, string>
  start(...args: string[]): Program
  run(...args: string[]): Promise<Ended>
  remove(): void
}

/** A folder that holds a copy of the scenario optimization-api. */
export const workplace = (): Workplace => {
  execFileSync('bash', [join(packageFolder, 'scripts', 'build-if-stale.sh')], { stdio: 'inherit' })
  const folder = mkdtempSync(join(tmpdir(), 'work place '))
  cpSync(join(packageFolder, 'scenarios', 'optimization-api'), join(folder, 'api'), { recursive: true })
  const base = temporaryBase()
  const env: Record<string, string> = {}
  const start = (...args: string[]): Program => {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', TMPDIR: base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    // `exit`, not `close`: what it left behind may hold its pipes open.
    const ended = once(child, 'exit').then(async ([code, signal]): Promise<Ended> => {
      await new Promise((done) => setTimeout(done, 20))
      return { code: code as number | null, signal: signal as string | null, stdout, stderr }
    })
    return { child, ended }
  }
  return {
    folder,
    base,
    env,
    topology: join(folder, 'api', 'topology.yaml'),
    start,
    run: (...args) => start(...args).ended,
    remove: () => {
      for (const path of [folder, base]) rmSync(path, { recursive: true, force: true })
    },
  }
}
