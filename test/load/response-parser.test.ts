import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Progress, ResponseParser } from '../../src/load/response-parser.js'

interface Seen {
  readonly progress: Progress
  readonly status: number
  readonly keepAlive: boolean
  readonly degraded: boolean
  readonly outcome: number
}

/** Feeds the pieces until one of them settles the matter, then the end of the connection if nothing did. */
const parse = (pieces: readonly string[], options: { head?: boolean; end?: boolean } = {}): Seen => {
  const parser = new ResponseParser()
  parser.expect(options.head ?? false)
  let progress: Progress = 'more'
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1')
    progress = parser.feed(bytes, bytes.length)
    if (progress === 'failed') break
  }
  if (progress === 'more' && options.end === true) progress = parser.end()
  const { status, keepAlive, degraded, outcome } = parser
  return { progress, status, keepAlive, degraded, outcome }
}

const pieces = (text: string, cuts: readonly number[]): readonly string[] => {
  const sorted = [0, ...[...cuts].sort((a, b) => a - b), text.length]
  return sorted.slice(1).map((to, i) => text.slice(sorted[i], to))
}

const complete = { progress: 'complete', status: 200, keepAlive: true, degraded: false, outcome: 0 } as const

const whole: readonly { name: string; text: string; end?: boolean; head?: boolean; expected: Seen }[] = [
  {
    name: 'a body of a given length',
    text: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello',
    expected: complete,
  },
  { name: 'an empty body', text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', expected: complete },
  { name: 'no reason phrase', text: 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', expected: complete },
  { name: 'lines that end in LF alone', text: 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok', expected: complete },
  {
    name: 'a body that looks like the end of a head',
    text: 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n\r\n\r\n\n\n\r\n',
    expected: complete,
  },
  {
    name: 'chunks with extensions and trailers',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n5;a="b"\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nExpires: never\r\nX: y\r\n\r\n',
    expected: complete,
  },
  {
    name: 'chunks of nothing',
    text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n000\r\n\r\n',
    expected: complete,
  },
  {
    name: 'chunks, which outrank a length',
    text: 'HTTP/1.1 200 OK\r\ncontent-length: 999\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    expected: complete,
  },
  {
    name: 'what the workload service says in its headers, in any case',
    text: 'HTTP/1.1 200 OK\r\nX-Plimsoll-Degraded:  stale \r\nx-PLIMSOLL-outcome: miss\r\ncontent-length: 1\r\n\r\nx',
    expected: { ...complete, degraded: true, outcome: 2 },
  },
  {
    name: 'a hit',
    text: 'HTTP/1.1 200 OK\r\nx-plimsoll-outcome:hit\r\ncontent-length: 0\r\n\r\n',
    expected: { ...complete, outcome: 1 },
  },
  {
    name: 'connection: close among other options',
    text: 'HTTP/1.1 502 Bad Gateway\r\nConnection: foo, Close\r\nContent-Length: 3\r\n\r\nbad',
    expected: { ...complete, status: 502, keepAlive: false },
  },
  {
    name: 'HTTP/1.0, which closes unless it says otherwise',
    text: 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx',
    expected: { ...complete, keepAlive: false },
  },
  {
    name: 'HTTP/1.0 that keeps alive',
    text: 'HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\nx',
    expected: complete,
  },
  {
    name: 'a body that ends with the connection',
    text: 'HTTP/1.1 200 OK\r\nserver: old\r\n\r\nsome text\r\n\r\nmore',
    end: true,
    expected: { ...complete, keepAlive: false },
  },
  {
    name: 'interim responses before the real one',
    text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\nx-plimsoll-degraded: no\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok',
    expected: { ...complete, status: 201 },
  },
  { name: '204, which has no body', text: 'HTTP/1.1 204 No Content\r\n\r\n', expected: { ...complete, status: 204 } },
  {
    name: '304, whose length is that of the body it does not have',
    text: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\n\r\n',
    expected: { ...complete, status: 304 },
  },
  {
    name: 'the answer to HEAD',
    text: 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n',
    head: true,
    expected: complete,
  },
  {
    name: 'equal lengths said twice',
    text: 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\nContent-Length: 2\r\n\r\nok',
    expected: complete,
  },
  {
    name: 'a line without a colon and a folded one',
    text: 'HTTP/1.1 200 OK\r\nnonsense\r\nx: a\r\n content-length: 9\r\ncontent-length: 2\r\n\r\nok',
    expected: complete,
  },
]

describe('a response', () => {
  for (const { name, text, expected, ...options } of whole) {
    it(`is read whole: ${name}`, () => {
      expect(parse([text], options)).toEqual(expected)
    })
    it(`is read byte by byte, and cut in two anywhere: ${name}`, () => {
      expect(parse([...text], options)).toEqual(expected)
      for (let cut = 1; cut < text.length; cut++) expect(parse(pieces(text, [cut]), options)).toEqual(expected)
    })
    it(`is not complete a byte before its end: ${name}`, () => {
      expect(parse([text.slice(0, -1)]).progress).toBe('more')
    })
  }

  it('is the same however it is cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.array(fc.nat(200), { maxLength: 8 }), (sample, cuts) => {
        const { name: _, text, expected, ...options } = sample
        const inside = cuts.map((cut) => cut % text.length)
        expect(parse(pieces(text, inside), options)).toEqual(expected)
      }),
    )
  })

  it('of 300 KiB comes in pieces of any size', () => {
    const text = `HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`
    expect(parse(text.match(/.{1,7000}/gs) ?? [])).toEqual(complete)
  })

  it('is followed by the next on the same connection', () => {
    const parser = new ResponseParser()
    const feed = (text: string): Progress => parser.feed(Buffer.from(text, 'latin1'), text.length)
    parser.expect(false)
    expect(
      feed('HTTP/1.1 503 Busy\r\nx-plimsoll-degraded: stale\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx'),
    ).toBe('complete')
    parser.expect(false)
    expect(feed('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx')).toBe('complete')
    expect([parser.status, parser.keepAlive, parser.degraded]).toEqual([200, true, false])
  })

  it('with bytes after its end leaves a connection that cannot be used again', () => {
    expect(parse(['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200'])).toEqual({
      ...complete,
      keepAlive: false,
    })
  })

  it('reads no more of the buffer than there is', () => {
    const parser = new ResponseParser()
    parser.expect(false)
    const stale = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', 'latin1')
    expect(parser.feed(stale, 20)).toBe('more')
    expect(parser.feed(stale.subarray(20), stale.length - 20)).toBe('complete')
  })
})

describe('what is no response fails', () => {
  const broken: Readonly<Record<string, string>> = {
    'another protocol': '-ERR unknown command\r\n',
    'another version': 'HTTP/2.0 200 OK\r\n\r\n',
    'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
    'a status that is no number': 'HTTP/1.1 2e2 OK\r\n\r\n',
    'an upgrade that nobody asked for': 'HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n',
    'a negative length': 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
    'a length in hexadecimal': 'HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello',
    'two different lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!',
    'a chunk without a size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\nhello',
    'a chunk size that is no number': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
    'a chunk size beyond all reason': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n',
    'a chunk longer than its size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n',
    'a head without an end': `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`,
  }
  for (const [name, text] of Object.entries(broken)) {
    it(name, () => {
      expect(parse([text]).progress).toBe('failed')
      expect(parse(text.length > 1000 ? (text.match(/.{1,999}/gs) ?? []) : [...text]).progress).toBe('failed')
    })
  }

  it('a connection that ends in the middle', () => {
    for (const text of [
      '',
      'HTTP/1.1 200',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
    ])
      expect(parse([text], { end: true }).progress).toBe('failed')
  })
})
