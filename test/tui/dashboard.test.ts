import { describe, expect, test } from 'vitest'
import { paintFor } from '../../src/report/paint.js'
import type { RunEvent } from '../../src/result/run-event.js'
import { predictionOf } from '../../src/tui/prediction.js'
import { firstSelection } from '../../src/tui/selection.js'
import { ascii } from '../../src/tui/style.js'
import { classResult, latency, runResult } from '../support/run-result.js'
import { drawn, frameOf, kill, seconds, started, style } from './support.js'

const during = [
  started(),
  ...seconds(1, 12),
  kill,
  { type: 'instance', at: 12, instance: 'app/0', state: 'crashed' } as const,
  ...seconds(13, 16, { ok: 90, errors: { '502': 10 }, app: { ready: 1, cpu: 0.97 } }),
]

const prediction = predictionOf(
  runResult({ engine: 'sim', series: seconds(1, 30, { ok: 110, latencySeconds: 0.004 }) }),
)

const line = (lines: readonly string[], pattern: RegExp): string => lines.find((one) => pattern.test(one)) ?? ''

describe('the dashboard', () => {
  test.each([
    [60, 16],
    [80, 24],
    [120, 30],
    [160, 50],
    [200, 50],
    [200, 60],
  ])('never draws beyond %i × %i cells, and leaves the last row empty', (columns, rows) => {
    const lines = drawn(frameOf(during, { prediction }), columns, rows)
    expect(lines).toHaveLength(rows - 1)
    expect(Math.max(...lines.map((one) => [...one].length))).toBeLessThanOrEqual(columns)
  })

  test('shows rate, errors and percentiles of the last five seconds beside what is predicted', () => {
    const lines = drawn(frameOf(during, { prediction }), 100, 30)
    expect(
      line(lines, /^▸ all /)
        .split(/\s+/)
        .slice(1),
    ).toEqual('all 92 (110) 8.0 (0.0) 2.00 (4.00) 2.00 (4.00) 2.00 (4.00) 3'.split(' '))
  })

  test('has no column for a prediction that there is not', () => {
    expect(drawn(frameOf(during), 100, 30).join('\n')).not.toContain('pred')
  })

  test('shows replicas that are gone, utilization and pools of each component, hosts and the generator', () => {
    const lines = drawn(frameOf(during), 120, 40)
    expect(line(lines, /^ {2}app /)).toMatch(/app +1\/2 +█{7}░ +85\.6 % +2 +main 4\.0\+1\.0$/)
    expect(line(lines, /host local/)).toMatch(/host local +█{4}░{4} +50\.0 % +2 cores$/)
    expect(line(lines, /load generator/)).toContain('0.100 cores, at most 1.00 ms late, 0 unsent')
  })

  test('says which fault is in force for how long, and what happened', () => {
    const lines = drawn(frameOf(during), 80, 24)
    expect(lines[1]).toBe('███████████░░░░░░░░░  53 %  ▲ kill app/0 for 4.00 s')
    expect(lines.join('\n')).toContain('12.0 s  kill app/0: injected, 4 requests in flight')
  })

  test('in the smallest terminal it is this picture', () => {
    expect(drawn(frameOf([started(), ...seconds(1, 15)]), 60, 16)).toEqual([
      'steady · shop on the stack, seed 7       ● live  15 s / 30 s',
      '████████░░░░░░░  50 %',
      'all rate  100/s                all p95  2.00 ms',
      '   100/s┤██████████             2.00 ms┤██████████',
      '        │██████████                    │██████████',
      '     0/s┤██████████                 0 s┤██████████',
      '        └0 s ─────────── 30 s          └0 s ─────────── 30 s',
      '  last 5 s  rate/s  err %  p50 ms  p95 ms  p99 ms  in flight',
      '▸ all          100    0.0    2.00    2.00    2.00          3',
      '  last 5 s       ready     cpu  queue  pools: used + waiting',
      '  edge             1/1  10.0 %      0',
      '  app              2/2  40.0 %      2  main 4.0+1.0',
      '↓ host local            50.0 %         2 cores',
      'nothing has happened yet',
      'q, Ctrl-C stop  d leave  ↑ ↓ select  tab ← → table  ? help',
    ])
  })

  test('once it is over shows the whole run, how it ended and what did not hold', () => {
    const ended: RunEvent = { type: 'ended', at: 30, status: 'completed' }
    const result = runResult({
      requests: {
        all: classResult({ ratePerSecond: 98, errors: { '502': 50 }, completed: 5000, latency: latency(0.002) }),
      },
      steadyState: [{ name: 'all.errors < 1%', verdict: 'fail', observed: 0.03, bound: 0.01 }],
      slo: [{ name: 'all.latency.p95 <= 80 ms', verdict: 'pass', observed: 0.01, bound: 0.08 }],
    })
    const lines = drawn(frameOf([started(), ...seconds(1, 30), ended], { result, prediction }), 100, 30)
    expect(lines[1]).toBe('■ completed; 1 of 2 expectations did not hold: all.errors < 1%')
    expect(line(lines, /^▸ all /)).toMatch(/all +98 +\(200\) +1\.0 /)
    expect(lines.join('\n')).toContain('all, whole run: 502 × 50')
  })

  test('says why a run was aborted, and that it failed', () => {
    const aborted: RunEvent = { type: 'aborted', at: 15, reason: 'all.errors > 60 % for 10 s' }
    const ended: RunEvent = { type: 'ended', at: 15, status: 'aborted' }
    expect(drawn(frameOf([...during, aborted, ended]), 80, 24)[1]).toBe('■ aborted: all.errors > 60 % for 10 s')
    expect(drawn(frameOf([...during, { ...ended, status: 'failed' }]), 80, 24)[1]).toBe('■ failed')
  })

  test('draws what is selected, and scrolls to it', () => {
    const selection = { ...firstSelection, focus: 'resources' as const, resource: 2 }
    const lines = drawn(frameOf(during, { selection }), 80, 20)
    expect(lines.join('\n')).toContain('host local cpu  50.0 %')
    expect(line(lines, /^▸/)).toContain('host local')
  })

  test('cuts names that are longer than their place', () => {
    const long = 'a'.repeat(63)
    const events = during.map((event) =>
      event.type === 'second'
        ? { ...event, requests: { ...event.requests, [long]: event.requests.all ?? fail() } }
        : event,
    )
    const lines = drawn(frameOf(events, { prediction }), 80, 24)
    expect(line(lines, /aaa/)).toMatch(/^ {2}a+… +92 +\(–\)/)
    expect(Math.max(...lines.map((one) => [...one].length))).toBeLessThanOrEqual(80)
  })

  test('shows how the launch goes before there is a load', () => {
    const frame = frameOf([])
    const lines = drawn(
      { ...frame, view: { ...frame.view, log: [{ text: 'db/0 ready after 2.1 s', isBad: false }] } },
      80,
      24,
    )
    expect(lines[0]).toMatch(/^plimsoll +● preparing$/)
    expect(lines[2]).toBe('db/0 ready after 2.1 s')
  })

  test('tells its keys, for a run of one’s own and for a replay', () => {
    const selection = { ...firstSelection, isHelp: true }
    const own = drawn(frameOf(during, { selection }), 80, 24).join('\n')
    expect(own).toContain('q, Ctrl-C  stop the run: faults are undone, what it started is taken down')
    expect(own).not.toContain('pause the replay')
    const replay = drawn(frameOf(during, { selection, mode: { kind: 'replay', isPlaying: true, speed: 4 } }), 80, 24)
    expect(replay[0]).toMatch(/▶ replay 4× {2}16 s \/ 30 s$/)
    expect(replay.join('\n')).toContain('space      pause the replay, or go on')
  })

  test('is legible without colour, and in ASCII', () => {
    const frame = frameOf(during, { prediction, style: { ...style, glyphs: ascii } })
    expect(drawn(frame, 80, 24).join('').replaceAll(/[–×µ]/g, '')).toMatch(/^[\x20-\x7e]*$/)
  })

  test('paints as the reports do, without moving anything', () => {
    const painted = frameOf(during, { prediction, style: { ...style, paint: paintFor(true) } })
    const esc = String.fromCharCode(27)
    const text = drawn(painted, 80, 24).join('\n')
    expect(text).toContain(`${esc}[31m`)
    expect(text.replaceAll(new RegExp(`${esc}\\[[0-9;]*m`, 'g'), '')).toBe(
      drawn(frameOf(during, { prediction }), 80, 24).join('\n'),
    )
  })

  test('says so where the terminal is too small', () => {
    expect(drawn(frameOf(during), 40, 10)).toEqual(['needs 60 × 16 cells'])
  })
})

const fail = (): never => {
  throw new Error('no such class')
}
