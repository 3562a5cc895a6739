/** Opens connections before the load begins, so that its first requests do not pay for them. */
import { type PlimsollError, targetFailed } from '../lib/errors.js'
import type { Outcome } from '../result/recorder.js'
import { Exchange, type FailureCode, type HttpClient } from './http-client.js'
import type { Target } from './targets.js'

const timeoutSeconds = 5
/** Connections that are being opened at once: fewer than a listen queue holds. */
const atOnce = 32

/**
 * A request rather than a mere connection: nginx closes connections on which nothing comes for 60 s
 * (`client_header_timeout`). Any answer will do, a 404 of a server that knows no /healthz too.
 */
class WarmUpRequest extends Exchange {
  readonly head = false
  readonly timeoutSeconds = timeoutSeconds
  readonly wire: string

  constructor(
    { host, port, basePath }: Target,
    private readonly done: (failure: FailureCode | undefined) => void,
  ) {
    super()
    this.wire = `GET ${basePath}/healthz HTTP/1.1\r\nhost: ${host.includes(':') ? `[${host}]` : host}:${port}\r\n\r\n`
  }

  sent(): void {}

  responded(_status: number, _outcome: Outcome, _degraded: boolean): void {
    this.done(undefined)
  }

  failed(code: FailureCode): void {
    this.done(code)
  }
}

/** Resolves when `count` connections to the target have answered once; throws PlimsollError when nothing answers. */
export const warmUp = async (client: HttpClient, target: Target, count: number): Promise<void> => {
  const one = (): Promise<FailureCode | undefined> =>
    new Promise((resolve) => client.sendOnNew(new WarmUpRequest(target, resolve)))
  const failure = await one()
  if (failure !== undefined) throw notThere(target, failure)
  for (let opened = 1; opened < count; opened += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, count - opened) }, one))
}

const reasons: Partial<Readonly<Record<FailureCode, string>>> = {
  refused: 'the connection was refused: nothing listens there',
  timeout: `no answer within ${timeoutSeconds} s`,
  protocol: 'what answers there does not speak HTTP',
  closed: 'the connection was closed without an answer',
  reset: 'the connection was reset',
}

const notThere = ({ component, url }: Target, failure: FailureCode): PlimsollError =>
  targetFailed(
    `nothing to load at ${url} ("${component}")`,
    reasons[failure] ?? failure,
    'plimsoll status tells what runs; plimsoll up starts it',
  )
