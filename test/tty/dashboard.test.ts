/** The dashboard as somebody at a terminal sees it, and the terminal as they find it afterwards. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run as runCommand } from '../../src/commands/run.js'
import { leftovers, nothing, type Snapshot, snapshot, temporaryBase } from '../live/support/leftovers.js'
import { callCommand } from '../support/call-command.js'
import { openTerminal, type Terminal } from './terminal.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let base: string
let before: Snapshot
let folder: string
let terminal: Terminal
let bytes: string

beforeEach(() => {
  base = temporaryBase()
  folder = join(temporaryBase(), 'project')
  mkdirSync(folder)
  cpSync(join(root, 'scenarios/optimization-api'), folder, { recursive: true })
  bytes = join(folder, 'bytes')
  before = snapshot(base)
})

afterEach(() => {
  terminal.close()
  rmSync(base, { recursive: true, force: true })
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

/** `settings` tells how the terminal is set, in one number. */
const open = async (columns: number, rows: number): Promise<void> => {
  terminal = openTerminal({ columns, rows, folder })
  await terminal.until(/ready>$/, 10)
  terminal.run(
    `plimsoll() { TMPDIR=${base} node ${root}bin/plimsoll.js "$@"; }; settings() { stty -a | cksum; }; clear`,
  )
  terminal.run('settings > settings-before; echo noted; clear')
  await terminal.until(/^ready>$/, 10)
  // What `clear` wipes is not ours.
  terminal.record(bytes)
}

/** A simulated run to be replayed. */
const simulated = async (): Promise<string> => {
  await callCommand(runCommand, ['experiments/lose-an-app-server.yaml'], { on: 'sim' }, folder)
  return join(folder, '.plimsoll/runs', readdirSync(join(folder, '.plimsoll/runs'))[0] ?? '')
}

/** The main screen, its cursor and its settings; and that nothing wiped what had scrolled out. */
const expectRestored = async (): Promise<void> => {
  expect(terminal.modes()).toEqual({ cursor: true, alternate: false })
  terminal.run('settings > settings-after; echo still $((40 + 2))')
  await terminal.until(/still 42/, 5)
  expect(readFileSync(join(folder, 'settings-after'), 'utf8')).toBe(
    readFileSync(join(folder, 'settings-before'), 'utf8'),
  )
  // From the screen's opening on: the shell's own `clear` before it wipes the scrollback.
  const written = readFileSync(bytes, 'latin1')
  expect(written.indexOf('\u001b[?1049h')).toBeGreaterThanOrEqual(0)
  expect(written.slice(written.indexOf('\u001b[?1049h'))).not.toContain('\u001b[3J')
}

const onScreen = (): boolean => terminal.modes().alternate && !terminal.modes().cursor

