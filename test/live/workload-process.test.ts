import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { afterAll, expect, test } from 'vitest'
import type { ServiceConfig } from '../../src/contract/workload.js'
import { freePort, until } from './servers.js'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-test-service-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const topologyOf = (flow: string): string => `
apiVersion: plimsoll/v1
kind: Topology
name: drain
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, execution: { model: event-loop, processes: 1 } }
  cache: { engine: redis }
data:
  item: { keys: 10, popularity: uniform, bytes: 1KiB }
requests:
  get:
    share: 100%
    enter: edge
    serve: app
    route: GET /items/{item}
    flow: ${flow}
traffic: { rate: 10/s }
`

interface Started {
  readonly child: ChildProcess
  readonly port: number
  readonly text: () => string
  readonly exited: Promise<number | null>
}

const start = async (topology: string): Promise<Started> => {
  const port = await freePort()
  const file = join(folder, `${port}.json`)
  const config: ServiceConfig = {
    topology: { file: 'topology.yaml', text: topology },
    component: 'app',
    instance: 'app/0',
    process: 0,
    processes: 1,
    listen: { host: '127.0.0.1', port },
    seed: 7,
    bindings: {},
  }
  writeFileSync(file, JSON.stringify(config))
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../dist/entries/service.js', import.meta.url))], {
    env: { ...process.env, PLIMSOLL_SERVICE: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  child.stderr?.on('data', (chunk) => {
    text += chunk
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { child, port, text: () => text, exited }
}

test('SIGTERM under load loses no request: each is answered or was never taken', async () => {
  const { child, port, exited, text } = await start(topologyOf('[{ wait: { const: 5ms } }, { compute: 0.2ms }]'))
  await until('the service', () => text().includes('listening'))
  const agent = new Agent({ connections: 16, pipelining: 1 })
  const results = new Map<string, number>()
  let stop = false
  const user = async (): Promise<void> => {
    while (!stop) {
      let result: string
      try {
        const answer = await request(`http://127.0.0.1:${port}/items/3`, { dispatcher: agent })
        await answer.body.dump()
        result = String(answer.statusCode)
      } catch (error) {
        result = (error as NodeJS.ErrnoException).code ?? String(error)
        stop = true
      }
      results.set(result, (results.get(result) ?? 0) + 1)
    }
  }
  const users = Array.from({ length: 16 }, user)
  await until('some traffic', () => (results.get('200') ?? 0) > 300)
  child.kill('SIGTERM')
  await Promise.all(users)
  await agent.destroy()
  expect(await exited).toBe(0)
  expect([...results.keys()].filter((result) => result !== '200' && result !== 'ECONNREFUSED')).toEqual([])
  const drained = text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find(({ message }) => message === 'drained')
  expect(drained?.visits).toBe(results.get('200'))
})

test('what it cannot execute ends it with exit code 3, naming the step and its place', async () => {
  const { exited, text } = await start(topologyOf('[{ lock: cache, key: item, ttl: 1s, do: [{ compute: 1ms }] }]'))
  expect(await exited).toBe(3)
  expect(text()).toContain('topology.yaml:17:12: error: step get/0: lock: not supported yet')
})
