import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inside } from '../../src/system/inside.js'
import {
  descendants,
  isInside,
  parseCpuList,
  parseCpuTimes,
  parseStat,
  stat,
  uptimeSeconds,
} from '../../src/system/proc.js'

test('a stat line is read past a name that holds spaces and parentheses', () => {
  const line =
    '4242 (a) R (b c)) S 7 4242 4242 34816 4242 4194560 1 2 3 4 150 25 300 75 20 0 5 0 123456 1 2 18446744073709551615'
  expect(parseStat(line)).toEqual({
    pid: 4242,
    name: 'a) R (b c)',
    state: 'S',
    parent: 7,
    session: 4242,
    terminal: 34816,
    cpuSeconds: 1.75,
    childrenCpuSeconds: 3.75,
    startSeconds: 1234.56,
  })
})

test.each(['', '12 (cut', '12 (x) S 1 2', 'x (y) S 1 1 1 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'])(
  'what is no stat line is no process: %j',
  (line) => {
    expect(parseStat(line)).toBeUndefined()
  },
)

test('lists of cores are read with their ranges', () => {
  expect(parseCpuList('0-2,5,8-9\n')).toEqual([0, 1, 2, 5, 8, 9])
  expect(parseCpuList('')).toEqual([])
})

test('busy time leaves out idle and I/O wait, and cores that we may not use', () => {
  const text = 'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 0 50 800 50 0 0 0 40 0\ncpu1 1000 0 0 0 0 0 0 0 0 0\nintr 1\n'
  expect(parseCpuTimes(text, new Set([0]))).toEqual({ busySeconds: 1.5, capacitySeconds: 10 })
  expect(parseCpuTimes(text, new Set([0, 1]))).toEqual({ busySeconds: 11.5, capacitySeconds: 20 })
})

test('a directory is inside a folder by whole names, also when it has been deleted', () => {
  expect(isInside('/tmp/plimsoll-a/db-0/data', '/tmp/plimsoll-a')).toBe(true)
  expect(isInside('/tmp/plimsoll-a (deleted)', '/tmp/plimsoll-a')).toBe(true)
  expect(isInside('/tmp/plimsoll-ab/x', '/tmp/plimsoll-a')).toBe(false)
  expect(isInside('/tmp', '/tmp/plimsoll-a')).toBe(false)
})

const sleeper = async (cwd: string) => {
  const child = spawn('sleep', ['60'], { cwd, detached: true, stdio: 'ignore' })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { pid, end }
}

test('processes are found by their folder and start time, also in a deleted folder, and others are not', async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'inside-')))
  const folder = join(root, 'a')
  const other = join(root, 'ab')
  const { mkdirSync } = await import('node:fs')
  for (const path of [folder, other]) mkdirSync(path)
  const [early, stranger] = await Promise.all([sleeper(folder), sleeper(other)])
  while (uptimeSeconds() < (stat(early.pid)?.startSeconds ?? 0) + 0.1) await new Promise((done) => setTimeout(done, 20))
  const since = uptimeSeconds()
  const late = await sleeper(folder)
  rmSync(root, { recursive: true })
  const found = (await inside(folder, since, [])).map(({ pid }) => pid)
  const all = (await inside(folder, 0, [])).map(({ pid }) => pid)
  await Promise.all([early, late, stranger].map(({ end }) => end()))
  expect(found).toEqual([late.pid])
  expect(all.sort()).toEqual([early.pid, late.pid].sort())
  expect(await inside(folder, 0, [])).toEqual([])
})

test('descendants are found below a root, parents first', async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & wait'], { stdio: 'ignore', detached: true })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  let tree = descendants([pid]).get(pid) ?? []
  while (tree.length < 2) tree = descendants([pid]).get(pid) ?? []
  expect(tree.map(({ pid: one }) => one)[0]).toBe(pid)
  expect(tree[1]?.parent).toBe(pid)
  process.kill(-pid, 'SIGKILL')
  await once(child, 'exit')
  expect(descendants([pid]).get(pid)).toEqual([])
})
