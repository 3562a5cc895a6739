import { describe, expect, it } from 'vitest'
import { faultResults } from '../../src/result/faults.js'
import { requestRecorder } from '../../src/result/recorder.js'
import type { RunEvent } from '../../src/result/run-event.js'

interface Scenario {
  readonly endedAt?: number
  readonly ratePerSecond?: number
  /** Fate of the request that is due at `at`; default: ok after 10 ms. */
  readonly fate?: (at: number) => { readonly ok: boolean; readonly after: number } | 'pending'
  readonly faults: readonly { readonly at: number; readonly target?: string }[]
  readonly events?: readonly RunEvent[]
}

/** Constant arrivals, replayed in order of time into a recorder. */
const play = ({ endedAt = 20, ratePerSecond = 100, fate, faults, events = [] }: Scenario) => {
  const recorder = requestRecorder({
    classes: [{ id: 'get', derived: false }],
    warmupSeconds: 0,
    durationSeconds: endedAt,
  })
  const log: RunEvent[] = [...events]
  const todo: { at: number; order: number; run: () => void }[] = []
  for (let i = 0; i < endedAt * ratePerSecond; i++) {
    const at = i / ratePerSecond
    todo.push({ at, order: 1, run: () => recorder.offered(0, at) })
    const outcome = fate?.(at) ?? { ok: true, after: 0.01 }
    if (outcome === 'pending') continue
    const done = at + outcome.after
    const run = outcome.ok
      ? () => recorder.success(0, at, at, done, 0, false)
      : () => recorder.failure(0, at, at, done, '502', false)
    todo.push({ at: done, order: 0, run })
  }
  faults.forEach(({ at, target = 'app/0' }, fault) => {
    const run = (): void => {
      const inFlight = recorder.mark(fault, at)
      log.push({ type: 'fault', at, fault, phase: 'injected', kind: 'kill', target, inFlight })
    }
    todo.push({ at, order: 3, run })
  })
  for (const { run } of todo.sort((a, b) => a.at - b.at || a.order - b.order)) run()
  return faultResults({ events: log, track: recorder.faults(endedAt), endedAt })
}

const failBetween = (from: number, to: number) => (at: number) =>
  at >= from && at < to ? { ok: false, after: 0.001 } : { ok: true, after: 0.01 }

