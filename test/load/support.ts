import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Load } from '../../src/experiment/types.js'
import type { Alarm } from '../../src/load/alarm.js'
import { now } from '../../src/load/clock.js'
import { Exchange, type FailureCode, HttpClient } from '../../src/load/http-client.js'
import { Timeouts } from '../../src/load/timeouts.js'
import type { ClassPlan, WorkerPlan } from '../../src/load/worker-plan.js'

const listening = async (server: Server): Promise<number> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

/** A server on loopback that lives as long as the test; returns its port. */
export const tcpServer = (onSocket: (socket: Socket) => void): Promise<number> => listening(createServer(onSocket))
export const httpServer = (onRequest: RequestListener): Promise<number> => listening(createHttpServer(onRequest))

/** A port on which nothing listens. */
export const deadPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface Fate {
  readonly status?: number
  readonly outcome?: number
  readonly degraded?: boolean
  readonly code?: FailureCode
  readonly unknown?: boolean
}

/** A request whose fate is a promise. */
export class Probe extends Exchange {
  readonly wire: string
  readonly head: boolean
  readonly timeoutSeconds: number | undefined
  sends = 0
  readonly fate: Promise<Fate>
  #settle: (fate: Fate) => void = () => {}

  constructor(path: string, options: { method?: string; timeoutSeconds?: number } = {}) {
    super()
    const method = options.method ?? 'GET'
    this.wire = `${method} ${path} HTTP/1.1\r\nhost: test\r\n\r\n`
    this.head = method === 'HEAD'
    this.timeoutSeconds = options.timeoutSeconds
    this.fate = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  sent(): void {
    this.sends++
  }

  responded(status: number, outcome: number, degraded: boolean): void {
    this.#settle({ status, outcome, degraded })
  }

  failed(code: FailureCode, unknown: boolean): void {
    this.#settle({ code, unknown })
  }
}

/** A client that is closed when the test is over. */
export const clientOf = (port: number, maxConnections = 10): HttpClient => {
  const timeouts = new Timeouts(now)
  const client = new HttpClient({ host: '127.0.0.1', port }, { maxConnections, timeouts })
  onTestFinished(async () => {
    await client.close('unanswered')
    timeouts.close()
  })
  return client
}

/** An alarm in this thread: Node's timers, and polling for the last two milliseconds. */
export const timerAlarm = (ring: () => void): Alarm => {
  let dueAt = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const check = (): void => {
    const wait = dueAt - now()
    if (wait === Number.POSITIVE_INFINITY) return
    if (wait <= 0) {
      dueAt = Number.POSITIVE_INFINITY
      ring()
    } else if (wait < 0.002) setImmediate(check)
    else timer = setTimeout(check, (wait - 0.001) * 1000)
  }
  return {
    ready: Promise.resolve(),
    set: (at) => {
      clearTimeout(timer)
      dueAt = at
      check()
    },
    cpuSeconds: () => 0,
    close: async () => {
      clearTimeout(timer)
      dueAt = Number.POSITIVE_INFINITY
    },
  }
}

export const openLoad = (ratePerSecond: number, durationSeconds: number, kind: 'poisson' | 'constant'): Load => ({
  mode: 'open',
  arrivals: { kind },
  mix: undefined,
  stages: [{ fromLevel: ratePerSecond, toLevel: ratePerSecond, durationSeconds }],
  thinkTime: undefined,
})

export const closedLoad = (stages: Load['stages']): Load => ({
  mode: 'closed',
  arrivals: { kind: 'poisson' },
  mix: undefined,
  stages,
  thinkTime: undefined,
})

export const classPlan = (changes: Partial<ClassPlan> = {}): ClassPlan => ({
  id: 'get',
  share: 1,
  target: 0,
  method: 'GET',
  path: ['/'],
  bodyBytes: 0,
  timeoutSeconds: 5,
  retry: undefined,
  ...changes,
})

export const planFor = (port: number, load: Load, changes: Partial<WorkerPlan> = {}): WorkerPlan => ({
  load,
  thinkTime: { shape: 'constant', seconds: 0 },
  seed: 1,
  warmupSeconds: 0,
  durationSeconds: load.stages.reduce((sum, stage) => sum + stage.durationSeconds, 0),
  maxConnections: 100,
  warmConnections: 2,
  targets: [{ component: 'edge', url: `http://127.0.0.1:${port}`, host: '127.0.0.1', port, basePath: '' }],
  classes: [classPlan()],
  data: {},
  classOf: undefined,
  ...changes,
})
