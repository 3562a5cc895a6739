/**
 * When something that sends requests on first notices that an instance is gone, read off its log: the error log of a
 * balancer, the structured log of a service. nginx stamps its lines with whole seconds, so the time of a balancer is that at
 * which the appended line was read: late by at most the interval of polling. A service stamps milliseconds.
 */
import { open, stat } from 'node:fs/promises'

const pollMilliseconds = 10
/** What has not met the dead instance by then will hardly do so because of this fault. */
const patienceSeconds = 30

/** What nginx and haproxy write when an upstream server fails them. */
const failure =
  /connect\(\) failed|upstream prematurely closed|upstream timed out|(recv|send|writev|readv)\(\) failed|no live upstreams|is DOWN/

/** Whether a line of a balancer's log tells of a failure against one of these addresses (`host:port`). */
export const tellsOfFailure =
  (addresses: readonly string[]) =>
  (line: string): boolean =>
    failure.test(line) && addresses.some((address) => new RegExp(`${address.replaceAll('.', '\\.')}(?!\\d)`).test(line))

/** Whether a line of a service's log says that it lost its connection to one of these (`cache store`, `pool main`). */
export const tellsOfLoss =
  (clients: readonly string[]) =>
  (line: string): boolean =>
    clients.some((client) => line.includes(`${JSON.stringify(`${client}: connection lost`).slice(0, -1)}`))

export interface WatchedLog {
  /** The component whose log it is. */
  readonly by: string
  readonly logFile: string
  readonly tells: (line: string) => boolean
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )

/** What was appended since `offset`, whole lines only. */
const appended = async (file: string, offset: number): Promise<{ text: string; offset: number }> => {
  const size = await sizeOf(file)
  if (size <= offset) return { text: '', offset: Math.min(size, offset) }
  const handle = await open(file, 'r')
  try {
    const buffer = Buffer.alloc(size - offset)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1
    return { text: buffer.subarray(0, end).toString('utf8'), offset: offset + end }
  } finally {
    await handle.close()
  }
}

/** How long ago a line was written by its own stamp (`"time":"2026-…Z"`); 0: it has none. */
const ageSeconds = (line: string, nowMilliseconds: number): number => {
  const stamp = /"time":"([^"]+)"/.exec(line)?.[1]
  const written = stamp === undefined ? Number.NaN : Date.parse(stamp)
  return Number.isNaN(written) ? 0 : Math.max(0, (nowMilliseconds - written) / 1000)
}

/**
 * Remembers the present end of each log. The returned function begins to watch from there and calls `noticed` once, with who
 * told first and how long ago; what it returns ends the watch.
 */
export const watchLogs = async (
  logs: readonly WatchedLog[],
  noticed: (by: string, agoSeconds: number) => void,
): Promise<() => () => void> => {
  const offsets = await Promise.all(logs.map(({ logFile }) => sizeOf(logFile)))
  let rounds = Math.ceil((patienceSeconds * 1000) / pollMilliseconds)
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async (): Promise<void> => {
    for (const [index, { by, logFile, tells }] of logs.entries()) {
      const before = offsets[index] ?? 0
      const { text, offset } = await appended(logFile, before).catch(() => ({ text: '', offset: before }))
      offsets[index] = offset
      if (ended) return
      const line = text.split('\n').find(tells)
      if (line === undefined) continue
      ended = true
      noticed(by, ageSeconds(line, Date.now()))
      return
    }
    rounds -= 1
    if (rounds > 0 && !ended) timer = setTimeout(look, pollMilliseconds)
  }
  return () => {
    timer = setTimeout(look, 0)
    return () => {
      ended = true
      clearTimeout(timer)
    }
  }
}
