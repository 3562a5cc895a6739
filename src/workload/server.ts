/** The HTTP side: routes of the topology, probes, metrics, and an end that loses no request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type HTTPMethods } from 'fastify'
import { headers, operationPath } from '../contract/workload.js'
import { walk } from '../topology/flow.js'
import { flowsOf } from '../topology/flows.js'
import type { ServiceComponent, Topology } from '../topology/types.js'
import { Cancellation } from './cancellation.js'
import { StepFailure } from './failure.js'
import type { RequestKeys } from './keys.js'
import { instanceSample, metricFamilies, type Observed } from './metrics.js'
import { contentType, exposition } from './prometheus.js'
import type { Answer, Requests, Served } from './requests.js'
import { readKeys, routeOf } from './routes.js'

export interface ServerOptions {
  readonly topology: Topology
  readonly component: ServiceComponent
  readonly requests: Requests
  readonly observed: Observed
  /** What the process still waits for; empty: ready. */
  readonly missing: () => readonly string[]
}

export interface HttpServer {
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>
  /** Finishes what is in hand, for at most `seconds`. True: nothing was cut off. */
  drain(seconds: number): Promise<boolean>
}

/** Longer than any balancer keeps an idle connection (nginx: 60 s), so that it never meets one that we just closed. */
const keepAliveMilliseconds = 90_000

/** Connections that carry no request this long after the drain began are closed. */
const drainIdleMilliseconds = 1000

/** A request id that came in is kept if it is fit for a header and a log line. */
const acceptableId = /^[\x21-\x7e]{1,128}$/

export const createServer = (options: ServerOptions): HttpServer => {
  const { topology, component, requests } = options
  let draining = false
  const app = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    keepAliveTimeout: keepAliveMilliseconds,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: 1000 },
  })
  // Bodies are read to their end and thrown away: what matters is that they were sent.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_, payload, done) => {
    payload.once('end', () => done(null))
    payload.once('error', done)
    payload.resume()
  })

  const send = (reply: FastifyReply, answer: Answer): void => {
    reply.hijack()
    const response: ServerResponse = reply.raw
    if (response.destroyed) return
    response.writeHead(answer.status, {
      ...answer.headers,
      'content-length': answer.body.length,
      ...(draining ? { connection: 'close' } : {}),
    })
    response.end(answer.body)
  }

  const idOf = (incoming: IncomingMessage): string => {
    const given = incoming.headers[headers.requestId]
    return typeof given === 'string' && acceptableId.test(given) ? given : requests.newId()
  }

  const cancelWhenGone = (response: ServerResponse, cancel: Cancellation): void => {
    response.once('close', () => {
      if (!response.writableFinished) cancel.cancel(new StepFailure('cancelled', undefined, 'the client has gone'))
    })
  }

  const handle = async (
    reply: FastifyReply,
    incoming: IncomingMessage,
    served: Served,
    read: (keys: RequestKeys) => string | undefined,
  ): Promise<void> => {
    const id = idOf(incoming)
    const refusal = requests.refusal(served, id)
    if (refusal !== undefined) return send(reply, refusal)
    const keys = requests.newKeys()
    const wrong = read(keys)
    if (wrong !== undefined) return send(reply, requests.notFound(id, wrong))
    const cancel = new Cancellation()
    if (component.onAbort === 'cancel') cancelWhenGone(reply.raw, cancel)
    send(reply, await requests.execute(served, id, keys, cancel))
  }

  for (const request of Object.values(topology.requests)) {
    if (request.serve !== component.id) continue
    const { method, url, inPath, inQuery } = routeOf(request, topology)
    const served = requests.serve(request.id, request.flow, request.bytes.out)
    app.route({
      method: method as HTTPMethods,
      url,
      handler: (incoming, reply) =>
        handle(
          reply,
          incoming.raw,
          served,
          (keys) =>
            readKeys(inPath, incoming.params as Record<string, unknown>, keys) ??
            readKeys(inQuery, incoming.query as Record<string, unknown>, keys),
        ),
    })
  }

  const operations: [string | undefined, Served][] = Object.entries(component.operations).map(([id, { flow }]) => [
    id,
    requests.serve(`${component.id}.${id}`, flow, 0),
  ])
  if (isCalledBare(topology, component.id)) operations.push([undefined, requests.serve(component.id, [], 0)])
  for (const [operation, served] of operations)
    app.post(operationPath(operation).replaceAll(':', '::'), (incoming, reply) =>
      handle(reply, incoming.raw, served, (keys) => {
        const given = incoming.headers[headers.keys]
        keys.read(typeof given === 'string' ? given : undefined)
        return undefined
      }),
    )

  ownRoutes(app, options, () => draining)
  app.setNotFoundHandler((incoming, reply) =>
    send(reply, requests.notFound(idOf(incoming.raw), `no route ${incoming.method} ${incoming.url}`)),
  )

  return {
    listen: async (host, port) => {
      await app.listen({ host, port })
      const address = app.server.address()
      return { host, port: address === null || typeof address === 'string' ? port : address.port }
    },
    drain: async (seconds) => {
      draining = true
      return drainServer(app, options.observed, seconds)
    },
  }
}

const isCalledBare = (topology: Topology, component: string): boolean =>
  flowsOf(topology).some((flow) =>
    [...walk(flow)].some(
      (step) => step.kind === 'call' && step.target.component === component && step.target.operation === undefined,
    ),
  )

const ownRoutes = (app: FastifyInstance, { observed, missing }: ServerOptions, draining: () => boolean): void => {
  app.get('/healthz', (_, reply) => reply.send({ status: 'alive' }))
  app.get('/readyz', (_, reply) => {
    const waitingFor = missing()
    const ready = !draining() && waitingFor.length === 0
    return reply
      .code(ready ? 200 : 503)
      .send({ status: draining() ? 'draining' : ready ? 'ready' : 'starting', waitingFor })
  })
  app.get('/metrics', (_, reply) =>
    reply.header('content-type', contentType).send(exposition(metricFamilies(observed))),
  )
  app.get('/plimsoll/sample', (_, reply) => reply.send(instanceSample(observed)))
}

/**
 * No new connections; each connection that is open ends with its next answer (`connection: close`), so that a request
 * that is already on its way is still answered; idle ones are closed after a grace.
 */
const drainServer = async (app: FastifyInstance, { meters }: Observed, seconds: number): Promise<boolean> => {
  const { server } = app
  const closed = new Promise<void>((resolve) => {
    // http.Server.close would close idle connections at once, on which a request may be arriving.
    NetServer.prototype.close.call(server, () => resolve())
  })
  const idle = setTimeout(() => server.closeIdleConnections(), drainIdleMilliseconds)
  let cutOff = false
  const limit = setTimeout(() => {
    cutOff = meters.inFlight > 0
    server.closeAllConnections()
  }, seconds * 1000)
  await closed
  clearTimeout(idle)
  clearTimeout(limit)
  return !cutOff
}
