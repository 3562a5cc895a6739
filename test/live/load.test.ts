import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LoadPlan } from '../../src/contract/load.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { startLoad } from '../../src/load/start.js'
import { topologyFrom } from '../support/topology.js'
import { freePort, until } from './servers.js'

/** One nginx worker that answers `ok` to everything. */
const startNginx = async (
  directives = '',
): Promise<{ port: number; pid: number; kill: () => Promise<void>; start: () => Promise<void> }> => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-test-load-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; ${temporary.join(' ')} ${directives}
  server { listen 127.0.0.1:${port}; location / { return 200 "ok"; } } }`,
  )
  const launch = async (): Promise<ReturnType<typeof spawn>> => {
    const child = spawn('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
    await until(
      'nginx to start',
      () =>
        new Promise<boolean>((resolve) => {
          const socket = connect(port, '127.0.0.1')
          socket.once('connect', () => {
            socket.destroy()
            resolve(true)
          })
          socket.once('error', () => resolve(false))
        }),
    )
    return child
  }
  let child = await launch()
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    port,
    pid: child.pid ?? 0,
    kill,
    start: async () => {
      child = await launch()
    },
  }
}

const topology = topologyFrom(`
data: { product: { keys: 50, popularity: zipf(1), bytes: 1KiB } }
components: { app: { engine: service } }
requests:
  view: { share: 90%, serve: app, route: 'GET /products/{product}', client: { timeout: 2s }, flow: [{ compute: 1ms }] }
  buy: { share: 10%, serve: app, route: POST /orders, bytes: { in: 2KiB, out: 1B }, flow: [{ compute: 1ms }] }
`)

const planOf = (port: number, load: string): LoadPlan => ({
  topology,
  experiment: parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t.yaml\nload: ${load}\nwarmup: 1s\n`,
    { file: 'experiment.yaml', topology },
  ),
  seed: 3,
  entries: { app: `http://127.0.0.1:${port}` },
})

describe('load on a real nginx', () => {
  it('open: every request arrives and is answered, on few connections that are kept', async () => {
    const { port, pid } = await startNginx()
    const load = startLoad(planOf(port, '{ mode: open, stages: [{ hold: 300/s, for: 4s }] }'))
    await load.started
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const connections = execFileSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' }).split('socket:').length
    const { requests, generator } = await load.done
    expect(requests.all?.errors).toEqual({})
    // Poisson with mean 900: within five standard deviations.
    expect(Math.abs((requests.all?.offered ?? 0) - 900)).toBeLessThan(150)
    expect(requests.all?.completed).toBe(requests.all?.offered)
    expect(requests.buy?.ok).toBeGreaterThan(40)
    expect(generator.unsent).toBe(0)
    expect(connections).toBeLessThan(40)
  })

  it('closed: users without think time keep a worker busy', async () => {
    const { port } = await startNginx()
    const { requests } = await startLoad(
      planOf(port, '{ mode: closed, thinkTime: 0s, stages: [{ hold: 16, for: 2s }] }'),
    ).done
    expect(requests.all?.errors).toEqual({})
    expect(requests.all?.ok).toBeGreaterThan(1000)
  })

  it('survives a server that closes connections after every hundredth request', async () => {
    const { port } = await startNginx('keepalive_requests 100;')
    const { requests } = await startLoad(
      planOf(port, '{ mode: closed, thinkTime: 0s, stages: [{ hold: 4, for: 2s }] }'),
    ).done
    expect(requests.all?.errors).toEqual({})
    expect(requests.all?.ok).toBeGreaterThan(400)
  })

  it('sees a server die and come back', async () => {
    const { port, kill, start } = await startNginx()
    const load = startLoad(planOf(port, '{ mode: open, arrivals: constant, stages: [{ hold: 200/s, for: 5s }] }'))
    const startedAt = await load.started
    const sleepUntil = (at: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, (startedAt + at) * 1000 - performance.now()))
    await sleepUntil(2)
    await load.mark(0)
    await kill()
    const { inFlight } = await load.markInForce(0)
    await sleepUntil(3)
    await start()
    const { requests, faults } = await load.done
    const mark = faults.marks[0]
    expect(mark?.inFlight).toBe(inFlight)
    // A second at 200/s, refused one by one.
    expect(requests.all?.errors.refused).toBeGreaterThan(150)
    expect(requests.all?.errors.refused).toBeLessThan(300)
    expect((requests.all?.completed ?? 0) - (requests.all?.offered ?? 0)).toBe(0)
    // What was on its way when the signal was sent may still be answered, within the time that it takes to die.
    const first = mark?.firstSuccessAt ?? 0
    expect(first > 2.9 || (first >= 2 && first < 2.1)).toBe(true)
    expect(mark?.longestGapSeconds).toBeGreaterThan(0.9)
    expect(faults.cohorts.failed[4]).toBe(0)
  })
})

describe('the process that runs the load', () => {
  it('ends by itself when the load is over or stopped, and when nothing answers', async () => {
    const { port } = await startNginx()
    const script = `
      import { startLoad } from '${new URL('../../dist/load/start.js', import.meta.url).href}'
      const request = { id: 'get', share: 1, enter: [], serve: 'app', route: { method: 'GET', path: '/' }, client: {}, bytes: { in: 0 } }
      const load = startLoad({
        topology: { name: 't', requests: { get: request }, data: {}, origins: [] },
        experiment: {
          load: { mode: 'open', arrivals: { kind: 'poisson' }, stages: [{ fromLevel: 100, toLevel: 100, durationSeconds: Number(process.argv[1]) }] },
          warmupSeconds: 0, source: { locate: () => ({}) },
        },
        seed: 1, entries: { app: 'http://127.0.0.1:' + process.argv[2] },
      })
      load.started.then(() => process.argv[3] === 'stop' && load.stop(1), () => {})
      const outcome = await load.done.then(({ requests }) => requests.all.errors, (error) => error.exitCode ?? error.message)
      process.stdout.write(JSON.stringify(outcome))
    `
    const run = (...args: string[]): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script, ...args], {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        encoding: 'utf8',
        timeout: 20_000,
      })
    expect(run('1', String(port))).toBe('{}')
    expect(run('600', String(port), 'stop')).toBe('{}')
    expect(run('1', String(await freePort()))).toBe('6')
  })
})
