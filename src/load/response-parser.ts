/**
 * Hot: reads HTTP/1.1 responses (RFC 9112) byte by byte as they come, split anywhere, and keeps of them only what the
 * load generator asks: the status, two headers of the workload service, and where the response ends. Bodies are skipped.
 * One response at a time (requests are never pipelined); no allocation for a response whose head comes in one piece but
 * the text of the head itself.
 */
import { headers } from '../contract/workload.js'
import type { Outcome } from '../result/recorder.js'

/** What the parser wants next. */
export type Progress = 'more' | 'complete' | 'failed'

const maxHeadBytes = 65_536

type State =
  | 'head'
  | 'length'
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer'
  | 'until-close'
  | 'complete'
  | 'failed'

const statusLine = /^HTTP\/1\.\d \d{3}[ \r\n]/

const lf = 10
const cr = 13

const hexDigit = (byte: number): number => {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Index after the empty line that ends a head, or −1; `from` is where the last search gave up. LF alone ends a line too. */
const headEnd = (text: string, from: number): number => {
  for (let i = text.indexOf('\n', from); i !== -1; i = text.indexOf('\n', i + 1)) {
    const next = text.charCodeAt(i + 1)
    if (next === lf) return i + 2
    if (next === cr && text.charCodeAt(i + 2) === lf) return i + 3
  }
  return -1
}

const tokens = (value: string): readonly string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())

export class ResponseParser {
  status = 0
  /** The connection can carry another request once this response is complete. */
  keepAlive = true
  degraded = false
  outcome: Outcome = 0

  #state: State = 'complete'
  #headRequest = false
  /** The head so far, when it came in more than one piece. */
  #partial = ''
  #remaining = 0
  #contentLength = -1
  #chunked = false
  #otherCoding = false
  #digits = 0
  #lineLength = 0

  /** Makes ready for the response to a request that is about to be sent. */
  expect(headRequest: boolean): void {
    this.#state = 'head'
    this.#headRequest = headRequest
    this.#partial = ''
    this.#clear()
  }

  /** Whether any byte of the expected response has come. */
  get begun(): boolean {
    return this.#state !== 'head' || this.#partial !== ''
  }