describe('a replay', () => {
  test.each([
    [80, 24],
    [160, 50],
    [200, 50],
  ])('fits %i × %i cells: nothing scrolls, and q gives the terminal back', async (columns, rows) => {
    await simulated()
    await open(columns, rows)
    terminal.run('plimsoll dashboard --speed 8; echo "exit $?"')
    await terminal.until(/▲ kill app\/0 for/, 20)
    const screen = terminal.screen().split('\n')
    expect(onScreen()).toBe(true)
    expect(screen[0]).toMatch(/^lose-an-app-server · .* ▶ replay 8× +\d+ s \/ 30 s$/)
    expect(screen.at(-1)).toMatch(/^q quit/)
    expect(screen).toHaveLength(rows - 1)
    terminal.press('q')
    expect(await terminal.until(/exit \d+/, 10)).toContain('exit 0')
    await expectRestored()
  })

  test('obeys its keys: pause, the other table, help, the end', async () => {
    await simulated()
    await open(100, 30)
    terminal.run('plimsoll dashboard --speed 4; echo "exit $?"')
    await terminal.until(/▶ replay 4×/, 20)
    terminal.press('Space')
    await terminal.until(/‖ paused 4×/, 5)
    terminal.press('+')
    await terminal.until(/‖ paused 8×/, 5)
    terminal.press('.')
    await terminal.until(/edge +1\/1/, 5)
    terminal.press('Tab', 'Down')
    await terminal.until(/app cpu +\d/, 5)
    terminal.press('?')
    await terminal.until(/space +pause the replay, or go on/, 5)
    terminal.press('Escape')
    await terminal.until(/last 5 s/, 5)
    terminal.press('G')
    await terminal.until(/■ completed/, 5)
    expect(terminal.screen()).toContain('whole run')
    terminal.press('q')
    await terminal.until(/exit 0/, 10)
    await expectRestored()
  })

  test('is drawn anew when the terminal is resized, larger and smaller', async () => {
    await simulated()
    await open(120, 40)
    terminal.run('plimsoll dashboard --speed 64; echo "exit $?"')
    await terminal.until(/■ completed/, 20)
    for (const [columns, rows] of [
      [80, 24],
      [60, 16],
      [40, 10],
      [160, 50],
      [120, 40],
    ] as const) {
      terminal.resize(columns, rows)
      const [first, last] =
        columns < 60 ? [/^needs 60 × 16 cells/, undefined] : [/^lose-an-app.* 30 s \/ 30 s$/m, /^q quit/]
      await terminal.until(first, 5)
      await terminal.until(columns < 60 ? first : new RegExp(`^[^\\n]{${columns}}\\n`), 5)
      const lines = terminal.screen().split('\n')
      if (last !== undefined) expect(lines.at(-1)).toMatch(last)
      expect(lines).toHaveLength(columns < 60 ? 1 : rows - 1)
    }
    terminal.press('q')
    await terminal.until(/exit 0/, 10)
    await expectRestored()
  })

  test.each([
    ['Ctrl-C', 130, () => terminal.press('C-c')],
    ['SIGTERM', 143, () => process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM')],
  ])('ended by %s ends with %i and gives the terminal back', async (_, code, end) => {
    await simulated()
    await open(80, 24)
    terminal.run(`sh -c 'echo $$ > pid; exec node ${root}bin/plimsoll.js dashboard'; echo "exit $?"`)
    await terminal.until(/▶ replay 1×/, 20)
    end()
    expect(await terminal.until(/exit \d+/, 10)).toContain(`exit ${code}`)
    await expectRestored()
  })

  test('that crashes gives the terminal back first, and then tells', async () => {
    await simulated()
    // As soon as there is a screen.
    const crash = "if (process.listenerCount('uncaughtExceptionMonitor') > 0) throw new Error('planted')"
    writeFileSync(join(folder, 'crash.cjs'), `setInterval(() => { ${crash} }, 1500)\n`)
    await open(80, 24)
    terminal.run(`NODE_OPTIONS='--require ./crash.cjs' plimsoll dashboard; echo "exit $?"`)
    const seen = await terminal.until(/exit \d+/, 30)
    expect(seen).toContain('Error: planted')
    await expectRestored()
  })

  test('of events that are cut off shows what there is, and then names the line', async () => {
    const run = await simulated()
    const events = readFileSync(join(run, 'events.jsonl'), 'utf8')
    writeFileSync(join(run, 'events.jsonl'), events.slice(0, -30))
    await open(100, 30)
    terminal.run('plimsoll dashboard --speed 64; echo "exit $?"')
    await terminal.until(/of the events is cut off/, 20)
    terminal.press('q')
    const seen = await terminal.until(/exit \d+/, 10)
    expect(seen).toContain('exit 3')
    expect(seen.replaceAll('\n', '')).toMatch(/events\.jsonl:42:\d+: error: the line is cut off/)
    await expectRestored()
  })

  test('prints lines where its output is no terminal', async () => {
    await simulated()
    await open(100, 30)
    terminal.run('plimsoll dashboard | tail -n 3; echo "exit $?"')
    const seen = await terminal.until(/exit \d+/, 20)
    expect(seen).toContain('completed after 30 s')
    expect(readFileSync(bytes, 'latin1')).not.toContain('\u001b[?1049h')
  })
})

describe('run --tui', () => {
  test('on the stack shows the launch, the prediction and the run, prints the result after q, and leaves nothing', async () => {
    await open(100, 30)
    terminal.run('plimsoll run experiments/warm-up.yaml --on stack --tui; echo "exit $?"')
    await terminal.until(/db\/0 ready after/, 60)
    await terminal.until(/rate\/s +\(pred\.\)/, 60)
    expect(onScreen()).toBe(true)
    await terminal.until(/■ completed/, 60)
    await terminal.until(/^q quit/m, 20)
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
    terminal.press('q')
    const seen = await terminal.until(/exit \d+/, 10)
    expect(seen).toContain('warm-up of optimization-api on the stack: completed')
    await expectRestored()
    terminal.run('clear; plimsoll dashboard --speed 64; echo "exit $?"')
    await terminal.until(/\(pred\.\)/, 20)
    terminal.press('q')
    await terminal.until(/exit 0/, 10)
  })

  test.each([
    ['Ctrl-C', 'C-c'],
    ['q', 'q'],
  ])('stopped by %s in the middle of a fault cleans up, prints what was seen and ends with 130', async (_, key) => {
    await open(100, 30)
    terminal.run('plimsoll run experiments/lose-an-app-server.yaml --on stack --tui; echo "exit $?"')
    await terminal.until(/▲ kill app\/0 for/, 90)
    terminal.press(key)
    const seen = await terminal.until(/exit \d+/, 30)
    expect(seen).toContain('exit 130')
    expect(seen).toContain('interrupted')
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
    await expectRestored()
  })

  test('stopped by a second Ctrl-C ends at once, and still gives the terminal back', async () => {
    await open(100, 30)
    terminal.run('plimsoll run experiments/lose-an-app-server.yaml --on stack --tui; echo "exit $?"')
    await terminal.until(/live +[1-9] s/, 90)
    terminal.press('C-c', 'C-c')
    expect(await terminal.until(/exit \d+/, 5)).toContain('exit 130')
    await expectRestored()
    terminal.run('plimsoll down; echo "down $?"')
    await terminal.until(/down 0/, 30)
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
  })

  test('that fails to launch gives the terminal back and tells why', async () => {
    await open(100, 30)
    cpSync(join(root, 'scenarios/flash-sale'), join(folder, 'flash-sale'), { recursive: true })
    terminal.run('plimsoll run flash-sale/experiments/normal.yaml --on stack --tui; echo "exit $?"')
    const seen = await terminal.until(/exit \d+/, 60)
    expect(seen).toMatch(/exit [356]/)
    expect(seen).toContain('error:')
    expect(leftovers(before, snapshot(base))).toEqual(nothing)
    await expectRestored()
  })

  test('left with d goes on with lines of progress', async () => {
    await open(100, 30)
    terminal.run('plimsoll run experiments/warm-up.yaml --on stack --tui; echo "exit $?"')
    await terminal.until(/live +[1-5] s/, 90)
    terminal.press('d')
    await terminal.until(/in flight \d+/, 20)
    expect(terminal.modes()).toEqual({ cursor: true, alternate: false })
    expect(await terminal.until(/exit \d+/, 60)).toContain('completed')
    await expectRestored()
  })

  test('without a terminal is as without it', async () => {
    await open(100, 30)
    terminal.run('plimsoll run experiments/steady.yaml --on sim --tui < /dev/null | tail -n 1; echo "exit $?"')
    await terminal.until(/exit \d+/, 30)
    expect(readFileSync(bytes, 'latin1')).not.toContain('\u001b[?1049h')
  })
})
