/**
 * Hot: a keep-alive HTTP/1.1 client for one address over node:net. A request goes out at once on an idle connection
 * (the one used last, so that few stay warm), else on a new one; beyond `maxConnections` it waits its turn. No pipelining,
 * no redirects, no automatic retry: what happens to a request is what is reported. Why not undici: docs/adr/0031.
 */
import { connect, type Socket } from 'node:net'
import type { Outcome } from '../result/recorder.js'
import { ResponseParser } from './response-parser.js'
import { Deadline, type Timeouts } from './timeouts.js'

/**
 * Why a request got no (whole) response. `unsent`: this machine could not send it (out of ports or file descriptors).
 */
export type FailureCode =
  | 'refused'
  | 'reset'
  | 'closed'
  | 'timeout'
  | 'unreachable'
  | 'protocol'
  | 'unsent'
  | 'unanswered'

/** One attempt of a request: made by the caller, told what becomes of it. */
export abstract class Exchange extends Deadline {
  /** The whole request, head and body; latin1 (one byte per character). */
  abstract readonly wire: string
  /** A HEAD request: its response has no body. */
  abstract readonly head: boolean
  /** From the send; undefined: no limit. */
  abstract readonly timeoutSeconds: number | undefined
  /** The connection that carries it; undefined: it waits for one, or is over. */
  connection: Connection | undefined

  /** It is on its way: written to a connection, or a connection for it is being opened. */
  abstract sent(): void
  abstract responded(status: number, outcome: Outcome, degraded: boolean): void
  /** `unknown`: the request had left, so it may have taken effect. */
  abstract failed(code: FailureCode, unknown: boolean): void

  override expire(): void {
    this.connection?.abandon('timeout')
  }
}

/**
 * All sockets read into this one buffer: epoll reads synchronously and the parser is done with the bytes when it
 * returns. (Windows, which reads into pinned buffers in the background, is not supported by the process runtime.)
 */
const readBuffer = Buffer.allocUnsafeSlow(65_536)

const codes: Readonly<Record<string, FailureCode>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTFOUND: 'unreachable',
  EADDRNOTAVAIL: 'unsent',
  EMFILE: 'unsent',
  ENFILE: 'unsent',
  ENOBUFS: 'unsent',
}

const nothing = (): void => {}

class Connection {
  readonly #client: HttpClient
  readonly #socket: Socket
  readonly #parser = new ResponseParser()
  #exchange: Exchange | undefined
  #connected = false
  #gone = false

  constructor(client: HttpClient, exchange: Exchange) {
    this.#client = client
    this.#exchange = exchange
    exchange.connection = this
    this.#socket = connect({
      host: client.address.host,
      port: client.address.port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length, data) => this.#read(length, data as Buffer) },
    })
    this.#socket.on('connect', () => {
      this.#connected = true
      this.#write()
    })
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#lose(codes[error.code ?? ''] ?? 'reset'))
    this.#socket.on('end', () => {
      if (this.#exchange !== undefined && this.#parser.end() === 'complete') this.#complete()
      else this.#lose('closed')
    })
    this.#socket.on('close', () => this.#lose('closed'))
  }

  /** Sends a request on this idle connection. */
  send(exchange: Exchange): void {
    this.#exchange = exchange
    exchange.connection = this
    this.#write()
  }

  /** Gives up on the request in flight and on the connection, which would still carry the response. */
  abandon(code: FailureCode): void {
    this.#lose(code)
  }

  #write(): void {
    if (this.#exchange === undefined) return
    this.#parser.expect(this.#exchange.head)
    this.#socket.write(this.#exchange.wire, 'latin1')
  }

  #read(length: number, data: Buffer): boolean {
    if (this.#exchange === undefined) {
      // Nobody asked: a server that says 408 to an idle connection before it closes it.
      this.#lose('protocol')
      return false
    }
    const progress = this.#parser.feed(data, length)
    if (progress === 'complete') this.#complete()
    else if (progress === 'failed') this.#lose('protocol')
    return !this.#gone
  }

  #complete(): void {
    const exchange = this.#exchange
    const { status, outcome, degraded, keepAlive } = this.#parser
    this.#exchange = undefined
    if (!keepAlive) this.#lose('closed')
    // First the connection, then the news: a user without think time sends the next request from within it.
    else this.#client.idled(this)
    if (exchange === undefined) return
    exchange.connection = undefined
    this.#client.timeouts.remove(exchange)
    exchange.responded(status, outcome, degraded)
  }

  #lose(code: FailureCode): void {
    if (this.#gone) return
    this.#gone = true
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#socket.destroy()
    this.#client.lost(this)
    if (exchange === undefined) return
    exchange.connection = undefined
    this.#client.timeouts.remove(exchange)
    exchange.failed(code, this.#connected)
  }
}

