/** Real servers for live tests: started in a temporary folder on a free port of loopback, ended by pid. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

export const until = async (what: string, condition: () => Promise<boolean> | boolean, seconds = 20): Promise<void> => {
  const end = performance.now() + seconds * 1000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`timed out waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export interface Server {
  readonly host: '127.0.0.1'
  readonly port: number
  start(): Promise<void>
  /** At once: connections break. */
  stop(): Promise<void>
  /** It and its children stop running, with their connections open. */
  pause(): void
  resume(): void
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

/** A process and its children: PostgreSQL's backends. */
const signalAll = (pid: number | undefined, signal: 'SIGSTOP' | 'SIGCONT'): void => {
  if (pid === undefined) return
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  for (const each of [pid, ...children.map(Number)]) process.kill(each, signal)
}

const serve = async (
  name: string,
  folder: string,
  port: number,
  command: readonly [string, readonly string[]],
  ready: () => Promise<boolean>,
  ids: { uid?: number; gid?: number },
): Promise<Server> => {
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const started = spawn(command[0], command[1], { cwd: folder, stdio: 'ignore', ...ids })
    child = started
    await until(`${name} to start`, async () => {
      if (started.exitCode !== null) throw new Error(`${name} exited with ${started.exitCode}`)
      return ready()
    })
  }
  const stop = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const gone = once(running, 'exit')
    signalAll(running.pid, 'SIGCONT')
    running.kill('SIGQUIT')
    const timer = setTimeout(() => running.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(timer)
  }
  await start()
  return {
    host: '127.0.0.1',
    port,
    start,
    stop,
    pause: () => signalAll(child?.pid, 'SIGSTOP'),
    resume: () => signalAll(child?.pid, 'SIGCONT'),
    remove: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const startRedis = async (): Promise<Server> => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-test-redis-'))
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  return serve('redis-server', folder, port, ['/usr/bin/redis-server', args], () => accepts(port), {})
}

const postgresBin = '/usr/lib/postgresql/15/bin'

/** PostgreSQL with trust on loopback and a superuser `postgres`. It refuses root: runs as the user postgres then. */
export const startPostgres = async (settings: Readonly<Record<string, string>> = {}): Promise<Server> => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-test-postgres-'))
  const ids =
    process.getuid?.() === 0
      ? {
          uid: Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' })),
          gid: Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8' })),
        }
      : {}
  if (ids.uid !== undefined) chownSync(folder, ids.uid, ids.gid)
  chmodSync(folder, 0o700)
  const data = join(folder, 'data')
  execFileSync(`${postgresBin}/initdb`, ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8'], {
    cwd: folder,
    stdio: 'ignore',
    ...ids,
  })
  const port = await freePort()
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'off',
    ...settings,
  }
  const args = ['-D', data, ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])]
  const isReady = async (): Promise<boolean> => {
    try {
      execFileSync(`${postgresBin}/pg_isready`, ['-q', '-h', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  return serve('postgres', folder, port, [`${postgresBin}/postgres`, args], isReady, ids)
}
