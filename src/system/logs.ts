/** Reads log files that are being written: their last lines, and what is added. */
import { open, stat } from 'node:fs/promises'

export interface FollowedLog {
  readonly name: string
  readonly file: string
}

const blockBytes = 64 * 1024
/** Of one log; who wants more reads the file. */
const longest = 64 * 1024 * 1024

/** The last `count` lines, and where in the file they end: an unfinished line is left for later. */
export const lastLines = async (
  file: string,
  count: number,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> => {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    let from = size
    let bytes = Buffer.alloc(0)
    const breaks = (): number => bytes.reduce((sum, byte) => (byte === 10 ? sum + 1 : sum), 0)
    while (from > 0 && bytes.length < longest && breaks() <= count) {
      const length = Math.min(blockBytes, from)
      from -= length
      const block = Buffer.alloc(length)
      await handle.read(block, 0, length, from)
      bytes = Buffer.concat([block, bytes])
    }
    const end = bytes.lastIndexOf(10) + 1
    const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
    return { lines: count === 0 ? [] : lines.slice(-count), end: from + end }
  } finally {
    await handle.close()
  }
}

const added = async (
  file: string,
  from: number,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> => {
  const { size } = await stat(file)
  if (size <= from) return { lines: [], end: Math.min(size, from) }
  const handle = await open(file, 'r')
  try {
    const bytes = Buffer.alloc(Math.min(size - from, longest))
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from)
    const end = bytes.subarray(0, bytesRead).lastIndexOf(10) + 1
    return { lines: bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1), end: from + end }
  } finally {
    await handle.close()
  }
}

/** Prints what is added to the logs until `signal`, or until the logs are gone with their system. */
export const followLogs = async (
  logs: readonly FollowedLog[],
  ends: Map<string, number>,
  print: (name: string, line: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    let gone = 0
    for (const { name, file } of logs) {
      try {
        const { lines, end } = await added(file, ends.get(file) ?? 0)
        ends.set(file, end)
        for (const line of lines) print(name, line)
      } catch {
        gone++
      }
    }
    if (gone === logs.length) return
    await new Promise((done) => setTimeout(done, 200))
  }
}
