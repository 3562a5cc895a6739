/** Calls of other services' operations, over HTTP. */
import { Agent, request } from 'undici'
import { type Binding, headers, operationPath } from '../contract/workload.js'
import type { Remote } from './frame.js'

export const openRemote = (binding: Binding): Remote & { close(): void } => {
  const agent = new Agent({ keepAliveTimeout: 60_000, connectTimeout: 1000, headersTimeout: 0, bodyTimeout: 0 })
  const origins = binding.addresses.map((address) => `http://${address.host}:${address.port}`)
  let next = 0
  return {
    call: async (operation, { id, keys }, cancel) => {
      const origin = origins[next++ % origins.length]
      if (origin === undefined) throw new Error('no instance of it is bound')
      const controller = new AbortController()
      const leave = cancel.onCancel(() => controller.abort(cancel.reason))
      try {
        const answer = await request(`${origin}${operationPath(operation)}`, {
          method: 'POST',
          dispatcher: agent,
          signal: controller.signal,
          headers: { [headers.requestId]: id, [headers.keys]: keys.header() },
        })
        await answer.body.dump()
        if (answer.statusCode >= 400) throw new Error(`it answered ${answer.statusCode}`)
        const degraded = answer.headers[headers.degraded]
        return typeof degraded === 'string' ? degraded : undefined
      } finally {
        leave()
      }
    },
    close: () => {
      agent.destroy().catch(() => {})
    },
  }
}
