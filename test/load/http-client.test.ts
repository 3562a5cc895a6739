import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { headers } from '../../src/contract/workload.js'
import { clientOf, deadPort, httpServer, Probe, tcpServer } from './support.js'

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('the HTTP client', () => {
  it('sends one request after another on one connection, and tells what the service says of each', async () => {
    const ports = new Set<number | undefined>()
    const client = clientOf(
      await httpServer((request, response) => {
        ports.add(request.socket.remotePort)
        response.setHeader(headers.outcome, request.url === '/hit' ? 'hit' : 'miss')
        if (request.url === '/stale') response.setHeader(headers.degraded, 'stale')
        response.end('x'.repeat(100_000))
      }),
    )
    const fates = []
    for (const path of ['/hit', '/miss', '/stale']) {
      const probe = new Probe(path)
      client.send(probe)
      fates.push(await probe.fate)
    }
    expect(fates).toEqual([
      { status: 200, outcome: 1, degraded: false },
      { status: 200, outcome: 2, degraded: false },
      { status: 200, outcome: 2, degraded: true },
    ])
    expect([ports.size, client.connections]).toEqual([1, 1])
  })

  it('opens a connection for each request in flight, up to its limit; the rest wait their turn', async () => {
    const answers: (() => void)[] = []
    const client = clientOf(await httpServer((_, response) => answers.push(() => response.end())), 3)
    const probes = Array.from({ length: 5 }, () => new Probe('/'))
    for (const probe of probes) client.send(probe)
    expect([client.connections, client.waiting]).toEqual([3, 2])
    expect(probes.map((probe) => probe.sends)).toEqual([1, 1, 1, 0, 0])
    while (answers.length < 3) await new Promise((resolve) => setImmediate(resolve))
    answers[0]?.()
    await Promise.race(probes.map((probe) => probe.fate))
    expect([client.connections, client.waiting, probes[3]?.sends]).toEqual([3, 1, 1])
    expect(client.takeWaiting()).toEqual([probes[4]])
    expect(client.waiting).toBe(0)
  })

  it('opens a new connection for those who wait when one breaks', async () => {
    let first = true
    const client = clientOf(
      await tcpServer((socket) => {
        socket.on('data', () => {
          if (first) socket.resetAndDestroy()
          else socket.write(ok)
          first = false
        })
      }),
      1,
    )
    const probes = [new Probe('/'), new Probe('/')] as const
    for (const probe of probes) client.send(probe)
    expect(await probes[0].fate).toEqual({ code: 'reset', unknown: true })
    expect(await probes[1].fate).toMatchObject({ status: 200 })
  })

  it('closes with the server, and goes on with a new connection', async () => {
    let connections = 0
    const client = clientOf(
      await tcpServer((socket) => {
        connections++
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'))
      }),
    )
    for (let i = 0; i < 3; i++) {
      const probe = new Probe('/')
      client.send(probe)
      expect(await probe.fate).toMatchObject({ status: 200 })
    }
    expect([connections, client.connections]).toEqual([3, 0])
  })

  it('takes a body that ends with the connection', async () => {
    const client = clientOf(
      await tcpServer((socket) => {
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'))
      }),
    )
    const probe = new Probe('/')
    client.send(probe)
    expect(await probe.fate).toMatchObject({ status: 200 })
  })

  it('expects no body in the answer to HEAD', async () => {
    const client = clientOf(await httpServer((_, response) => response.setHeader('content-length', 50).end()))
    const probes = [new Probe('/', { method: 'HEAD' }), new Probe('/', { method: 'HEAD' })] as const
    client.send(probes[0])
    expect(await probes[0].fate).toMatchObject({ status: 200 })
    client.send(probes[1])
    expect(await probes[1].fate).toMatchObject({ status: 200 })
    expect(client.connections).toBe(1)
  })

  it('drops an idle connection on which the server speaks unasked, or which it closes', async () => {
    const sockets: Socket[] = []
    const client = clientOf(
      await tcpServer((socket) => {
        sockets.push(socket)
        socket.on('data', () => socket.write(ok))
      }),
    )
    const first = new Probe('/')
    client.send(first)
    await first.fate
    const [socket] = sockets as [Socket]
    socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n')
    await once(socket, 'close')
    expect(client.connections).toBe(0)
    const second = new Probe('/')
    client.send(second)
    expect(await second.fate).toMatchObject({ status: 200 })
    const other = sockets[1] as Socket
    other.end()
    await once(other, 'close')
    expect(client.connections).toBe(0)
  })

  describe('reports what went wrong', () => {
    const fateOf = async (onSocket: (socket: Socket) => void, timeoutSeconds = 5) => {
      const probe = new Probe('/', { timeoutSeconds })
      clientOf(await tcpServer(onSocket)).send(probe)
      return probe.fate
    }

    it('nothing listens: refused, and certainly without effect', async () => {
      const probe = new Probe('/')
      clientOf(await deadPort()).send(probe)
      expect(await probe.fate).toEqual({ code: 'refused', unknown: false })
    })

    it('no answer in time: timeout, perhaps with effect', async () => {
      expect(await fateOf(() => {}, 0.05)).toEqual({ code: 'timeout', unknown: true })
    })

    it('half an answer in time: timeout too', async () => {
      const half = (socket: Socket): void => {
        socket.write(ok.slice(0, -1))
      }
      expect(await fateOf(half, 0.05)).toEqual({ code: 'timeout', unknown: true })
    })

    it('the connection is reset', async () => {
      expect(await fateOf((socket) => socket.once('data', () => socket.resetAndDestroy()))).toEqual({
        code: 'reset',
        unknown: true,
      })
    })

    it('the connection is closed without, or in the middle of, an answer', async () => {
      for (const text of ['', ok.slice(0, 10), ok.slice(0, -1)])
        expect(await fateOf((socket) => socket.once('data', () => socket.end(text)))).toEqual({
          code: 'closed',
          unknown: true,
        })
    })

    it('what answers does not speak HTTP', async () => {
      expect(await fateOf((socket) => socket.write('220 mail.example ESMTP\r\n'))).toEqual({
        code: 'protocol',
        unknown: true,
      })
    })
  })

  it('does not give a late answer to the next request', async () => {
    const sockets: Socket[] = []
    const client = clientOf(
      await tcpServer((socket) => {
        sockets.push(socket)
        if (sockets.length > 1) socket.on('data', () => socket.write(ok.replace('200', '201')))
      }),
    )
    const late = new Probe('/', { timeoutSeconds: 0.05 })
    client.send(late)
    expect(await late.fate).toMatchObject({ code: 'timeout' })
    sockets[0]?.write(ok)
    const next = new Probe('/')
    client.send(next)
    expect(await next.fate).toMatchObject({ status: 201 })
  })

  it('fails what is in flight when it is closed, and leaves no socket', async () => {
    const client = clientOf(await tcpServer(() => {}))
    const probes = [new Probe('/'), new Probe('/')] as const
    for (const probe of probes) client.send(probe)
    await client.close('unanswered')
    expect((await probes[0].fate).code).toBe('unanswered')
    expect((await probes[1].fate).code).toBe('unanswered')
    expect(client.connections).toBe(0)
  })
})
