/**
 * The control API of a system: JSON over HTTP on a Unix socket in the system's folder. Only the user who owns the system
 * can connect. `remote.ts` is its client.
 */
import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { RunningSystem } from '../../contract/running-system.js'
import type { Fault } from '../../experiment/types.js'
import { PlimsollError, type Problem } from '../../lib/errors.js'
import { exitCodes } from '../../lib/exit-codes.js'

/** What a client must know of a system that does not change while it runs. */
export interface SystemFacts
  extends Pick<RunningSystem, 'id' | 'topologyDigest' | 'placement' | 'entries' | 'versions'> {
  /** `performance.now() / 1000` of the owner: the clock of samples and events. */
  readonly now: number
}

export interface Refusal {
  readonly exitCode: PlimsollError['exitCode']
  readonly problems: readonly Problem[]
}

export const refusalOf = (error: unknown): Refusal =>
  error instanceof PlimsollError
    ? { exitCode: error.exitCode, problems: error.problems }
    : {
        exitCode: exitCodes.bug,
        problems: [{ message: error instanceof Error ? (error.stack ?? error.message) : String(error) }],
      }

export interface ControlTarget {
  /** Undefined while it starts. */
  readonly system: () => RunningSystem | undefined
  /** Ends the system, also one that is still starting; resolves when nothing of it is left. */
  readonly down: () => Promise<void>
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request) text += chunk
  return text === '' ? {} : JSON.parse(text)
}

const answer = (response: ServerResponse, status: number, value: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

const factsOf = (system: RunningSystem): SystemFacts => ({
  id: system.id,
  topologyDigest: system.topologyDigest,
  placement: system.placement,
  entries: system.entries,
  versions: system.versions,
  now: performance.now() / 1000,
})

type Handler = (system: RunningSystem, body: unknown, response: ServerResponse) => Promise<unknown>

/** Faults in force, by the id that their injection was answered with. */
const injections = (): Readonly<Record<string, Handler>> => {
  const undos = new Map<string, () => Promise<void>>()
  return {
    'POST /inject': async (system, body) => {
      const { fault, schedule } = body as { readonly fault: Fault; readonly schedule?: boolean }
      const { undo } = await system.inject(fault)
      const id = String(undos.size + 1)
      undos.set(id, undo)
      // For a caller that does not stay; a run undoes its faults itself.
      if (schedule === true && fault.forSeconds !== undefined)
        setTimeout(() => undo().catch(() => undefined), fault.forSeconds * 1000).unref()
      return { id }
    },
    'POST /undo': async (_, body) => {
      await undos.get((body as { readonly id: string }).id)?.()
      return {}
    },
  }
}

const handlers = (streams: Set<ServerResponse>): Readonly<Record<string, Handler>> => ({
  'GET /system': (system) => Promise.resolve(factsOf(system)),
  'GET /status': (system) => system.status(),
  'GET /sample': (system) => system.sample(),
  ...injections(),
  'GET /events': (system, _, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.flushHeaders()
    const stop = system.onEvent((event) => response.write(`${JSON.stringify(event)}\n`))
    streams.add(response)
    response.on('close', () => {
      streams.delete(response)
      stop()
    })
    return Promise.resolve(undefined)
  },
})

/** Listens until `close`, which ends event streams and lets answers that are under way be finished. */
export const serveControl = async (socket: string, target: ControlTarget): Promise<{ readonly close: () => void }> => {
  const streams = new Set<ServerResponse>()
  const table = handlers(streams)
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = `${request.method} ${request.url}`
    try {
      const body = await bodyOf(request)
      if (route === 'POST /down') {
        await target.down()
        return answer(response, 200, {})
      }
      const handler = table[route]
      if (handler === undefined) return answer(response, 404, {})
      const system = target.system()
      if (system === undefined) return answer(response, 409, {})
      const value = await handler(system, body, response)
      if (!response.headersSent) answer(response, 200, value)
    } catch (error) {
      if (!response.headersSent) answer(response, 422, refusalOf(error))
    }
  }
  const server: Server = createServer((request, response) => {
    void respond(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  chmodSync(socket, 0o600)
  return {
    close: () => {
      for (const stream of streams) stream.end()
      server.close()
      server.closeIdleConnections()
    },
  }
}
