/** What a running nginx does with the configuration that we write. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nginxArgs, nginxConf } from '../../../src/catalog/nginx/config.js'
import type { BalancerComponent } from '../../../src/topology/types.js'
import { balancer, contextOf } from '../../support/config-context.js'

const undo: (() => Promise<void>)[] = []
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-nginx-'))
})
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act()
  rmSync(folder, { recursive: true, force: true })
})

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port

const freePort = async (): Promise<number> => {
  const server = createSocketServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const upstream = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> => {
  const server: Server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return portOf(server)
}

const start = async (ports: readonly number[], over: Partial<BalancerComponent> = {}): Promise<string> => {
  const listen = { host: '127.0.0.1', port: await freePort() }
  const addresses = ports.map((port, i) => ({ instance: `app/${i}`, host: '127.0.0.1', port }))
  writeFileSync(
    join(folder, 'nginx.conf'),
    nginxConf(
      contextOf(balancer({ balance: 'round_robin', ...over }), { folder, listen, upstream: { app: addresses } }),
    ),
  )
  const child: ChildProcess = spawn('/usr/sbin/nginx', [...nginxArgs(join(folder, 'nginx.conf'))], { stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  undo.push(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const base = `http://${listen.host}:${listen.port}`
  const deadline = performance.now() + 10_000
  while (performance.now() < deadline) {
    const ready = await fetch(`${base}/healthz`).then(
      (response) => response.ok,
      () => false,
    )
    if (ready) return base
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('nginx did not start')
}

describe('nginx', () => {
  it('passes a request id on and back, replaces one that could forge a log line, and makes one where there is none', async () => {
    const seen: (string | undefined)[] = []
    const base = await start([
      await upstream((request, response) => {
        seen.push(request.headers['x-request-id'] as string | undefined)
        response.end('ok')
      }),
    ])
    const ask = async (id?: string): Promise<string | null> => {
      const response = await fetch(base, { headers: id === undefined ? {} : { 'x-request-id': id } })
      return response.headers.get('x-request-id')
    }
    expect(await ask('abc-123')).toBe('abc-123')
    const replaced = await ask('a"b {evil}')
    const made = await ask()
    expect(replaced).toMatch(/^[0-9a-f]{32}$/)
    expect(made).toMatch(/^[0-9a-f]{32}$/)
    expect(seen).toEqual(['abc-123', replaced, made])
  })

  it('sends a GET on to the next server when one breaks, and never a POST that the first may have seen', async () => {
    let broken = 0
    let posts = 0
    const bad = await upstream((request) => {
      broken++
      if (request.method === 'POST') posts++
      request.socket.destroy()
    })
    const good = await upstream((request, response) => {
      if (request.method === 'POST') posts++
      response.end('ok')
    })
    const base = await start([bad, good], { health: { maxFails: 0, failTimeoutSeconds: 1 } })
    const gets = await Promise.all(Array.from({ length: 10 }, () => fetch(base).then(({ status }) => status)))
    expect(gets).toEqual(Array(10).fill(200))
    expect(broken).toBeGreaterThan(0)
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => fetch(base, { method: 'POST', body: 'x' }).then(({ status }) => status)),
    )
    expect(posts).toBe(10)
    expect(new Set(statuses)).toEqual(new Set([200, 502]))
  })

  it('sends a POST elsewhere when nobody listens: it was never sent', async () => {
    const good = await upstream((_, response) => response.end('ok'))
    const base = await start([await freePort(), good], { health: { maxFails: 0, failTimeoutSeconds: 1 } })
    for (let i = 0; i < 6; i++) expect((await fetch(base, { method: 'POST', body: 'x' })).status).toBe(200)
  })

  it('answers 429 with Retry-After and a request id beyond the limit, the burst let through', async () => {
    const base = await start([await upstream((_, response) => response.end('ok'))], {
      rateLimit: { per: 'all', algorithm: 'token-bucket', ratePerSecond: 1, burst: 4 },
    })
    const responses = await Promise.all(Array.from({ length: 10 }, () => fetch(base)))
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(5)
    const refused = responses.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(refused?.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
  })

  it('tells a loopback client its counters', async () => {
    const base = await start([await upstream((_, response) => response.end('ok'))])
    await (await fetch(base)).text()
    expect(await (await fetch(`${base}/nginx_status`)).text()).toMatch(/Active connections: \d+/)
  })
})
