/** The real clients of one process: a connection per cache, the declared pools, small pools for what has none. */
import type { Binding, ServiceConfig } from '../contract/workload.js'
import type { ServiceComponent, Target } from '../topology/types.js'
import type { Clock } from './clock.js'
import type { Cache, Clients, Remote, SqlConnection } from './frame.js'
import type { Log } from './log.js'
import { ConnectionPool } from './pool.js'
import { openPostgres } from './postgres.js'
import { type CacheClient, openRedis } from './redis.js'
import { openRemote } from './remote.js'
import { Servers } from './servers.js'

/** Connections for steps that name a store without a pool. */
export const unpooledSize = 20

/** A declared size per replica, as one of its processes has it. */
export const perProcess = (size: number, processes: number): number => Math.max(1, Math.ceil(size / processes))

export interface LiveClients extends Clients {
  /** Declared pools by id. */
  readonly pools: ReadonlyMap<string, ConnectionPool<SqlConnection>>
  /** What is not connected yet; connecting is retried until the first success. Pools then open the rest of their size. */
  missing(): readonly string[]
  close(): void
}

/** How long to wait before a pool that could not connect at the start tries again. */
const warmRetryMilliseconds = 200
/** How often a pool to several servers looks whether its connections are well spread. */
const spreadMilliseconds = 1000

export const openClients = (
  config: ServiceConfig,
  component: ServiceComponent,
  clock: Clock,
  log: Log,
): LiveClients => {
  const name = `plimsoll ${config.instance}.${config.process}`
  const pools = new Map<string, ConnectionPool<SqlConnection>>()
  const unpooled = new Map<string, ConnectionPool<SqlConnection>>()
  const caches = new Map<string, CacheClient>()
  const remotes = new Map<string, Remote & { close(): void }>()
  const waitingFor = new Set<string>()
  let closed = false

  const bindingOf = (target: Target): Binding => {
    const binding =
      (target.role === undefined ? undefined : config.bindings[`${target.component}.${target.role}`]) ??
      config.bindings[target.component]
    if (binding === undefined) throw new Error(`no binding for ${target.component}: ${config.instance} cannot reach it`)
    return binding
  }

  const openPool = (label: string, target: Target, size: number, acquireTimeoutSeconds: number | undefined) => {
    const binding = bindingOf(target)
    // A server that goes down loses all connections of the pool at once: one line tells of it.
    let lossTold = Number.NEGATIVE_INFINITY
    const tellLoss = (): void => {
      if (closed || performance.now() - lossTold < 1000) return
      lossTold = performance.now()
      log.event('warn', `${label}: connection lost`)
    }
    const whenLost = (lost: () => void) => (): void => {
      lost()
      tellLoss()
    }
    const { session, addresses } = binding
    const servers =
      session === undefined ? undefined : new Servers<SqlConnection>({ session, addresses, now: () => clock.now() })
    const pool = new ConnectionPool<SqlConnection>({
      size,
      acquireTimeoutSeconds,
      open: (lost) =>
        servers === undefined
          ? openPostgres(binding, name, whenLost(lost))
          : servers.open((address) => openPostgres(binding, name, whenLost(lost), address)),
      close: (connection) => {
        servers?.closed(connection)
        connection.close()
      },
      clock,
      ...(servers === undefined ? {} : { pick: (idle) => servers.pick(idle) }),
    })
    if (servers !== undefined) keepSpread(pool, servers)
    waitingFor.add(label)
    let told = false
    const warm = (): void => {
      pool.warm().then(
        () => {
          waitingFor.delete(label)
          if (told) log.event('info', `${label}: connected`, { open: pool.openCount })
        },
        (error: Error) => {
          // One connection will do to start with: a server may grant fewer than all replicas ask for together.
          if (pool.openCount > 0) waitingFor.delete(label)
          else if (!closed) clock.after(warmRetryMilliseconds, warm)
          if (told) return
          told = true
          log.event('warn', `${label}: cannot open all connections`, { open: pool.openCount, size, why: error.message })
        },
      )
    }
    warm()
    return pool
  }

  /** Servers that come back get their share of the connections, and those that were promoted none for reads. */
  const keepSpread = (pool: ConnectionPool<SqlConnection>, servers: Servers<SqlConnection>): void => {
    const spread = async (): Promise<void> => {
      while (!closed && servers.unbalanced && (await pool.replace((fresh) => servers.worseThan(fresh))));
    }
    // What cannot be opened now is tried again the next time.
    const again = (): void => {
      if (!closed)
        clock.after(
          spreadMilliseconds,
          () =>
            void spread()
              .catch(() => {})
              .then(again),
        )
    }
    again()
  }

  for (const [id, pool] of Object.entries(component.pools))
    pools.set(id, openPool(`pool ${id}`, pool.to, perProcess(pool.size, config.processes), pool.acquireTimeoutSeconds))

  const keyOf = (target: Target): string => `${target.component}.${target.role ?? ''}`
  const made = <T>(map: Map<string, T>, key: string, make: () => T): T => {
    const known = map.get(key)
    if (known !== undefined) return known
    const fresh = make()
    map.set(key, fresh)
    return fresh
  }

  return {
    pools,
    sql: (target) => {
      const declared = target.pool === undefined ? undefined : pools.get(target.pool)
      return declared ?? made(unpooled, keyOf(target), () => openPool(keyOf(target), target, unpooledSize, undefined))
    },
    cache: (target): Cache =>
      made(caches, keyOf(target), () => {
        const label = `cache ${target.component}`
        waitingFor.add(label)
        return openRedis(bindingOf(target), name, (connected) => {
          if (connected) waitingFor.delete(label)
          log.event(connected ? 'info' : 'warn', `${label}: ${connected ? 'connected' : 'connection lost'}`)
        })
      }),
    iterationsPerSecond: (target) => {
      const speed = bindingOf(target).iterationsPerSecond
      if (speed === undefined)
        throw new Error(`the binding of ${target.component} does not tell how fast plimsoll_work runs`)
      return speed
    },
    remote: (target) => made(remotes, target.component, () => openRemote(bindingOf(target))),
    missing: () => [...waitingFor],
    close: () => {
      closed = true
      for (const pool of [...pools.values(), ...unpooled.values()]) pool.close()
      for (const cache of caches.values()) cache.close()
      for (const remote of remotes.values()) remote.close()
    },
  }
}