describe('fault timing', () => {
  it('a fault that hurts nobody has regained at the first full second after it', () => {
    const [result] = play({ faults: [{ at: 12.3 }] })
    expect(result).toMatchObject({ sloRegainedAt: 13, failedRequests: 0, inFlightAtInjection: 1 })
    expect(result?.recoverySeconds).toBeCloseTo(0.7, 9)
    expect(result?.outageSeconds).toBeLessThan(0.011)
  })

  it('an outage of 2 s ends at the first second from which on no request failed', () => {
    const [result] = play({ faults: [{ at: 5.5 }], fate: failBetween(5.5, 7.5) })
    expect(result?.failedRequests).toBe(200)
    expect(result?.sloRegainedAt).toBe(8)
    expect(result?.recoverySeconds).toBeCloseTo(2.5, 9)
    expect(result?.firstSuccessAt).toBeCloseTo(7.51, 9)
    expect(result?.outageSeconds).toBeCloseTo(2.01, 9)
  })

  it('a single failure late in the run moves the recovery behind it', () => {
    const [result] = play({ faults: [{ at: 5 }], fate: failBetween(15.4, 15.401) })
    expect(result).toMatchObject({ failedRequests: 1, sloRegainedAt: 16 })
  })

  it('a failure at the boundary of two seconds belongs to the one that begins', () => {
    const fate = (after: number) => (at: number) => (at === 5.5 ? { ok: false, after } : { ok: true, after: 0.01 })
    expect(play({ faults: [{ at: 5 }], fate: fate(0.499) })[0]).toMatchObject({ failedRequests: 1, sloRegainedAt: 6 })
    expect(play({ faults: [{ at: 5 }], fate: fate(0.5) })[0]).toMatchObject({ failedRequests: 1, sloRegainedAt: 7 })
  })

  it('a failure counts when it happens, not when its request was due', () => {
    const [result] = play({
      faults: [{ at: 5 }],
      fate: (at) => (at === 5.2 ? { ok: false, after: 2 } : { ok: true, after: 0.01 }),
    })
    expect(result?.sloRegainedAt).toBe(8)
  })

  it('slow answers that cross a boundary of seconds do not delay the recovery', () => {
    const [result] = play({ faults: [{ at: 5 }], fate: () => ({ ok: true, after: 0.95 }) })
    expect(result?.sloRegainedAt).toBe(5)
  })

  it('with more than 5 % of a second without an answer, that second is not whole', () => {
    const pending = (share: number) =>
      play({
        faults: [{ at: 5 }],
        fate: (at) => (at >= 8 && at < 8 + share ? 'pending' : { ok: true, after: 0.01 }),
      })[0]
    expect(pending(0.055)?.sloRegainedAt).toBe(9)
    expect(pending(0.045)?.sloRegainedAt).toBe(5)
  })

  it('is judged until the next fault only', () => {
    const [first, second] = play({ faults: [{ at: 4 }, { at: 10 }], fate: failBetween(10, 11.5) })
    expect(first).toMatchObject({ sloRegainedAt: 4, failedRequests: 0 })
    expect(second).toMatchObject({ sloRegainedAt: 12, failedRequests: 150 })
  })

  it('what never recovers has no recovery, and an outage until the end', () => {
    const [result] = play({ faults: [{ at: 5 }], fate: failBetween(5, 99) })
    expect(result).toMatchObject({ sloRegainedAt: null, recoverySeconds: null, firstSuccessAt: null })
    expect(result?.outageSeconds).toBeGreaterThan(14.9)
    expect(result?.failedRequests).toBe(1500)
  })

  it('a fault in the last partial second cannot show a recovery', () => {
    expect(play({ faults: [{ at: 19.5 }] })[0]?.sloRegainedAt).toBeNull()
  })

  it('detection is the first notice of the target, not of another instance and not of an earlier one', () => {
    const detected = (at: number, instance: string): RunEvent => ({ type: 'detected', at, instance, by: 'edge' })
    const events = [detected(3, 'app/0'), detected(6.01, 'app/1'), detected(6.02, 'app/0'), detected(7, 'app/0')]
    const [result] = play({ faults: [{ at: 6 }], events })
    expect(result?.detectedAt).toBe(6.02)
    expect(result?.detectionSeconds).toBeCloseTo(0.02, 9)
    const [component] = play({ faults: [{ at: 6, target: 'app' }], events })
    expect(component?.detectedAt).toBe(6.01)
  })

  it('the backlog is drained when no more is in flight than before', () => {
    const [result] = play({
      faults: [{ at: 5 }],
      fate: (at) => (at >= 5 && at < 8 ? { ok: true, after: 9.5 - at } : { ok: true, after: 0.01 }),
    })
    expect(result?.backlogDrainedAt).toBe(10)
    expect(result?.firstSuccessAt).toBeCloseTo(8.01, 9)
  })

  it('a fault that could not be injected has no times', () => {
    const event: RunEvent = {
      type: 'fault',
      at: 3,
      fault: 0,
      phase: 'failed',
      kind: 'latency',
      target: 'app -> db',
      inFlight: 2,
    }
    const [result] = play({ faults: [], events: [event] })
    expect(result).toMatchObject({ injectedAt: null, sloRegainedAt: null, inFlightAtInjection: 2, failedRequests: 0 })
  })

  it('an injection that takes time can strike what was sent meanwhile', () => {
    const recorder = requestRecorder({
      classes: [{ id: 'get', derived: false }],
      warmupSeconds: 0,
      durationSeconds: 10,
    })
    recorder.offered(0, 0.9)
    expect(recorder.mark(0, 1)).toBe(1)
    recorder.offered(0, 1.01)
    recorder.success(0, 1.01, 1.01, 1.02, 0, false)
    recorder.offered(0, 1.03)
    expect(recorder.markInForce(0, 1.05)).toBe(3)
    const [mark] = recorder.faults(10).marks
    expect(mark).toMatchObject({ at: 1.05, inFlight: 3, firstSuccessAt: null })
  })
})
