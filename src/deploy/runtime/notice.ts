/**
 * When a balancer notices that an instance is gone: it writes so into its log, which is read as it is written (inotify),
 * so that the time is known to a few milliseconds.
 */
import { closeSync, openSync, readSync, watch } from 'node:fs'
import type { Member } from './runtime.js'
import type { EventHub } from './system.js'

const bufferBytes = 64 * 1024
/** One report per instance and outage; a balancer that keeps trying complains with every request. */
const silenceSeconds = 5

/** Calls `onLine` with every line that is added from now on. Returns what ends it. */
export const followLines = (file: string, onLine: (line: string) => void): (() => void) => {
  const handle = openSync(file, 'r')
  const buffer = Buffer.alloc(bufferBytes)
  let rest = ''
  const read = (report: boolean): void => {
    for (let bytes = readSync(handle, buffer); bytes > 0; bytes = readSync(handle, buffer)) {
      if (!report) continue
      const lines = (rest + buffer.toString('latin1', 0, bytes)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    }
  }
  read(false)
  const watcher = watch(file, { persistent: false }, () => read(true))
  watcher.on('error', () => undefined)
  return () => {
    watcher.close()
    closeSync(handle)
  }
}

/** Emits `detected` by the balancer's component, once per instance and outage. */
export const watchBalancers = (members: readonly Member[], hub: EventHub): (() => void) => {
  const byAddress = new Map(
    members.flatMap(({ id, context, peerAddresses }) =>
      (peerAddresses ?? context.listens.map(({ host, port }) => `${host}:${port}`)).map(
        (address) => [address, id] as const,
      ),
    ),
  )
  const reported = new Map<string, number>()
  const forget = hub.listen((event) => {
    if (event.type !== 'instance' || event.state !== 'ready') return
    for (const key of reported.keys()) if (key.endsWith(` ${event.instance}`)) reported.delete(key)
  })
  const ends = members.flatMap(({ component, facet, logFile }) => {
    const { noticed } = facet
    if (noticed === undefined) return []
    return followLines(logFile, (line) => {
      const address = noticed(line)
      const instance = address === undefined ? undefined : byAddress.get(address)
      if (instance === undefined) return
      const key = `${component.id} ${instance}`
      const now = performance.now() / 1000
      if (now - (reported.get(key) ?? Number.NEGATIVE_INFINITY) < silenceSeconds) return
      reported.set(key, now)
      hub.emit({ type: 'detected', instance, by: component.id })
    })
  })
  return () => {
    forget()
    for (const end of ends) end()
  }
}
