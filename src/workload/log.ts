/**
 * Structured logs: one JSON document a line. Lines are gathered and written together, and each level is limited to
 * `linesPerSecond`, with a line that tells how many were left out: under load logging must not become the work.
 */
export type Level = 'info' | 'warn' | 'error'

export interface Log {
  /** Lines about requests are the ones that may be left out. */
  request(level: Level, fields: Readonly<Record<string, unknown>>): void
  event(level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void
  flush(): void
  close(): void
}

export const linesPerSecond = 100

/** Gathered text beyond this is written at once. */
const flushLength = 16_384
const flushMilliseconds = 100

export const openLog = (write: (text: string) => void, common: Readonly<Record<string, unknown>>): Log => {
  const tail = JSON.stringify(common).slice(1)
  let gathered = ''
  let second = 0
  const used = new Map<Level, number>()
  let leftOut = 0
  const append = (level: Level, fields: Readonly<Record<string, unknown>>): void => {
    const head = JSON.stringify({ time: new Date().toISOString(), level, ...fields })
    gathered += `${head.slice(0, -1)},${tail}\n`
    if (gathered.length >= flushLength) flush()
  }
  const flush = (): void => {
    if (gathered === '') return
    const text = gathered
    gathered = ''
    write(text)
  }
  const tellLeftOut = (): void => {
    if (leftOut === 0) return
    const requests = leftOut
    leftOut = 0
    append('info', { message: 'requests not logged', requests })
  }
  const timer = setInterval(() => {
    flush()
  }, flushMilliseconds)
  timer.unref()
  return {
    request: (level, fields) => {
      const now = Math.floor(Date.now() / 1000)
      if (now !== second) {
        second = now
        used.clear()
        tellLeftOut()
      }
      const lines = used.get(level) ?? 0
      if (lines >= linesPerSecond) {
        leftOut++
        return
      }
      used.set(level, lines + 1)
      append(level, fields)
    },
    event: (level, message, fields) => append(level, { message, ...fields }),
    flush,
    close: () => {
      clearInterval(timer)
      tellLeftOut()
      flush()
    },
  }
}
