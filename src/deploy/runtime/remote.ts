/** A system that another process owns, through its control socket. */
import { type ClientRequest, request } from 'node:http'
import type { LedgerEntry } from '../../contract/ledger.js'
import type { InstanceStatus, RunningSystem, SystemSample } from '../../contract/running-system.js'
import type { Fault } from '../../experiment/types.js'
import { PlimsollError, targetFailed } from '../../lib/errors.js'
import type { Refusal, SystemFacts } from './control.js'
import type { SystemEvent } from './system.js'

/** Thrown while its owner is still starting it. */
export class StillStarting extends Error {
  override readonly name = 'StillStarting'
}

const gone = (entry: LedgerEntry, error: Error): PlimsollError =>
  targetFailed(
    `the system ${entry.id} does not answer`,
    `its owner (pid ${entry.owner?.pid ?? '?'}) cannot be reached: ${error.message}`,
    'plimsoll down removes what is left of it',
  )

const call = (
  entry: LedgerEntry,
  method: 'GET' | 'POST',
  path: string,
  timeoutSeconds: number,
  body?: unknown,
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const sent: ClientRequest = request({ socketPath: entry.socket, method, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', (error) => reject(gone(entry, error)))
      response.on('end', () => {
        if (response.statusCode === 200) return resolve(JSON.parse(text))
        if (response.statusCode === 409) return reject(new StillStarting(`${entry.id} is still starting`))
        if (response.statusCode !== 422) return reject(gone(entry, new Error(`HTTP ${response.statusCode}`)))
        const refusal = JSON.parse(text) as Refusal
        reject(new PlimsollError(refusal.exitCode, refusal.problems))
      })
    })
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${timeoutSeconds} s`)), timeoutSeconds * 1000)
    // The ledger knows a system before it has a socket.
    sent.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new StillStarting(`${entry.id} does not listen yet`) : gone(entry, error)),
    )
    sent.on('close', () => clearTimeout(timer))
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })

/** Asks the owner to end the system; resolves when it has, rejects when it cannot be reached in time. */
export const askDown = async (entry: LedgerEntry, timeoutSeconds: number): Promise<void> => {
  await call(entry, 'POST', '/down', timeoutSeconds)
}

export interface RemoteSystem extends RunningSystem {
  /** Like `inject`, and the owner takes the fault back after `fault.forSeconds`, whoever is still there by then. */
  injectFor(fault: Fault): Promise<{ readonly undo: () => Promise<void> }>
}

/** Rejects with StillStarting, or with a PlimsollError (exit code 6) when the owner does not answer. */
export const connect = async (entry: LedgerEntry): Promise<RemoteSystem> => {
  const sentAt = performance.now() / 1000
  const facts = (await call(entry, 'GET', '/system', 5)) as SystemFacts
  // The owner's clock, brought to ours: it read its own somewhere in the middle of the round trip.
  const offset = (sentAt + performance.now() / 1000) / 2 - facts.now
  const inject = async (fault: Fault, schedule: boolean): Promise<{ readonly undo: () => Promise<void> }> => {
    const { id } = (await call(entry, 'POST', '/inject', 120, { fault, schedule })) as { readonly id: string }
    return {
      undo: async () => {
        await call(entry, 'POST', '/undo', 120, { id })
      },
    }
  }
  return {
    id: facts.id,
    runtime: entry.runtime,
    topologyDigest: facts.topologyDigest,
    placement: facts.placement,
    entries: facts.entries,
    versions: facts.versions,
    status: async () => (await call(entry, 'GET', '/status', 5)) as readonly InstanceStatus[],
    sample: async () => {
      const sample = (await call(entry, 'GET', '/sample', 5)) as SystemSample
      return { ...sample, at: sample.at + offset }
    },
    inject: (fault) => inject(fault, false),
    injectFor: (fault) => inject(fault, true),
    onEvent: (listener) => listen(entry, (event) => listener({ ...event, at: event.at + offset })),
    down: () => askDown(entry, 60),
  }
}

const listen = (entry: LedgerEntry, listener: (event: SystemEvent) => void): (() => void) => {
  const sent = request({ socketPath: entry.socket, path: '/events', agent: false }, (response) => {
    let rest = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line !== '') listener(JSON.parse(line) as SystemEvent)
    })
    // The stream ends with the system; there is nothing to tell of it that `status` would not.
    response.on('error', () => undefined)
  })
  sent.on('error', () => undefined)
  sent.end()
  return () => sent.destroy()
}
