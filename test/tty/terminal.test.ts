/** The program as somebody at a terminal sees it, in tmux. */
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { leftovers, nothing, type Snapshot, snapshot, temporaryBase } from '../live/support/leftovers.js'
import { openTerminal, type Terminal } from './terminal.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let base: string
let before: Snapshot
let folder: string
let terminal: Terminal

beforeEach(() => {
  base = temporaryBase()
  folder = join(temporaryBase(), 'project')
  mkdirSync(folder)
  cpSync(join(root, 'scenarios/optimization-api'), folder, { recursive: true })
  before = snapshot(base)
})

afterEach(() => {
  terminal.close()
  rmSync(base, { recursive: true, force: true })
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

const open = async (columns: number, rows: number): Promise<void> => {
  terminal = openTerminal({ columns, rows, folder })
  await terminal.until(/ready>$/, 10)
  terminal.run(`plimsoll() { TMPDIR=${base} node ${root}bin/plimsoll.js "$@"; }; clear`)
}

test('a plan fits 80 columns: no line is wrapped', async () => {
  await open(80, 160)
  terminal.run('plimsoll plan topology.yaml; echo "exit $?"')
  await terminal.until(/exit 0/, 20)
  const screen = terminal.screen()
  // `history` joins wrapped lines, `screen` does not: where nothing is wrapped they are the same.
  expect(screen.split('\n').filter((line) => line.includes('optimization-api: 300/s offered'))).toHaveLength(1)
  expect(terminal.history()).toContain(screen)
})

test('a sweep draws a bar while it simulates, wipes it away, and fits 80 columns with its curves', async () => {
  await open(80, 60)
  const command = 'plimsoll simulate topology.yaml --duration 30s --sweep traffic.rate=500..4500/s:500'
  terminal.run(`sweep() { ${command}; echo "exit $?"; }; clear`)
  terminal.run('sweep')
  await terminal.until(/[█░]{24} +\d+ % {2}\d of 9 simulations/, 30)
  await terminal.until(/exit 0/, 90)
  const screen = terminal.screen()
  expect(screen).not.toContain('of 9 simulations')
  expect(screen).toContain('p95 of all requests, with its 95 % interval')
  expect(screen).toMatch(/[\u2801-\u28ff]●/)
  expect(terminal.history()).toContain(screen)
})

test('Ctrl-C while threads simulate ends them with 130 and wipes the bar away', async () => {
  await open(80, 20)
  terminal.run('plimsoll simulate topology.yaml --duration 24h --replications 4 --threads 2; echo "exit $?"')
  await terminal.until(/0 of 4 simulations/, 30)
  terminal.press('C-c')
  const seen = await terminal.until(/exit \d+/, 10)
  expect(seen).toContain('exit 130')
  expect(seen).not.toContain('of 4 simulations')
  expect(leftovers(before, snapshot(base))).toEqual(nothing)
})

test('Ctrl-C during a run on the stack ends it with 130, gives the terminal back and leaves nothing', async () => {
  await open(100, 30)
  terminal.run('plimsoll run experiments/steady.yaml --on stack; echo "exit $?"')
  await terminal.until(/p95/, 60)
  terminal.press('C-c')
  const seen = await terminal.until(/exit \d+/, 30)
  expect(seen).toContain('exit 130')
  expect(terminal.modes()).toEqual({ cursor: true, alternate: false })
  expect(leftovers(before, snapshot(base))).toEqual(nothing)
  terminal.run('echo still $((40 + 2))')
  await terminal.until(/still 42/, 5)
})

test('Ctrl-C during up undoes what was started', async () => {
  await open(100, 30)
  terminal.run('plimsoll up topology.yaml; echo "exit $?"')
  await terminal.until(/starting/, 30)
  terminal.press('C-c')
  expect(await terminal.until(/exit \d+/, 30)).toContain('exit 130')
  expect(leftovers(before, snapshot(base))).toEqual(nothing)
})
