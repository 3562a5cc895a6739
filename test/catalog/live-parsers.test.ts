/** What servers say, read: lines as the real ones write them. */
import { expect, test } from 'vitest'
import { complainedOf, parseStubStatus } from '../../src/catalog/nginx/live.js'
import { parseInfo } from '../../src/catalog/redis/live.js'
import { parseAnswer } from '../../src/catalog/redis/live-wire.js'
import { parseVersion } from '../../src/deploy/runtime/process/needs.js'

test('stub_status', () => {
  const text =
    'Active connections: 3 \nserver accepts handled requests\n 11 11 42 \nReading: 0 Writing: 2 Waiting: 1 \n'
  expect(parseStubStatus(text)).toEqual({ requests: 42, reading: 0, writing: 2 })
  expect(parseStubStatus('<html>')).toBeUndefined()
})

test.each([
  ['connect() failed (111: Connection refused) while connecting to upstream', '127.0.0.1:21261'],
  ['recv() failed (104: Connection reset by peer) while reading response header from upstream', '127.0.0.1:21261'],
  ['upstream prematurely closed connection while reading response header from upstream', '127.0.0.1:21261'],
  ['upstream timed out (110: Connection timed out) while reading response header from upstream', '127.0.0.1:21261'],
  ['client intended to send too large body', undefined],
])('nginx complains: %s', (what, port) => {
  const rest =
    ', client: 127.0.0.1, server: , request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:21261/", host: "x"'
  expect(complainedOf(`2026/11/21 07:12:56 [error] 7#7: *1 ${what}${rest}`)).toBe(port)
})

test('INFO stats', () => {
  const text =
    '# Stats\r\ntotal_connections_received:9\r\ntotal_commands_processed:123\r\nkeyspace_hits:80\r\nkeyspace_misses:20\r\n'
  expect(parseInfo(text)).toEqual({ commands: 123, hits: 80, misses: 20 })
  expect(parseInfo('')).toEqual({ commands: 0, hits: 0, misses: 0 })
})

test('an answer on the wire is complete or not', () => {
  expect(parseAnswer('+PONG\r\n')).toBe('+PONG')
  expect(parseAnswer('+PON')).toBeUndefined()
  expect(parseAnswer('$5\r\nab\r')).toBeUndefined()
  expect(parseAnswer('$5\r\nab\r\nc\r\n')).toBe('ab\r\nc')
})

test.each([
  ['nginx version: nginx/1.22.1\n', '1.22.1'],
  ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '7.0.15'],
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '15.18'],
  ['postgres (PostgreSQL) 18beta1', undefined],
])('version of %j', (text, version) => {
  expect(parseVersion(text)).toBe(version)
})
