import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../src/result/histogram.js'
import { requestRecorder } from '../../src/result/recorder.js'

const make = (warmupSeconds = 0, durationSeconds = 10) =>
  requestRecorder({
    classes: [
      { id: 'get', derived: false },
      { id: 'put', derived: false },
      { id: 'put.poll', derived: true },
    ],
    warmupSeconds,
    durationSeconds,
  })

describe('request recorder', () => {
  it('measures what was due between warm-up and the end, whenever it completes', () => {
    const recorder = make(2, 10)
    for (const due of [1.999, 2, 9.999, 10]) {
      recorder.offered(0, due)
      recorder.attempt(0, due)
      recorder.success(0, due, due + 0.001, due + 0.5, 0, false)
    }
    const { all, get } = recorder.result()
    expect(get).toMatchObject({ offered: 2, completed: 2, ok: 2, attempts: 2, ratePerSecond: 2 / 8 })
    expect(all).toEqual(get)
    expect(recorder.second().get).toMatchObject({ offered: 4, ok: 4, inFlight: 0 })
  })

  it('takes latency from the intended start and service latency from the actual send', () => {
    const recorder = make()
    recorder.offered(0, 1)
    recorder.success(0, 1, 1.4, 1.5, 2, true)
    const { get } = recorder.result()
    expect(get?.latency?.mean).toBeCloseTo(0.5, 12)
    expect(get?.serviceLatency?.mean).toBeCloseTo(0.1, 12)
    expect(get?.outcomes.miss.count).toBe(1)
    expect(get?.outcomes.hit).toEqual({ count: 0, latency: null })
    expect(get?.degraded).toBe(1)
  })

  it('leaves derived classes out of `all`', () => {
    const recorder = make()
    for (const cls of [0, 1, 2]) {
      recorder.offered(cls, 1)
      recorder.success(cls, 1, 1, 1.1, 0, false)
    }
    expect(recorder.second().all).toMatchObject({ offered: 2, ok: 2 })
    expect(recorder.result().all?.ok).toBe(2)
    expect(recorder.result()['put.poll']?.ok).toBe(1)
  })

  it('counts per second what happened since the last one, and what is in flight', () => {
    const recorder = make()
    recorder.offered(0, 0.2)
    recorder.offered(1, 0.4)
    recorder.success(0, 0.2, 0.2, 0.3, 1, false)
    const first = recorder.second()
    expect(first.all).toMatchObject({ offered: 2, completed: 1, ok: 1, inFlight: 1, errors: {} })
    expect(LatencyHistogram.decode(first.get?.histogram ?? '').quantile(1)).toBeCloseTo(0.1, 4)
    recorder.failure(1, 0.4, 0.4, 1.4, 'timeout', true)
    expect(recorder.second().all).toMatchObject({
      offered: 0,
      completed: 1,
      ok: 0,
      errors: { timeout: 1 },
      inFlight: 0,
    })
    expect(recorder.second().put).toMatchObject({ offered: 0, completed: 0, errors: {}, inFlight: 0 })
  })

  it('a run that ended early has the rate of the time that it had', () => {
    const recorder = make(0, 10)
    for (let i = 0; i < 8; i++) {
      recorder.offered(0, i / 2)
      recorder.success(0, i / 2, i / 2, i / 2 + 0.01, 0, false)
    }
    expect(recorder.result(4).get?.ratePerSecond).toBe(2)
    expect(recorder.result().get?.ratePerSecond).toBe(0.8)
  })

  it('conserves requests: completed = ok + Σ errors, offered − completed is in flight, unknown ⊂ errors, all = Σ classes', () => {
    const request = fc.record({
      cls: fc.constantFrom(0, 1),
      due: fc.double({ min: 0, max: 9.99, noNaN: true }),
      fate: fc.constantFrom('ok', 'degraded', '502', 'timeout', 'pending'),
    })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 100 }), (requests) => {
        const recorder = make()
        for (const { cls, due, fate } of requests) {
          recorder.offered(cls, due)
          if (fate === 'ok' || fate === 'degraded') recorder.success(cls, due, due, due + 0.1, 0, fate === 'degraded')
          else if (fate !== 'pending') recorder.failure(cls, due, due, due + 0.1, fate, fate === 'timeout')
        }
        const result = recorder.result()
        for (const id of ['all', 'get', 'put']) {
          const counts = result[id]
          if (counts === undefined) throw new Error(`no ${id}`)
          const errors = Object.values(counts.errors).reduce((sum, n) => sum + n, 0)
          expect(counts.completed).toBe(counts.ok + errors)
          expect(counts.unknown).toBe(counts.errors.timeout ?? 0)
          expect(counts.degraded).toBeLessThanOrEqual(counts.ok)
          expect(LatencyHistogram.decode(counts.histogram).count).toBe(counts.ok)
        }
        expect(result.all?.offered).toBe((result.get?.offered ?? 0) + (result.put?.offered ?? 0))
        expect((result.all?.offered ?? 0) - (result.all?.completed ?? 0)).toBe(recorder.inFlight)
      }),
      { numRuns: 50 },
    )
  })

  it('writes the same bytes for the same requests', () => {
    const bytes = (): string => {
      const recorder = make()
      for (let i = 0; i < 500; i++) {
        recorder.offered(i % 2, i / 100)
        if (i % 7 === 0) recorder.failure(i % 2, i / 100, i / 100, i / 100 + 0.2, `50${i % 3}`, false)
        else recorder.success(i % 2, i / 100, i / 100, i / 100 + 0.001 * (i % 13), 1, false)
      }
      return JSON.stringify([recorder.second(), recorder.result(), recorder.faults(10)])
    }
    expect(bytes()).toBe(bytes())
  })
})
