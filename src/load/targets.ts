/** Where load may go: to what runs on this machine, and to hosts that the user has named. */
import { isIP } from 'node:net'
import { invalidInput, notYet, usageError } from '../lib/errors.js'

export interface Target {
  /** The component that stands outermost. */
  readonly component: string
  readonly url: string
  readonly host: string
  readonly port: number
  /** Path in front of every request's; without a slash at its end. */
  readonly basePath: string
}

/** IPv6 in brackets or not; 127.0.0.0/8, ::1 and the name localhost. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** `allowed`: hosts, or host:port. Throws PlimsollError for any other that is not this machine. */
export const targetOf = (component: string, url: string, allowed: readonly string[]): Target => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined)
    throw invalidInput({ message: `the entry "${component}" is no URL: ${url}`, hint: 'such as http://127.0.0.1:8080' })
  if (parsed.protocol !== 'http:') throw notYet(`load on ${url}: ${parsed.protocol.slice(0, -1)}`)
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const port = Number(parsed.port === '' ? 80 : parsed.port)
  if (!isLoopback(host) && !allowed.includes(host) && !allowed.includes(`${host}:${port}`))
    throw usageError(
      `refused to send load to ${host}:${port} ("${component}"): it is not this machine`,
      `if it is yours to load, say so: --allow-target ${host}`,
    )
  return { component, url, host, port, basePath: parsed.pathname.replace(/\/$/, '') }
}
