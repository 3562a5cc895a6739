/** redis-server as a native process. */
import type { LiveContext, LiveFacet } from '../../contract/engine.js'
import type { ProcessSpec } from '../../contract/process-spec.js'
import { redisConf } from './config.js'
import { ask } from './live-wire.js'

const spec = (context: LiveContext): ProcessSpec => {
  const { component, index, listen, folder, programs } = context
  return {
    id: `${component.id}/${index}`,
    component: component.id,
    index,
    program: programs['redis-server'] ?? 'redis-server',
    args: [`${folder}/redis.conf`],
    env: {},
    folder,
    files: { 'redis.conf': redisConf(context) },
    accounts: ['redis', 'nobody'],
    ports: [listen.port],
    stopSignal: 'SIGTERM',
    stopSeconds: 5,
    // While it loads a file it answers -LOADING.
    probe: () =>
      ask(listen.host, listen.port, 'PING', 1).then(
        (answer) => answer === '+PONG',
        () => false,
      ),
    startSeconds: 30,
  }
}

export interface RedisCounters {
  readonly commands: number
  readonly hits: number
  readonly misses: number
}

/** Of `INFO stats`; a missing line counts 0. */
export const parseInfo = (text: string): RedisCounters => {
  const value = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return { commands: value('total_commands_processed'), hits: value('keyspace_hits'), misses: value('keyspace_misses') }
}

const asked = new WeakMap<LiveContext, { commands: number; own: number }>()

export const live: LiveFacet = {
  programs: [
    {
      name: 'redis-server',
      debianPackage: 'redis-server',
      candidates: ['/usr/bin/redis-server', '/usr/local/bin/redis-server'],
      versionArgs: ['--version'],
    },
  ],
  processes: () => 1,
  eventLoops: () => 1,
  specs: (context) => [spec(context)],
  sample: async (context) => {
    const { commands, hits, misses } = parseInfo(await ask(context.listen.host, context.listen.port, 'INFO stats', 0.8))
    const before = asked.get(context)
    // The INFO commands themselves; a counter that fell back belongs to a new process.
    const own = before === undefined || commands < before.commands ? 0 : before.own
    asked.set(context, { commands, own: own + 1 })
    return { visits: Math.max(0, commands - own), hits, misses }
  },
}