  /** Takes `data[0 … length)`. Bytes beyond the end of the response make the connection unfit for another request. */
  feed(data: Buffer, length: number): Progress {
    let position = 0
    while (position < length) {
      switch (this.#state) {
        case 'head':
          position = this.#feedHead(data, position, length)
          break
        case 'length':
        case 'chunk-data': {
          const taken = Math.min(this.#remaining, length - position)
          this.#remaining -= taken
          position += taken
          if (this.#remaining === 0) this.#state = this.#state === 'length' ? 'complete' : 'chunk-end'
          break
        }
        case 'until-close':
          return 'more'
        case 'complete':
          this.keepAlive = false
          return 'complete'
        case 'failed':
          return 'failed'
        default:
          this.#feedFraming(data[position] ?? 0)
          position++
      }
    }
    return this.#progress()
  }

  /** The server has closed its side: that completes a response without a length, and breaks off any other. */
  end(): Progress {
    this.keepAlive = false
    if (this.#state === 'until-close') this.#state = 'complete'
    return this.#state === 'complete' ? 'complete' : 'failed'
  }

  #progress(): Progress {
    if (this.#state === 'complete') return 'complete'
    return this.#state === 'failed' ? 'failed' : 'more'
  }

  #clear(): void {
    this.status = 0
    this.keepAlive = true
    this.degraded = false
    this.outcome = 0
    this.#contentLength = -1
    this.#chunked = false
    this.#otherCoding = false
  }

  #feedHead(data: Buffer, position: number, length: number): number {
    const before = this.#partial.length
    const text = this.#partial + data.toString('latin1', position, Math.min(length, position + maxHeadBytes))
    const end = headEnd(text, Math.max(0, before - 2))
    if (end === -1) {
      this.#partial = text
      if (text.length >= maxHeadBytes || !this.#plausible(text)) this.#state = 'failed'
      return length
    }
    this.#partial = ''
    this.#readHead(text, end)
    return position + end - before
  }

  /** Refuses what cannot become a response (another protocol on this port) without waiting for an empty line. */
  #plausible(text: string): boolean {
    return text.length >= 7 ? text.startsWith('HTTP/1.') : 'HTTP/1.'.startsWith(text)
  }

  #readHead(text: string, end: number): void {
    const status = statusLine.test(text) ? Number(text.slice(9, 12)) : 0
    if (status < 100) {
      this.#state = 'failed'
      return
    }
    this.#clear()
    this.status = status
    this.keepAlive = text[7] !== '0'
    let lineStart = text.indexOf('\n') + 1
    while (lineStart < end) {
      const lineEnd = text.indexOf('\n', lineStart)
      const colon = text.indexOf(':', lineStart)
      if (colon === -1 || colon > lineEnd) {
        lineStart = lineEnd + 1
        continue
      }
      const sameLength = fieldsByLength[colon - lineStart]
      if (sameLength !== undefined) {
        const name = text.slice(lineStart, colon).toLowerCase()
        for (const field of sameLength) if (field.name === name) field.read(this, text.slice(colon + 1, lineEnd).trim())
        if (this.#state === 'failed') return
      }
      lineStart = lineEnd + 1
    }
    this.#state = this.#afterHead(status)
  }

  #afterHead(status: number): State {
    // 101 answers an upgrade, which is never asked for; any other 1xx precedes the real response.
    if (status < 200) return status === 101 ? 'failed' : 'head'
    if (this.#headRequest || status === 204 || status === 304) return 'complete'
    if (this.#chunked) {
      this.#startChunk()
      return 'chunk-size'
    }
    if (this.#contentLength === 0) return 'complete'
    if (this.#contentLength > 0 && !this.#otherCoding) {
      this.#remaining = this.#contentLength
      return 'length'
    }
    this.keepAlive = false
    return 'until-close'
  }

  #startChunk(): void {
    this.#remaining = 0
    this.#digits = 0
  }

  /** One byte of what frames chunks: sizes, extensions, line ends, trailers. */
  #feedFraming(byte: number): void {
    switch (this.#state) {
      case 'chunk-size': {
        const digit = hexDigit(byte)
        if (digit >= 0) {
          this.#remaining = this.#remaining * 16 + digit
          this.#digits++
          if (this.#digits > 12) this.#state = 'failed'
        } else if (this.#digits === 0) this.#state = 'failed'
        else if (byte === lf) this.#endSizeLine()
        else if (byte === 59 || byte === 32 || byte === 9 || byte === cr) this.#state = 'chunk-extension'
        else this.#state = 'failed'
        break
      }
      case 'chunk-extension':
        if (byte === lf) this.#endSizeLine()
        break
      case 'chunk-end':
        if (byte === lf) {
          this.#startChunk()
          this.#state = 'chunk-size'
        } else if (byte !== cr) this.#state = 'failed'
        break
      case 'trailer':
        if (byte === lf) {
          if (this.#lineLength === 0) this.#state = 'complete'
          this.#lineLength = 0
        } else if (byte !== cr) this.#lineLength++
        break
      default:
        this.#state = 'failed'
    }
  }

  #endSizeLine(): void {
    this.#lineLength = 0
    this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data'
  }

  /** A list of equal lengths is one length; different lengths are an attack or a bug (RFC 9112, 6.3). */
  readContentLength(value: string): void {
    for (const part of value.split(',')) {
      const digits = part.trim()
      const length = /^\d{1,15}$/.test(digits) ? Number(digits) : -1
      if (length === -1 || (this.#contentLength !== -1 && this.#contentLength !== length)) this.#state = 'failed'
      this.#contentLength = length
    }
  }

  readTransferEncoding(value: string): void {
    this.#chunked = tokens(value).at(-1) === 'chunked'
    this.#otherCoding = !this.#chunked
  }
}

interface Field {
  readonly name: string
  readonly read: (parser: ResponseParser, value: string) => void
}

const fields: readonly Field[] = [
  { name: 'content-length', read: (parser, value) => parser.readContentLength(value) },
  { name: 'transfer-encoding', read: (parser, value) => parser.readTransferEncoding(value) },
  {
    name: 'connection',
    read: (parser, value) => {
      const options = tokens(value)
      if (options.includes('close')) parser.keepAlive = false
      else if (options.includes('keep-alive')) parser.keepAlive = true
    },
  },
  {
    name: headers.degraded,
    read: (parser, value) => {
      parser.degraded = value !== ''
    },
  },
  {
    name: headers.outcome,
    read: (parser, value) => {
      parser.outcome = value === 'hit' ? 1 : value === 'miss' ? 2 : 0
    },
  },
]

/** A header's length tells it from nearly all that are of no interest, without making a string of its name. */
const fieldsByLength: (readonly Field[] | undefined)[] = []
for (const field of fields)
  fieldsByLength[field.name.length] = fields.filter((other) => other.name.length === field.name.length)
