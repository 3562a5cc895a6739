import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parsePasswd } from '../../src/system/accounts.js'
import { lastLines } from '../../src/system/logs.js'
import { holdPorts } from '../../src/system/ports.js'
import { expand, findProgram } from '../../src/system/programs.js'
import { leftSegments, parseSegments } from '../../src/system/shared-memory.js'

test('accounts are read from passwd, broken lines left out', () => {
  expect(parsePasswd('root:x:0:0:root:/root:/bin/sh\n\n#x\npostgres:x:101:104:,,,:/var:/bin/sh\nbad:x:y:z:\n')).toEqual(
    [
      { name: 'root', uid: 0, gid: 0 },
      { name: 'postgres', uid: 101, gid: 104 },
    ],
  )
})

test('held ports are distinct, taken while held, free afterwards, and not those of outgoing connections', async () => {
  const held = await holdPorts(40)
  expect(new Set(held.ports).size).toBe(40)
  expect(Math.max(...held.ports)).toBeLessThan(32_768)
  const taken = createServer().listen({ port: held.ports[0], host: '127.0.0.1' })
  const [error] = (await once(taken, 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('EADDRINUSE')
  await held.release()
  const free = createServer().listen({ port: held.ports[0], host: '127.0.0.1' })
  await once(free, 'listening')
  free.close()
})

test('of several versions the highest is found, and a folder or a plain file is no program', () => {
  const root = mkdtempSync(join(tmpdir(), 'programs '))
  for (const version of ['9', '15', '14']) {
    mkdirSync(join(root, version, 'bin'), { recursive: true })
    writeFileSync(join(root, version, 'bin', 'server'), '')
    chmodSync(join(root, version, 'bin', 'server'), version === '15' ? 0o644 : 0o755)
  }
  mkdirSync(join(root, '16', 'bin', 'server'), { recursive: true })
  expect(expand(`${root}/*/bin/server`)).toEqual([`${root}/14/bin/server`, `${root}/9/bin/server`])
  const need = { name: 'server', debianPackage: '', candidates: [`${root}/*/bin/server`], versionArgs: [] }
  expect(findProgram(need, '/nowhere')).toBe(`${root}/14/bin/server`)
  expect(findProgram(need, `${root}/9/bin`)).toBe(`${root}/9/bin/server`)
  rmSync(root, { recursive: true })
})

test('only segments of our own that nobody is attached to are taken for leftovers', () => {
  const header = 'key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap\n'
  const line = (key: number, id: number, creator: number, attached: number, uid: number, at: number) =>
    `${key} ${id} 600 56 ${creator} ${creator} ${attached} ${uid} 104 ${uid} 104 ${at} ${at} ${at} 4096 0\n`
  const segments = parseSegments(
    header +
      line(77, 1, 500, 0, 101, 2000) + // ours by key
      line(77, 2, 500, 1, 101, 2000) + // attached
      line(77, 3, 500, 0, 33, 2000) + // another user's
      line(77, 4, 500, 0, 101, 1000) + // older than our data
      line(5, 5, 600, 0, 101, 2000) + // made by a process that we ended
      line(6, 6, 700, 0, 101, 2000) + // listed in postmaster.pid
      line(8, 7, 800, 0, 101, 2000), // a stranger
  )
  const owner = { uid: 101, key: 77, segmentId: 6, since: 1500 }
  expect(leftSegments(segments, [owner], [600]).map(({ id }) => id)).toEqual([1, 5, 6])
})

test('the last lines of a log are whole lines, over block boundaries too', async () => {
  const root = mkdtempSync(join(tmpdir(), 'logs-'))
  const file = join(root, 'x.log')
  const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${'x'.repeat(60)}`)
  writeFileSync(file, `${lines.join('\n')}\nunfinished`)
  expect(await lastLines(file, 3)).toEqual({ lines: lines.slice(-3), end: lines.join('\n').length + 1 })
  expect((await lastLines(file, 4000)).lines).toEqual(lines.slice(-4000))
  expect((await lastLines(file, 0)).lines).toEqual([])
  expect((await lastLines(file, 9999)).lines).toHaveLength(5000)
  writeFileSync(file, '')
  expect(await lastLines(file, 3)).toEqual({ lines: [], end: 0 })
  rmSync(root, { recursive: true })
})
