import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { abortMonitor } from '../../src/experiment/abort.js'
import { defaultExperiment } from '../../src/experiment/default.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { seriesSeconds } from '../../src/experiment/series.js'
import { judged } from '../../src/experiment/verdict.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { LatencyHistogram } from '../../src/result/histogram.js'
import type { ClassSecond, RunEvent, SecondEvent } from '../../src/result/run-event.js'
import type { Judgement, RunResult } from '../../src/result/run-result.js'
import { parseTopology } from '../../src/topology/parse.js'
import { classResult, latency, runResult } from '../support/run-result.js'

const topology = parseTopology(readFileSync('scenarios/optimization-api/topology.yaml', 'utf8'), {
  file: 'topology.yaml',
  registry: engineRegistry,
})
const experiment = (rest: string) =>
  parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: x\ntopology: t\nload: { stages: [{ hold: 100/s, for: 20s }] }\n${rest}`,
    { file: 'x.yaml', topology },
  )

interface Shape {
  readonly offered?: number
  readonly ok?: number
  readonly failed?: number
  /** Of each success, in milliseconds. */
  readonly milliseconds?: number
  readonly cpu?: number
}

const second = (
  at: number,
  { offered = 100, ok = 100, failed = 0, milliseconds = 10, cpu = 0.5 }: Shape = {},
): SecondEvent => {
  const histogram = new LatencyHistogram()
  for (let i = 0; i < ok; i++) histogram.record(milliseconds / 1e3)
  const all: ClassSecond = {
    offered,
    completed: ok + failed,
    ok,
    degraded: 0,
    errors: failed === 0 ? {} : { 502: failed },
    inFlight: 0,
    histogram: histogram.encode(),
  }
  return {
    type: 'second',
    at,
    requests: { all, 'get-route': all },
    components: { app: { cpu, queue: 0, ready: 2 } },
    hosts: {},
    generator: { lagMaxSeconds: 0, unsent: 0, cpu: 0 },
  }
}

/** Twenty seconds, those given by their end replaced. */
const series = (replaced: Readonly<Record<number, Shape>> = {}): SecondEvent[] =>
  Array.from({ length: 20 }, (_, i) => second(i + 1, replaced[i + 1]))

const injected: RunEvent = {
  type: 'fault',
  at: 9,
  fault: 0,
  phase: 'injected',
  kind: 'kill',
  target: 'app/0',
  inFlight: 1,
}

const verdictOf = (rest: string, changes: Partial<RunResult>): Judgement | undefined =>
  judged(runResult({ engine: 'sim', durationSeconds: 20, warmupSeconds: 0, ...changes }), experiment(rest), topology)
    .steadyState[0]

const steady = (expectation: string): string => `steadyState: [{ ${expectation} }]\n`

describe('steady state', () => {
  it('holds where every window holds, and shows the worst of them', () => {
    const changes = { series: series({ 7: { failed: 1, ok: 99 } }) }
    expect(verdictOf(steady('expect: all.errors < 1%, window: 5s'), changes)).toEqual({
      name: 'all.errors < 1%',
      verdict: 'pass',
      observed: 1 / 500,
      bound: 0.01,
    })
  })

  it('an incident of one second is an absence of one second, however long the window', () => {
    const changes = { series: series({ 10: { ok: 0, failed: 100 } }) }
    expect(verdictOf(steady('expect: all.errors < 1%, window: 5s'), changes)).toMatchObject({
      verdict: 'fail',
      observed: 0.2,
      why: 'absent for 1 s (9–10 s), tolerated 0 s',
    })
    expect(verdictOf(steady('expect: all.errors < 1%, window: 5s, tolerate: 1s'), changes)?.verdict).toBe('pass')
  })

  it('tolerates the absence in all, not the longest stretch of it', () => {
    const bad = { ok: 0, failed: 100 }
    const changes = { series: series({ 4: bad, 5: bad, 14: bad }) }
    const at = (tolerate: string) =>
      verdictOf(steady(`expect: all.errors < 1%, window: 3s, tolerate: ${tolerate}`), changes)
    expect(at('3s')?.verdict).toBe('pass')
    expect(at('2s')).toMatchObject({ verdict: 'fail', why: 'absent for 3 s (3–5 s, 13–14 s), tolerated 2 s' })
  })

  it('takes percentiles from the merged histograms of a window, never averages of percentiles', () => {
    // p95 per second: 10, 10, 10, 10, 1000 ms: their mean is 208 ms; of all 500 together it is 10 ms.
    const changes = { series: series({ 10: { offered: 20, ok: 20, milliseconds: 1000 } }) }
    const result = verdictOf(steady('expect: all.latency.p95 < 100ms, window: 5s'), changes)
    expect(result?.verdict).toBe('pass')
    expect(result?.observed).toBeCloseTo(0.01, 4)
  })

  it('with faults, it must be back at the end', () => {
    const changes = { series: series({ 20: { ok: 0, failed: 100 } }) }
    const rest = `${steady('expect: all.errors < 1%, window: 2s, tolerate: 5s')}faults: [{ at: 9s, kill: app/0 }]\n`
    expect(verdictOf(rest, { ...changes, events: [injected] })).toMatchObject({
      verdict: 'fail',
      why: 'absent for 1 s (19–20 s), tolerated 5 s, and not regained by the end',
    })
    expect(verdictOf(rest, changes)?.verdict).toBe('pass')
  })

  it('leaves the warm-up out', () => {
    const changes = { warmupSeconds: 5, series: series({ 1: { ok: 0, failed: 100 }, 5: { ok: 0, failed: 100 } }) }
    expect(verdictOf(steady('expect: all.errors < 1%, window: 5s'), changes)?.verdict).toBe('pass')
  })

  it('requests without any answer do not hold; no requests say nothing', () => {
    const silent = { ok: 0, offered: 100 }
    const idle = { ok: 0, offered: 0 }
    const expectation = steady('expect: all.latency.p95 < 100ms, window: 1s')
    expect(verdictOf(expectation, { series: series({ 10: silent, 11: silent }) })).toMatchObject({
      verdict: 'fail',
      why: 'absent for 2 s (9–11 s), tolerated 0 s',
    })
    expect(verdictOf(expectation, { series: series({ 10: idle, 11: idle }) })?.verdict).toBe('pass')
  })

  it('what nothing measured is invalid, not passed', () => {
    expect(verdictOf(steady('expect: cache.hitRatio > 50%'), { series: series() })).toMatchObject({
      verdict: 'invalid',
      observed: null,
    })
  })

  it('judges components as well, and lower bounds by their lowest window', () => {
    const changes = { series: series({ 10: { cpu: 0.9 }, 11: { cpu: 0.1, offered: 40, ok: 40 } }) }
    expect(verdictOf(steady('expect: app.utilization.cpu < 80%, window: 1s'), changes)).toMatchObject({
      verdict: 'fail',
      observed: 0.9,
    })
    expect(verdictOf(steady('expect: all.ratePerSecond > 50/s, window: 1s'), changes)).toMatchObject({
      verdict: 'fail',
      observed: 40,
    })
    expect(verdictOf(steady('expect: all.ratePerSecond > 50/s, window: 2s'), changes)).toMatchObject({
      verdict: 'pass',
      observed: 70,
    })
  })

  it('a window longer than the run is the run', () => {
    expect(verdictOf(steady('expect: all.errors < 1%, window: 60s'), { series: series() })?.verdict).toBe('pass')
  })

  it('quantities that no second holds are judged over the measured part', () => {
    const requests = {
      'get-route': classResult({
        outcomes: { hit: { count: 10, latency: latency(0.001) }, miss: { count: 0, latency: null } },
      }),
    }
    expect(
      verdictOf(steady('expect: get-route.outcomes.hit.latency.p95 < 5ms'), { requests, series: series() }),
    ).toMatchObject({ verdict: 'pass', observed: 0.003 })
  })
})

describe('in a long simulation, whose intervals are longer than a second', () => {
  /** Twenty intervals of `seconds`, those given by their index replaced. */
  const intervals = (seconds: number, replaced: Readonly<Record<number, Shape>> = {}): SecondEvent[] =>
    Array.from({ length: 20 }, (_, i) => ({ ...second((i + 1) * seconds, replaced[i]), seconds }))
  const long = (rest: string, of: SecondEvent[], changes: Partial<RunResult> = {}) =>
    verdictOf(rest, { series: of, durationSeconds: of.at(-1)?.at ?? 0, ...changes })

  it('absences and their ranges are told in seconds', () => {
    const judgement = long(
      'steadyState: [{ expect: all.errors < 1%, window: 5s, tolerate: 9s }]',
      intervals(5, { 3: { failed: 50 }, 4: { failed: 50 } }),
    )
    expect(judgement).toMatchObject({
      verdict: 'fail',
      why: 'absent for 10 s (15–25 s), tolerated 9 s',
    })
    expect(
      long('steadyState: [{ expect: all.errors < 1%, window: 5s, tolerate: 10s }]', intervals(5, { 3: { failed: 9 } })),
    ).toMatchObject({ verdict: 'pass' })
  })

  it('a window is as many intervals as cover it, and a shorter one is one interval', () => {
    const one = intervals(5, { 7: { failed: 50 } })
    // 50 of 150 in one interval, of 450 in the four that cover 20 s: each interval beside it is steady in some window.
    expect(long('steadyState: [{ expect: all.errors < 1%, window: 20s }]', one)?.observed).toBeCloseTo(50 / 450, 12)
    expect(long('steadyState: [{ expect: all.errors < 1%, window: 17s }]', one)?.observed).toBeCloseTo(50 / 450, 12)
    expect(long('steadyState: [{ expect: all.errors < 1%, window: 2s }]', one)?.observed).toBeCloseTo(50 / 150, 12)
  })

  it('rates are per second, and means are weighed by the lengths of their intervals', () => {
    const even = intervals(5)
    expect(long('steadyState: [{ expect: all.ratePerSecond > 19/s, window: 10s }]', even)?.observed).toBeCloseTo(20, 12)
    const last: SecondEvent = { ...second(101, { cpu: 1 }), seconds: 1 }
    const cpu = long('steadyState: [{ expect: app.utilization.cpu < 90%, window: 101s }]', [...even, last])
    expect(cpu?.observed).toBeCloseTo((100 * 0.5 + 1) / 101, 12)
  })

  it('an interval that began in the warm-up is left out', () => {
    const warm = intervals(5, { 1: { failed: 99 } })
    const rest = 'steadyState: [{ expect: all.errors < 1%, window: 5s }]'
    expect(long(rest, warm, { warmupSeconds: 9 })?.verdict).toBe('pass')
    expect(long(rest, warm, { warmupSeconds: 5 })?.verdict).toBe('fail')
  })

  it('an abort condition counts the seconds of the intervals', () => {
    const { abort } = experiment('abort: { when: all.errors > 60%, for: 15s }')
    const monitor = abortMonitor(abort, topology)
    const failing = intervals(5).map((event) => ({ ...event, ...second(event.at, { ok: 0, failed: 100 }), seconds: 5 }))
    expect(failing.slice(0, 3).map(monitor)).toEqual([undefined, undefined, 'all.errors > 60% for 15 s'])
  })

  it('a day is recorded in half minutes, finer where windows ask for it, and at least every five seconds', () => {
    const seconds = (length: string, rest = '') =>
      seriesSeconds(
        parseExperiment(
          `apiVersion: plimsoll/v1\nkind: Experiment\nname: x\ntopology: t\nload: { stages: [{ hold: 1/s, for: ${length} }] }\n${rest}`,
          { file: 'x.yaml', topology },
        ),
      )
    expect(['20s', '1h', '61m', '24h', '7d', '31d'].map((length) => seconds(length))).toEqual([1, 1, 2, 30, 300, 900])
    const watched = 'steadyState: [{ expect: all.errors < 1%, window: 10s, tolerate: 15s }]'
    expect(seconds('24h', watched)).toBe(5)
    expect(seconds('5h', watched)).toBe(5)
    expect(seconds('24h', 'abort: { when: all.errors > 60%, for: 60s }')).toBe(30)
    expect(seconds('24h', 'abort: { when: all.errors > 60% }')).toBe(5)
    expect(seconds('5h', 'abort: { when: all.errors > 60% }')).toBe(1)
  })
})

describe('validity of a verdict', () => {
  const generator = { lag: { p50: 0, p99: 0.001, max: 0.01 }, unsent: 0, cpu: 0.9, cpuSeconds: 20, busy: 0.95 }
  it('a generator that was the limit makes every verdict invalid', () => {
    const result = verdictOf(steady('expect: all.errors < 1%'), { engine: 'stack', series: series(), generator })
    expect(result).toMatchObject({ verdict: 'invalid', why: expect.stringMatching(/load generator was busy 95\.0 %/) })
  })

  it('a late generator excuses a latency that fails, but no errors, and takes nothing from what passes', () => {
    const late = { ...generator, busy: 0.2, lag: { p50: 0, p99: 0.4, max: 1 } }
    const changes = {
      engine: 'stack' as const,
      generator: late,
      series: series({ 5: { milliseconds: 900, ok: 90, failed: 10 } }),
    }
    const of = (expectation: string) => verdictOf(steady(expectation), changes)?.verdict
    expect(of('expect: all.latency.p95 < 80ms, window: 1s')).toBe('invalid')
    expect(of('expect: all.latency.p95 < 2s, window: 1s')).toBe('pass')
    expect(of('expect: all.errors < 1%, window: 1s')).toBe('fail')
  })
})

describe('objectives', () => {
  const slo = (requests: RunResult['requests']) =>
    judged(runResult({ engine: 'sim', requests }), experiment(''), topology).slo

  it('are judged per class over the measured part', () => {
    const requests = {
      all: classResult(),
      'get-route': classResult({ latency: latency(0.01), errors: { 503: 50 }, completed: 5000, ok: 4950 }),
      optimize: classResult({ latency: latency(0.03) }),
    }
    expect(slo(requests).map(({ name, verdict, observed }) => [name, verdict, observed])).toEqual([
      ['get-route.latency.p95 <= 50 ms', 'pass', 0.03],
      ['get-route.errors <= 0.5 %', 'fail', 0.01],
      ['optimize.latency.p95 <= 80 ms', 'fail', 0.09],
      ['optimize.errors <= 1 %', 'pass', 0],
    ])
  })

  it('fail where no request succeeded and are invalid where none was made', () => {
    const none = { latency: null, serviceLatency: null, ok: 0, ratePerSecond: 0 }
    const requests = {
      'get-route': classResult({ ...none, completed: 10, offered: 10, errors: { timeout: 10 } }),
      optimize: classResult({ ...none, completed: 0, offered: 0 }),
    }
    expect(slo(requests).map(({ verdict }) => verdict)).toEqual(['fail', 'fail', 'invalid', 'invalid'])
  })
})

describe('abort', () => {
  const monitor = (rest: string) => abortMonitor(experiment(rest).abort, topology)
  const bad = { ok: 20, failed: 80 }

  it('comes once the condition has held in each second for as long as it says', () => {
    const watch = monitor('abort: { when: all.errors > 60%, for: 3s }\n')
    const told = [second(1, bad), second(2, bad), second(3), second(4, bad), second(5, bad), second(6, bad)].map(watch)
    expect(told).toEqual([undefined, undefined, undefined, undefined, undefined, 'all.errors > 60% for 3 s'])
  })

  it('is not escaped by answering nothing at all', () => {
    const watch = monitor('abort: { when: all.errors > 60%, for: 3s }\n')
    const silent = { ok: 0, offered: 100 }
    expect([second(1, bad), second(2, silent), second(3, silent)].map(watch).at(-1)).toMatch(/for 3 s/)
    const idle = monitor('abort: { when: all.errors > 60%, for: 1s }\n')
    expect([second(1, silent), second(2, silent)].map(idle)).toEqual([undefined, undefined])
  })

  it('never comes without a condition', () => {
    expect(monitor('')(second(1, bad))).toBeUndefined()
  })
})

describe('the default experiment', () => {
  it('is the traffic that the topology declares', () => {
    const made = defaultExperiment(topology, 60, 9)
    expect(made).toMatchObject({
      seed: 9,
      load: { mode: 'open', stages: [{ fromLevel: 300, toLevel: 300, durationSeconds: 60 }] },
      warmupSeconds: 0,
    })
    const line = topology.source.text.split('\n').findIndex((text) => text.startsWith('traffic:')) + 1
    expect(made.source.locate([]).line).toBe(line)
  })

  it('without traffic says what to do', () => {
    expect(() => defaultExperiment({ ...topology, traffic: undefined }, 60, 1)).toThrow(PlimsollError)
  })
})
