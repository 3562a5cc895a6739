import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LedgerEntry } from '../../src/contract/ledger.js'
import { ledger, parseEntry } from '../../src/system/ledger.js'

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ledger test '))
  folder = join(root, '.plimsoll', 'ledger')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const entry = (id: string, bootSeconds = 1): LedgerEntry => ({
  apiVersion: 'plimsoll/v1',
  kind: 'LedgerEntry',
  id,
  runtime: 'process',
  topology: { name: 't', file: '/t.yaml', digest: 'd' },
  purpose: 'up',
  folder: `/tmp/plimsoll-${id}`,
  bootSeconds,
  bootId: 'b',
  socket: `/tmp/plimsoll-${id}/control.sock`,
  owner: { pid: 1, startSeconds: 2 },
})

test('entries are listed by age, and read back as they were written', async () => {
  const book = ledger(folder)
  await book.write(entry('young', 20))
  await book.write(entry('old', 10))
  expect((await book.list()).map(({ id }) => id)).toEqual(['old', 'young'])
  expect(await book.read('old')).toEqual(entry('old', 10))
  expect(readdirSync(folder).sort()).toEqual(['old.json', 'young.json'])
})

test('the last entry takes the folders with it, and nothing that is not ours', async () => {
  const book = ledger(folder)
  await book.write(entry('a'))
  await book.remove('a')
  await book.remove('a')
  expect(existsSync(join(root, '.plimsoll'))).toBe(false)
  await book.write(entry('a'))
  mkdirSync(join(root, '.plimsoll', 'runs'))
  await book.remove('a')
  expect(readdirSync(join(root, '.plimsoll'))).toEqual(['runs'])
})

test('a half-written file is told by its id, and removed like an entry', async () => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'torn.json'), JSON.stringify(entry('torn')).slice(0, 60))
  const book = ledger(folder)
  expect(await book.list()).toEqual([{ id: 'torn', broken: true }])
  expect(await book.read('torn')).toBeUndefined()
})

test('temporary files of dead writers are tidied away, those of living ones stay', async () => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, '.a.999999999.0123abcd.tmp'), '')
  writeFileSync(join(folder, `.a.${process.pid}.0123abcd.tmp`), '')
  await ledger(folder).tidy()
  expect(readdirSync(folder)).toEqual([`.a.${process.pid}.0123abcd.tmp`])
})

test('an entry whose id is not its file name, or that lacks what undoing needs, is no entry', () => {
  expect(parseEntry(JSON.stringify(entry('a')), 'a')).toEqual(entry('a'))
  expect(parseEntry(JSON.stringify(entry('a')), 'b')).toBeUndefined()
  expect(parseEntry(JSON.stringify({ ...entry('a'), folder: 7 }), 'a')).toBeUndefined()
  for (const text of ['', 'null', '[]', '{']) expect(parseEntry(text, 'a')).toBeUndefined()
})

test('ids cannot lead out of the folder', async () => {
  writeFileSync(join(root, 'x.json'), JSON.stringify(entry('x')))
  expect(await ledger(folder).read('../../x')).toBeUndefined()
})
