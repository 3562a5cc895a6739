/** Follows the log of a container into a file. */
import { appendFileSync, closeSync, openSync } from 'node:fs'
import { open } from './api.js'

/** Stream (1 byte), three zeros, length (4 bytes, big-endian): in front of each piece of a log. */
const headerBytes = 8

/** Takes the headers out of a multiplexed stream; `rest` is the beginning of a piece that is not complete yet. */
export const demultiplex = (bytes: Buffer): { readonly payload: Buffer; readonly rest: Buffer } => {
  const pieces: Buffer[] = []
  let at = 0
  while (bytes.length - at >= headerBytes) {
    const end = at + headerBytes + bytes.readUInt32BE(at + 4)
    if (end > bytes.length) break
    pieces.push(bytes.subarray(at + headerBytes, end))
    at = end
  }
  return { payload: Buffer.concat(pieces), rest: bytes.subarray(at) }
}

/** `2026-11-30T20:19:30.123456789Z` → `1796069970.123456789`, which is how the engine takes a time to the nanosecond. */
export const unixTime = (iso: string): string => {
  const fraction = /\.(\d+)/.exec(iso)?.[1] ?? '0'
  return `${Math.floor(Date.parse(iso) / 1000)}.${fraction.padEnd(9, '0')}`
}

export const followLog = (socket: string, id: string, since: string, file: string): { readonly close: () => void } => {
  const ending = new AbortController()
  const handle = openSync(file, 'a', 0o644)
  let closed = false
  const close = (): void => {
    if (closed) return
    closed = true
    closeSync(handle)
  }
  const follow = async (): Promise<void> => {
    const query = { follow: '1', stdout: '1', stderr: '1', since: unixTime(since) }
    const response = await open(socket, 'GET', `/containers/${id}/logs`, query, ending.signal)
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const split = demultiplex(Buffer.concat([rest, chunk]))
      rest = split.rest
      if (!closed && split.payload.length > 0) appendFileSync(handle, split.payload)
    }
  }
  // It ends with the container, with the engine, or when it is closed.
  follow().then(close, close)
  return { close: () => ending.abort() }
}
