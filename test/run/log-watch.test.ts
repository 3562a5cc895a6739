import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tellsOfFailure, tellsOfLoss, watchLogs } from '../../src/run/log-watch.js'

const refused =
  '2026/11/21 07:26:21 [error] 7#7: *12 connect() failed (111: Unknown error) while connecting to upstream, client: 127.0.0.1, upstream: "http://127.0.0.1:19001/routes/7"\n'

test('a line of a balancer counts if it tells of a failure against one of the addresses', () => {
  const tells = tellsOfFailure(['127.0.0.1:19001'])
  expect(tells(refused)).toBe(true)
  expect(tells(refused.replace('connect() failed', 'upstream prematurely closed connection'))).toBe(true)
  expect(tellsOfFailure(['127.0.0.1:19002'])(refused)).toBe(false)
  expect(tellsOfFailure(['127.0.0.1:1900'])(refused)).toBe(false)
  expect(tells('[notice] signal process started, http://127.0.0.1:19001/')).toBe(false)
})

test('a line of a service counts if it lost one of its clients', () => {
  const lost = '{"time":"2026-11-21T07:26:21.500Z","level":"warn","message":"cache cache: connection lost"}'
  expect(tellsOfLoss(['pool main', 'cache cache'])(lost)).toBe(true)
  expect(tellsOfLoss(['pool main'])(lost)).toBe(false)
})

test('a line with a stamp of its own tells how long ago it was written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'))
  try {
    const logFile = join(folder, 'app-0.log')
    writeFileSync(logFile, '')
    let noticed: (ago: number) => void = () => {}
    const told = new Promise<number>((resolve) => {
      noticed = resolve
    })
    const begin = await watchLogs([{ by: 'app', logFile, tells: tellsOfLoss(['pool main']) }], (_, ago) => noticed(ago))
    const end = begin()
    const time = new Date(Date.now() - 5000).toISOString()
    appendFileSync(logFile, `${JSON.stringify({ time, level: 'warn', message: 'pool main: connection lost' })}\n`)
    const ago = await told
    end()
    expect(ago).toBeGreaterThanOrEqual(5)
    expect(ago).toBeLessThan(15)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('only what is appended after the fault is read, also when a line comes in two parts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'))
  const logFile = join(folder, 'edge-0.log')
  try {
    writeFileSync(logFile, refused)
    let noticed: (balancer: string) => void = () => {}
    const told = new Promise<string>((resolve) => {
      noticed = resolve
    })
    const begin = await watchLogs([{ by: 'edge', logFile, tells: tellsOfFailure(['127.0.0.1:19001']) }], (by) =>
      noticed(by),
    )
    const other = refused.replaceAll('19001', '19002')
    appendFileSync(logFile, other + refused.slice(0, 60))
    const end = begin()
    appendFileSync(logFile, refused.slice(60))
    expect(await told).toBe('edge')
    end()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
