import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run as dashboard } from '../../src/commands/dashboard.js'
import type { RunEvent } from '../../src/result/run-event.js'
import { findRun, followRun, readRecordedRun } from '../../src/system/event-log.js'
import { callCommand } from '../support/call-command.js'
import { runResult } from '../support/run-result.js'
import { kill, seconds, started } from '../tui/support.js'

let base: string
let folder: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'plimsoll-event-log-'))
  folder = join(base, '.plimsoll/runs/20261121-064430-steady-stack')
  mkdirSync(folder, { recursive: true })
})

afterEach(() => rmSync(base, { recursive: true, force: true }))

const ended: RunEvent = { type: 'ended', at: 20, status: 'completed' }
const events: readonly RunEvent[] = [started(20), ...seconds(1, 12), kill, ...seconds(13, 20), ended]
const text = (of: readonly RunEvent[]): string => of.map((event) => `${JSON.stringify(event)}\n`).join('')
const write = (name: string, content: string): void => writeFileSync(join(folder, name), content)

describe('a recorded run', () => {
  test('is found by its id, its folder, a file in it, and by being the newest', () => {
    write('events.jsonl', text(events))
    mkdirSync(join(base, '.plimsoll/runs/20250101-000000-older-stack'))
    writeFileSync(join(base, '.plimsoll/runs/20250101-000000-older-stack/events.jsonl'), text(events))
    for (const name of ['20261121-064430-steady-stack', folder, join(folder, 'events.jsonl'), undefined])
      expect(findRun(name, base)).toBe(folder)
  })

  test('has its events, its result and the prediction that was made for it', () => {
    write('events.jsonl', text(events))
    write('result.json', JSON.stringify(runResult()))
    write('prediction.json', JSON.stringify(runResult({ engine: 'sim' })))
    const recorded = readRecordedRun(folder, 'steady')
    expect(recorded.events).toEqual(events)
    expect(recorded.result?.engine).toBe('stack')
    expect(recorded.prediction?.engine).toBe('sim')
    expect(recorded.cut).toBeUndefined()
  })

  test('of which only the result is left is replayed from that', () => {
    const [first, ...rest] = events.filter(({ type }) => type !== 'second')
    const file = join(base, 'lone.json')
    writeFileSync(
      file,
      JSON.stringify(runResult({ events: first === undefined ? [] : [first, ...rest], series: seconds(1, 20) })),
    )
    expect(readRecordedRun(findRun('lone.json', base), 'lone.json').events).toEqual(events)
  })
})

describe('events that are damaged', () => {
  const called = () => callCommand(dashboard, ['20261121-064430-steady-stack'], {}, base)
  const file = '20261121-064430-steady-stack/events.jsonl'

  test('at their end are shown as far as they go; the error names the line that is cut', async () => {
    write('events.jsonl', text(events).slice(0, -20))
    const { code, stdout, stderr } = await called()
    expect(code).toBe(3)
    expect(stdout).toContain('20.0 s  100/s')
    expect(stderr).toContain(`${file}:${events.length}:`)
    expect(stderr).toContain('the line is cut off')
  })

  test.each([
    ['{"type":"second","at":3,}', 25, 'not JSON'],
    ['{"type":"second","at":3}', 1, 'not an event of a run: requests'],
    ['{"at":3}', 1, 'not an event of a run: type'],
    ['[]', 1, 'not an event of a run'],
    ['', 1, 'not JSON'],
  ])('in the middle are refused by line and column: %s', async (line, column, message) => {
    write('events.jsonl', `${text(events.slice(0, 2))}${line}\n${text(events.slice(2))}`)
    const { code, stdout, problems } = await called()
    expect(code).toBe(3)
    expect(stdout).toBe('')
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`${file}:3:${column}: ${message}`)
  })

  test('at their beginning are refused: nothing tells what ran', async () => {
    write('events.jsonl', text(events.slice(1)))
    expect((await called()).problems).toEqual([
      `${file}:1:1: a run begins with an event of type "started", this one with "second"`,
    ])
  })

  test('or missing are told of', async () => {
    expect((await callCommand(dashboard, ['nowhere'], {}, base)).problems).toEqual(['no run at nowhere'])
    expect((await callCommand(dashboard, [], {}, base)).problems).toEqual(['no run in .plimsoll/runs'])
    write('events.jsonl', '')
    expect((await called()).problems).toEqual([`${file} is empty`])
  })
})

describe('without a terminal', () => {
  test('a replay prints lines of progress, all at once', async () => {
    write('events.jsonl', text(events))
    write('result.json', JSON.stringify(runResult()))
    const { code, stdout } = await callCommand(dashboard, [], {}, base)
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.trim().slice(0, 30))).toEqual([
      ...['5.0 s  100/s  p95 2.00 ms  err', '10.0 s  100/s  p95 2.00 ms  er', '12.0 s  kill app/0: injected, '],
      ...['15.0 s  100/s  p95 2.00 ms  er', '20.0 s  100/s  p95 2.00 ms  er', 'completed after 30 s', ''],
    ])
  })

  test('a run that goes on is followed until its result is there', async () => {
    write('events.jsonl', text(events.slice(0, 8)).slice(0, -5))
    const following = callCommand(dashboard, [], { follow: true }, base)
    appendFileSync(join(folder, 'events.jsonl'), text(events.slice(0, 8)).slice(-5) + text(events.slice(8)))
    write('result.json', JSON.stringify(runResult()))
    const { code, stdout } = await following
    expect(code).toBe(0)
    expect(stdout).toContain('20.0 s  100/s')
    expect(stdout).toContain('completed after 30 s')
  })

  test('following ends when it is interrupted', async () => {
    write('events.jsonl', text(events.slice(0, 8)))
    const controller = new AbortController()
    const seen: RunEvent[] = []
    const following = followRun(folder, 'steady', controller.signal, {
      onEvents: (some) => {
        seen.push(...some)
        controller.abort()
      },
      onPrediction: () => {},
    })
    expect(await following).toBeUndefined()
    expect(seen).toEqual(events.slice(0, 8))
  })

  test('a speed that is none is refused', async () => {
    write('events.jsonl', text(events))
    const { code, problems } = await callCommand(dashboard, [], { speed: 'fast' }, base)
    expect(code).toBe(2)
    expect(problems).toEqual(['--speed: expected a number from 0.25 to 1024, got "fast"'])
  })
})
