/** redis.conf for one instance: Redis 7.0 and newer, also Valkey. No Unix socket, nothing written outside `folder`. */
import type { ConfigContext, ConfigFacet } from '../../contract/engine.js'
import type { StoreComponent } from '../../topology/types.js'
import { generatedHeader } from '../header.js'

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`

/** `name value` pairs in the order of the file. */
export const redisSettings = (component: StoreComponent): readonly (readonly [string, string])[] => [
  ['maxmemory', String(Math.floor(component.memoryBytes ?? 0))],
  ['maxmemory-policy', component.eviction],
  ['maxclients', String(component.maxConnections ?? 10_000)],
  ['save', component.persistence === 'rdb' ? '"60 1000"' : '""'],
  ['appendonly', component.persistence === 'aof' ? 'yes' : 'no'],
  ['appendfsync', 'everysec'],
  ['tcp-backlog', '511'],
  ['tcp-keepalive', '60'],
  ['timeout', '0'],
  ['databases', '16'],
  ['loglevel', 'notice'],
  ['logfile', '""'],
  ['daemonize', 'no'],
  ['supervised', 'no'],
  // The address below is loopback or a network of the system's own; without a password protected mode would refuse the latter.
  ['protected-mode', 'no'],
]

export const redisConf = (context: ConfigContext): string => {
  const { component } = context
  if (component.role !== 'store') throw new TypeError(`redisConf was handed ${component.id}, a ${component.role}`)
  const lines = [
    ['bind', context.listen.host],
    ['port', String(context.listen.port)],
    ['dir', quoted(context.folder)],
    ...redisSettings(component),
  ]
  return `${[`# ${generatedHeader(context.topology)}`, ...lines.map(([name, value]) => `${name} ${value}`)].join('\n')}\n`
}

export const config: ConfigFacet = { files: (context) => ({ 'redis.conf': redisConf(context) }) }
