/** The Docker Engine API: JSON over HTTP on a Unix socket. https://docs.docker.com/engine/api/v1.41/ */
import { type IncomingMessage, request } from 'node:http'
import { PlimsollError } from '../../lib/errors.js'
import { exitCodes } from '../../lib/exit-codes.js'

/** The oldest that has all that we ask for: Docker 20.10. */
const version = 'v1.41'

export class EngineError extends PlimsollError {
  override readonly name = 'EngineError'
  constructor(
    /** HTTP; 0: there was no answer. */
    readonly status: number,
    message: string,
  ) {
    super(exitCodes.targetFailed, [{ message: `Docker: ${message}` }])
  }
}

export type Query = Readonly<Record<string, string>>

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += chunk
  return text
}

/** The response's head, its body still to be read. Rejects with EngineError for every status but 2xx and 304. */
export const open = (
  socket: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const search = new URLSearchParams(query).toString()
    const sent = request(
      {
        socketPath: socket,
        method,
        path: `/${version}${path}${search === '' ? '' : `?${search}`}`,
        agent: false,
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        const status = response.statusCode ?? 0
        if ((status >= 200 && status < 300) || status === 304) return resolve(response)
        textOf(response).then((text) => reject(new EngineError(status, messageOf(text))), reject)
      },
    )
    sent.on('error', (error) => reject(new EngineError(0, error.message)))
    sent.end()
  })

const messageOf = (text: string): string => {
  try {
    return (JSON.parse(text) as { readonly message?: string }).message ?? text
  } catch {
    return text
  }
}

/** The JSON document that answers; undefined: an empty body. */
export const call = async (
  socket: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<unknown> => {
  const text = await textOf(await open(socket, method, path, query, signal))
  return text.trim() === '' ? undefined : JSON.parse(text)
}

/** Like `call`; what these statuses say is no failure. */
export const attempt = async (
  statuses: readonly number[],
  ...args: Parameters<typeof call>
): Promise<EngineError | undefined> => {
  try {
    await call(...args)
    return undefined
  } catch (error) {
    if (error instanceof EngineError && statuses.includes(error.status)) return error
    throw error
  }
}

export const labelFilter = (label: string, value: string): Query => ({
  filters: JSON.stringify({ label: [`${label}=${value}`] }),
})
