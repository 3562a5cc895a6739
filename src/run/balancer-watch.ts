/**
 * When a balancer first notices that an instance is gone, read off its error log. nginx stamps its lines with whole seconds,
 * so the time is that at which the appended line was read: late by at most the interval of polling.
 */
import { open, stat } from 'node:fs/promises'

const pollMilliseconds = 10
/** A balancer that has not met the dead instance by then will hardly do so because of this fault. */
const patienceSeconds = 30

/** What nginx and haproxy write when an upstream server fails them. */
const failure =
  /connect\(\) failed|upstream prematurely closed|upstream timed out|(recv|send|writev|readv)\(\) failed|no live upstreams|is DOWN/

/** Whether a line of a balancer's log tells of a failure against one of these addresses (`host:port`). */
export const tellsOfFailure = (line: string, addresses: readonly string[]): boolean =>
  failure.test(line) && addresses.some((address) => new RegExp(`${address.replaceAll('.', '\\.')}(?!\\d)`).test(line))

export interface BalancerLog {
  readonly balancer: string
  readonly logFile: string
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
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    const end = text.lastIndexOf('\n') + 1
    return { text: text.slice(0, end), offset: offset + Buffer.byteLength(text.slice(0, end)) }
  } finally {
    await handle.close()
  }
}

/**
 * Remembers the present end of each log. The returned function begins to watch from there and calls `noticed` once, with the
 * balancer that told first; what it returns ends the watch.
 */
export const watchBalancers = async (
  logs: readonly BalancerLog[],
  addresses: readonly string[],
  noticed: (balancer: string) => void,
): Promise<() => () => void> => {
  const offsets = await Promise.all(logs.map(({ logFile }) => sizeOf(logFile)))
  let rounds = Math.ceil((patienceSeconds * 1000) / pollMilliseconds)
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async (): Promise<void> => {
    for (const [index, { balancer, logFile }] of logs.entries()) {
      const { text, offset } = await appended(logFile, offsets[index] ?? 0).catch(() => ({
        text: '',
        offset: offsets[index] ?? 0,
      }))
      offsets[index] = offset
      if (ended) return
      if (text.split('\n').some((line) => tellsOfFailure(line, addresses))) {
        ended = true
        noticed(balancer)
        return
      }
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
