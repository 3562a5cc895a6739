/** What went wrong with an instance, in the words of its own log. */
import { open } from 'node:fs/promises'
import type { Exit } from '../../contract/machine.js'
import { PlimsollError, targetFailed } from '../../lib/errors.js'

const tailBytes = 16 * 1024

/** The last lines of a log, without empty ones. Empty when there is no log. */
export const logTail = async (file: string, lines: number): Promise<readonly string[]> => {
  try {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      const from = Math.max(0, size - tailBytes)
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
      const text = buffer.subarray(0, bytesRead).toString('utf8')
      return text
        .split('\n')
        .slice(from > 0 ? 1 : 0)
        .filter((line) => line.trim() !== '')
        .slice(-lines)
    } finally {
      await handle.close()
    }
  } catch {
    return []
  }
}

const describe = (how: Exit | string): string => {
  if (typeof how === 'string') return how
  return how.signal === null ? `it ended with exit code ${how.code}` : `it was ended by ${how.signal}`
}

/** Its log is removed with all else, so what it said last is part of the message. */
export const failure = async (id: string, how: Exit | string, logFile: string): Promise<PlimsollError> => {
  const tail = await logTail(logFile, 10)
  const said = tail.length === 0 ? 'it wrote no log' : `the last lines of its log:\n    ${tail.join('\n    ')}`
  return targetFailed(`${id} did not start: ${describe(how)}`, said, hintFor(tail))
}

/** What an engine said when it was asked to start an instance. */
export const startRefused = (id: string, error: unknown): PlimsollError => {
  const said = error instanceof Error ? error.message : String(error)
  return targetFailed(`${id} did not start`, said, hintFor([said]))
}

const portTaken = 'another program took the port meanwhile; try again'

const hints: readonly (readonly [RegExp, string])[] = [
  [/address already in use|EADDRINUSE|port is already allocated/i, portTaken],
  [/no space left|ENOSPC/i, 'the disk is full: make room in the folder for temporary files (TMPDIR)'],
  [
    /cannot allocate memory|ENOMEM|could not map anonymous shared memory/i,
    'not enough memory: lower `memory:` of the component',
  ],
  [/permission denied|EACCES/i, 'set TMPDIR to a folder that other users may enter, such as /tmp'],
]

const hintFor = (tail: readonly string[]): string =>
  hints.find(([pattern]) => tail.some((line) => pattern.test(line)))?.[1] ??
  'everything that was started has been stopped again; plimsoll check and plimsoll doctor look for common causes'

/** Between our holding a port and the server's listening on it there is a moment in which others can take it. */
export const isPortTaken = (error: unknown): boolean =>
  error instanceof PlimsollError && error.problems.some(({ hint }) => hint === portTaken)