export interface ClientOptions {
  readonly maxConnections: number
  readonly timeouts: Timeouts
}

export class HttpClient {
  readonly timeouts: Timeouts
  readonly #maxConnections: number
  readonly #idle: Connection[] = []
  readonly #open = new Set<Connection>()
  /** Requests that wait for a connection, oldest first, from `#waitingFrom` on. */
  #waiting: Exchange[] = []
  #waitingFrom = 0
  #closed = false
  #onEmpty: () => void = nothing

  constructor(
    readonly address: { readonly host: string; readonly port: number },
    options: ClientOptions,
  ) {
    this.timeouts = options.timeouts
    this.#maxConnections = options.maxConnections
  }

  /** Open connections, those being opened included. */
  get connections(): number {
    return this.#open.size
  }

  /** Requests that wait because all `maxConnections` are taken. */
  get waiting(): number {
    return this.#waiting.length - this.#waitingFrom
  }

  /** Sends as soon as the limit on connections allows: at once, unless all are taken. */
  send(exchange: Exchange): void {
    const connection = this.#idle.pop()
    if (connection !== undefined) this.#start(exchange, connection)
    else if (this.#open.size < this.#maxConnections) this.#start(exchange, undefined)
    else this.#waiting.push(exchange)
  }

  /** Sends on a connection of its own, whatever is idle: to open connections beforehand. */
  sendOnNew(exchange: Exchange): void {
    this.#start(exchange, undefined)
  }

  /** Takes the requests that still wait for a connection off the queue. */
  takeWaiting(): readonly Exchange[] {
    const waiting = this.#waiting.slice(this.#waitingFrom)
    this.#waiting = []
    this.#waitingFrom = 0
    return waiting
  }

  /** Fails what is in flight with `code`, drops every connection, and resolves when the sockets are gone. */
  close(code: FailureCode): Promise<void> {
    this.#closed = true
    return new Promise((resolve) => {
      this.#onEmpty = resolve
      for (const connection of this.#open) connection.abandon(code)
      if (this.#open.size === 0) resolve()
    })
  }

  /** For Connection: it has answered and can carry another request. */
  idled(connection: Connection): void {
    const next = this.#waiting[this.#waitingFrom]
    if (next === undefined) {
      this.#idle.push(connection)
      return
    }
    this.#shift()
    this.#start(next, connection)
  }

  /** For Connection: it is no more. */
  lost(connection: Connection): void {
    this.#open.delete(connection)
    const index = this.#idle.lastIndexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    if (this.#closed) {
      if (this.#open.size === 0) this.#onEmpty()
      return
    }
    const next = this.#waiting[this.#waitingFrom]
    if (next === undefined || this.#open.size >= this.#maxConnections) return
    this.#shift()
    this.#start(next, undefined)
  }

  #shift(): void {
    this.#waitingFrom++
    if (this.#waitingFrom < 1024 && this.#waitingFrom < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#waitingFrom)
    this.#waitingFrom = 0
  }

  #start(exchange: Exchange, connection: Connection | undefined): void {
    if (exchange.timeoutSeconds !== undefined) this.timeouts.add(exchange, exchange.timeoutSeconds)
    exchange.sent()
    if (connection === undefined) this.#open.add(new Connection(this, exchange))
    else connection.send(exchange)
  }
}
