import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../src/result/run-event.js'
import { advance, emptyView, withNote } from '../../src/tui/run-view.js'
import { kill, second, seconds, started } from './support.js'

const undone: RunEvent = {
  type: 'fault',
  at: 20,
  fault: 0,
  phase: 'undone',
  kind: 'kill',
  target: 'app/0',
  inFlight: 2,
}

describe('the view of a run', () => {
  test('is the same whether its events come one by one or all at once', () => {
    const events = [started(), ...seconds(1, 12), kill, ...seconds(13, 20, { errors: { '502': 5 } }), undone]
    const oneByOne = events.reduce((view, event) => advance(view, [event]), emptyView)
    expect(oneByOne).toEqual(advance(emptyView, events))
  })

  test('changes nothing of the view that it came from', () => {
    const before = advance(emptyView, [started(), second(1)])
    advance(before, [second(2), kill, { type: 'instance', at: 12, instance: 'app/0', state: 'crashed' }])
    expect(before.moments).toHaveLength(1)
    expect(before.faults).toEqual([])
    expect(before.states.size).toBe(0)
  })

  test('holds the rate, percentiles and errors of each second', () => {
    const { moments } = advance(emptyView, [
      started(),
      second(1, { ok: 80, latencySeconds: 0.01, errors: { '502': 20 } }),
    ])
    expect(moments[0]?.classes.browse?.ratePerSecond).toBe(80)
    expect(moments[0]?.classes.browse?.errors).toBe(0.2)
    expect(moments[0]?.classes.browse?.p95).toBeCloseTo(0.01, 4)
    expect(moments[0]?.components).toEqual({ edge: 0.1, app: 0.4 })
  })

  test('tells rates of longer intervals per second, and no latency where nothing succeeded', () => {
    const { moments } = advance(emptyView, [{ ...second(10, { ok: 100 }), seconds: 10 }, second(11, { ok: 0 })])
    expect(moments[0]?.classes.all?.ratePerSecond).toBe(10)
    expect(moments[1]?.classes.all?.p95).toBeNull()
    expect(moments[1]?.classes.all?.errors).toBeNull()
  })

  test('does not count a refusal as an error', () => {
    const { moments } = advance(emptyView, [second(1, { ok: 50, errors: { '409': 50 } })])
    expect(moments[0]?.classes.all?.errors).toBe(0)
  })

  test('keeps the last five seconds for current values', () => {
    const { recent } = advance(emptyView, [started(), ...seconds(1, 9)])
    expect(recent.map(({ at }) => at)).toEqual([5, 6, 7, 8, 9])
  })

  test('knows which faults are in force, and since when', () => {
    const during = advance(emptyView, [started(), kill])
    expect(during.faults).toEqual([{ fault: 0, what: 'kill app/0', injectedAt: 12, undoneAt: undefined }])
    expect(advance(during, [undone]).faults[0]?.undoneAt).toBe(20)
  })

  test('counts who gave up waiting for a pool from the start on', () => {
    const pools = { main: { inUse: 4, waiting: 9, timeouts: 3 } }
    expect(advance(emptyView, seconds(1, 4, { app: { pools } })).poolTimeouts.get('app.main')).toBe(12)
  })

  test('keeps notes on one line, whatever is in them', () => {
    expect(withNote(emptyView, 'a\u001b[2J\nb\n').log).toEqual([{ text: 'a [2J b', isBad: false }])
  })

  test('begins anew with the next run, and still tells what happened in the one before', () => {
    const both = advance(emptyView, [started(), ...seconds(1, 12), kill, undone, started(), second(1)])
    expect(both.moments).toHaveLength(1)
    expect(both.at).toBe(1)
    expect(both.faults).toEqual([])
    expect(both.log.map(({ text }) => text.trim())).toContain('20.0 s  kill app/0: undone')
  })

  test('passes over events that a later version added', () => {
    const later = { type: 'moon-phase', at: 3 } as unknown as RunEvent
    expect(advance(emptyView, [started(), later]).at).toBe(3)
  })
})
