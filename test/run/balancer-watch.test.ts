import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tellsOfFailure, watchBalancers } from '../../src/run/balancer-watch.js'

const refused =
  '2026/11/21 07:26:21 [error] 7#7: *12 connect() failed (111: Unknown error) while connecting to upstream, client: 127.0.0.1, upstream: "http://127.0.0.1:19001/routes/7"\n'

test('a line counts if it tells of a failure against one of the addresses', () => {
  expect(tellsOfFailure(refused, ['127.0.0.1:19001'])).toBe(true)
  expect(
    tellsOfFailure(refused.replace('connect() failed', 'upstream prematurely closed connection'), ['127.0.0.1:19001']),
  ).toBe(true)
  expect(tellsOfFailure(refused, ['127.0.0.1:19002'])).toBe(false)
  expect(tellsOfFailure(refused, ['127.0.0.1:1900'])).toBe(false)
  expect(tellsOfFailure('[notice] signal process started, http://127.0.0.1:19001/', ['127.0.0.1:19001'])).toBe(false)
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
    const begin = await watchBalancers([{ balancer: 'edge', logFile }], ['127.0.0.1:19001'], (balancer) =>
      noticed(balancer),
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
