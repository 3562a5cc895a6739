/**
 * Which of a replicated database's servers each connection of a pool goes to. Nobody tells: a server says whether it is a
 * standby (`in_hot_standby`) when a connection begins and when that changes, as libpq's target_session_attrs goes by.
 *
 * `primary`: to the one that is no standby. `replica`: to the standbys, the same number to each as far as they are up; they
 * serve in turn. When no standby is left, a server that was one at the start and was promoted goes on answering reads.
 */
import type { Binding } from '../contract/workload.js'

export interface ServerConnection {
  /** Undefined: the server does not tell. */
  readonly standby: boolean | undefined
  close(): void
}

export interface ServersOptions {
  readonly session: 'primary' | 'replica'
  readonly addresses: Binding['addresses']
  /** Monotonic seconds. */
  readonly now: () => number
}

/** A server that could not be reached, or was not what was looked for, is asked again after this long at the earliest. */
const retrySeconds = 1
/** When none will do, whoever asks within this long is told the same without asking. */
const refusalSeconds = 0.1

interface Server<C> {
  readonly index: number
  readonly address: Binding['addresses'][number]
  readonly open: Set<C>
  /** Of the last turn that it served. */
  turn: number
  /** Not before this time, unless no other will do. */
  restsUntil: number
}

export class Servers<C extends ServerConnection> {
  readonly #options: ServersOptions
  readonly #servers: readonly Server<C>[]
  readonly #serverOf = new Map<C, Server<C>>()
  #turns = 0
  #refusal: { readonly error: Error; readonly until: number } | undefined

  constructor(options: ServersOptions) {
    this.#options = options
    this.#servers = options.addresses.map((address, index) => ({
      index,
      address,
      open: new Set(),
      turn: 0,
      restsUntil: 0,
    }))
  }

  /** Rejects when no server will do, with what the last one said. */
  async open(connect: (address: Binding['addresses'][number]) => Promise<C>): Promise<C> {
    const { now } = this.#options
    if (this.#refusal !== undefined && now() < this.#refusal.until) throw this.#refusal.error
    let spare: { readonly server: Server<C>; readonly connection: C } | undefined
    let last: Error | undefined
    for (const server of this.#inOrder()) {
      const began = now()
      try {
        const connection = await connect(server.address)
        if ((connection.standby === true) === (this.#options.session === 'replica')) {
          spare?.connection.close()
          return this.#keep(server, connection)
        }
        server.restsUntil = now() + retrySeconds
        // The first is no promoted standby.
        if (this.#options.session === 'replica' && server.index > 0 && spare === undefined)
          spare = { server, connection }
        else connection.close()
      } catch (error) {
        // One that hangs is asked as seldom as it makes others wait.
        server.restsUntil = now() + Math.max(retrySeconds, 2 * (now() - began))
        last = error instanceof Error ? error : new Error(String(error))
      }
    }
    if (spare !== undefined) return this.#keep(spare.server, spare.connection)
    const why = last === undefined ? '' : `: ${last.message}`
    const error = new Error(`no server is ${this.#options.session === 'primary' ? 'primary' : 'a standby'}${why}`)
    this.#refusal = { error, until: now() + refusalSeconds }
    throw error
  }

  closed(connection: C): void {
    this.#serverOf.get(connection)?.open.delete(connection)
    this.#serverOf.delete(connection)
  }

  /** Index of the idle connection whose server has waited longest for its turn; of one server, the last that was used. */
  pick(idle: readonly C[]): number {
    let best = idle.length - 1
    let turn = Number.POSITIVE_INFINITY
    for (let i = idle.length - 1; i >= 0; i--) {
      const server = this.#serverOf.get(idle[i] as C)
      if (server !== undefined && server.turn < turn) {
        best = i
        turn = server.turn
      }
    }
    const server = this.#serverOf.get(idle[best] as C)
    if (server !== undefined) server.turn = ++this.#turns
    return best
  }

  /** Would a new connection be better placed than one that is open? Only then is it worth trying. */
  get unbalanced(): boolean {
    if (this.#options.session === 'primary') return false
    const now = this.#options.now()
    const fewest = Math.min(...this.#servers.filter(({ restsUntil }) => restsUntil <= now).map(({ open }) => open.size))
    return this.#worst(fewest) !== undefined
  }

  /** What to close now that `fresh` is open; undefined: nothing is worse placed than it. */
  worseThan(fresh: C): C | undefined {
    const server = this.#serverOf.get(fresh)
    return server === undefined || fresh.standby === false ? undefined : this.#worst(server.open.size - 1)
  }

  /** A connection to a server that is no standby, else one of a server that has two more than `fewest`. */
  #worst(fewest: number): C | undefined {
    if (!Number.isFinite(fewest)) return undefined
    for (const [connection] of this.#serverOf) if (connection.standby === false) return connection
    const fullest = this.#servers.reduce((most, server) => (server.open.size > most.open.size ? server : most))
    return fullest.open.size > fewest + 1 ? fullest.open.values().next().value : undefined
  }

  #keep(server: Server<C>, connection: C): C {
    server.open.add(connection)
    this.#serverOf.set(connection, server)
    this.#refusal = undefined
    return connection
  }

  /** Those that rest last; for reads the emptiest first, for writes the one that has connections already. */
  #inOrder(): readonly Server<C>[] {
    const now = this.#options.now()
    const sign = this.#options.session === 'replica' ? 1 : -1
    const rests = ({ restsUntil }: Server<C>): number => (restsUntil > now ? 1 : 0)
    return [...this.#servers].sort((a, b) => rests(a) - rests(b) || sign * (a.open.size - b.open.size))
  }
}
