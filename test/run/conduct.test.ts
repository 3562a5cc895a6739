import { expect, test } from 'vitest'
import type { LoadResult, LoadSecond, RunningLoad } from '../../src/contract/load.js'
import type { RunningSystem } from '../../src/contract/running-system.js'
import type { Experiment, Fault } from '../../src/experiment/types.js'
import { emptyClassResult, emptyClassSecond, idealGenerator } from '../../src/result/assemble.js'
import type { RunEvent } from '../../src/result/run-event.js'
import { conduct } from '../../src/run/conduct.js'
import type { Topology } from '../../src/topology/types.js'
import { VirtualClock } from '../support/virtual-clock.js'

const topology = {
  name: 'shop',
  digest: 'a',
  components: { app: { id: 'app', role: 'service', replicas: 2, operations: {}, flow: [], pools: {} } },
  requests: {},
  calibration: undefined,
} as unknown as Topology

const fault = (changes: Partial<Fault>): Fault => ({
  kind: 'kill',
  atSeconds: 3,
  target: { kind: 'instance', component: 'app', index: 0 },
  forSeconds: undefined,
  restartAfterSeconds: undefined,
  parameters: {},
  position: { file: 'e.yaml', line: 1, column: 1 },
  ...changes,
})

const experimentOf = (faults: readonly Fault[], warmupSeconds = 2): Experiment =>
  ({
    name: 'lose-one',
    digest: 'b',
    warmupSeconds,
    faults,
    load: { stages: [{ fromLevel: 10, toLevel: 10, durationSeconds: 6 }] },
  }) as unknown as Experiment

const setUp = (options: { faults?: readonly Fault[]; failInjection?: boolean; restore?: boolean } = {}) => {
  const clock = new VirtualClock()
  const zero = clock.now() + 0.25
  const calls: string[] = []
  const at = (): string => (clock.now() - zero).toFixed(1)
  let tell: (event: RunEvent) => void = () => {}
  let onSecond: (second: LoadSecond) => void = () => {}
  let finish: (result: LoadResult) => void = () => {}
  const done = new Promise<LoadResult>((resolve) => {
    finish = resolve
  })
  const loadResult = (durationSeconds: number): LoadResult => ({
    requests: { all: emptyClassResult() },
    generator: idealGenerator,
    durationSeconds,
    faults: { marks: [], cohorts: { offered: [], ok: [], failed: [] }, inFlight: [] },
  })
  const load: RunningLoad = {
    started: Promise.resolve(zero),
    done,
    onSecond: (listener) => {
      onSecond = listener
    },
    mark: async () => ({ at: clock.now() - zero, inFlight: 3 }),
    markInForce: async () => ({ at: clock.now() - zero, inFlight: 4 }),
    stop: async () => {
      calls.push(`${at()} stop load`)
      finish(loadResult(clock.now() - zero))
    },
  }
  for (let second = 1; second <= 6; second++)
    clock.at(zero + second + 0.01, () =>
      onSecond({
        at: second,
        requests: { all: emptyClassSecond() },
        generator: { lagMaxSeconds: 0, unsent: 0, cpu: 0 },
      }),
    )
  clock.at(zero + 6.1, () => finish(loadResult(6)))
  const system: RunningSystem = {
    id: 'shop-1',
    runtime: 'process',
    topologyDigest: 'a',
    placement: {
      hosts: { local: { cpu: 2 } },
      instances: { 'app/0': { host: 'local', eventLoops: 1 }, 'app/1': { host: 'local', eventLoops: 1 } },
      origin: 'runtime',
    },
    entries: {},
    versions: {},
    status: async () => [],
    sample: async () => {
      const now = clock.now()
      const instance = { cpuSeconds: now * 0.25, memoryBytes: 1000, visits: Math.round(now * 10) }
      return {
        at: now,
        instances: { 'app/0': instance, 'app/1': instance },
        hosts: { local: { busySeconds: now * 0.5, capacitySeconds: now * 2 } },
      }
    },
    inject: async (injected) => {
      if (options.failInjection === true) throw new Error('no such process')
      calls.push(`${at()} inject ${injected.kind}`)
      tell({ type: 'instance', at: 0, instance: 'app/0', state: 'crashed' })
      return {
        undo: async () => {
          calls.push(`${at()} undo ${injected.kind}`)
        },
      }
    },
    onEvent: (listener) => {
      tell = listener as typeof tell
      return () => calls.push(`${at()} unsubscribe`)
    },
    down: async () => {},
  }
  const interrupt = new AbortController()
  const events: RunEvent[] = []
  const experiment = experimentOf(options.faults ?? [])
  let mustAbort: (at: number) => string | undefined = () => undefined
  const result = conduct({
    topology,
    experiment,
    seed: 7,
    system,
    load,
    clock,
    signal: interrupt.signal,
    onEvent: (event) => events.push(event),
    wallClock: () => '2026-11-21T06:00:00.000Z',
    versions: { machine: 'test' },
    mustAbort: (second) => mustAbort(second.at),
    restore: options.restore ?? true,
  })
  return {
    clock,
    zero,
    calls,
    events,
    result,
    interrupt,
    tell: (event: RunEvent) => tell(event),
    abortAt: (second: number) => {
      mustAbort = (at) => (at >= second ? 'all.errors > 60% for 2.0 s' : undefined)
    },
  }
}

const summary = (events: readonly RunEvent[]): string[] =>
  events.map(
    (event) => `${Number(event.at.toFixed(2))} ${event.type === 'fault' ? `fault ${event.phase}` : event.type}`,
  )

test('a run gives one second event per second, in order, between its start and its end', async () => {
  const { clock, zero, result, events } = setUp()
  await clock.runUntil(zero + 10)
  const { status, durationSeconds, startedAt } = await result
  expect({ status, durationSeconds, startedAt }).toEqual({
    status: 'completed',
    durationSeconds: 6,
    startedAt: '2026-11-21T06:00:00.000Z',
  })
  expect(summary(events)).toEqual([
    '0 started',
    '0 phase',
    '1 second',
    '2 phase',
    '2 second',
    '3 second',
    '4 second',
    '5 second',
    '6 second',
    '6 ended',
  ])
})

test('only the time after warm-up is measured: 4 s of 0.25 cores per instance, 10 visits per second each', async () => {
  const { clock, zero, result } = setUp()
  await clock.runUntil(zero + 10)
  const { components, hosts, series } = await result
  expect(components.app?.cpuSeconds).toBeCloseTo(2, 9)
  expect(components.app?.utilization.cpu).toBeCloseTo(0.25, 9)
  expect(components.app?.throughputPerSecond).toBeCloseTo(20, 9)
  expect(hosts.local?.utilization.cpu).toBeCloseTo(0.25, 9)
  expect(series.map((second) => second.components.app?.cpu)).toEqual(Array(6).fill(expect.closeTo(0.25, 9)))
})

test('a fault strikes at its time with the requests that it can have struck, and is undone after `for`', async () => {
  const { clock, zero, result, events, calls } = setUp({ faults: [fault({ kind: 'pause', forSeconds: 1.5 })] })
  await clock.runUntil(zero + 10)
  const { faults, series } = await result
  expect(calls).toEqual(['3.0 inject pause', '4.5 undo pause', '6.1 unsubscribe'])
  expect(events.filter((event) => event.type === 'fault')).toMatchObject([
    { at: 3, phase: 'injected', kind: 'pause', target: 'app/0', inFlight: 4 },
    { at: 4.5, phase: 'undone' },
  ])
  expect(faults).toMatchObject([{ kind: 'pause', target: 'app/0', injectedAt: 3 }])
  expect(series.map((second) => second.components.app?.ready)).toEqual([2, 2, 1, 1, 1, 1])
})

test('what is still in force at the end is taken back, unless the system goes down anyway', async () => {
  const kept = setUp({ faults: [fault({ kind: 'stop' })] })
  await kept.clock.runUntil(kept.zero + 10)
  await kept.result
  expect(kept.calls).toEqual(['3.0 inject stop', '6.1 undo stop', '6.1 unsubscribe'])
  const owned = setUp({ faults: [fault({ kind: 'stop' })], restore: false })
  await owned.clock.runUntil(owned.zero + 10)
  await owned.result
  expect(owned.calls).toEqual(['3.0 inject stop', '6.1 unsubscribe'])
})

test('an injection that fails is told and does not end the run', async () => {
  const { clock, zero, result, events } = setUp({ faults: [fault({})], failInjection: true })
  await clock.runUntil(zero + 10)
  expect((await result).status).toBe('completed')
  expect(events.find((event) => event.type === 'fault')).toMatchObject({ phase: 'failed', message: 'no such process' })
})

test('an interrupt stops the load, undoes the faults and keeps what was seen', async () => {
  const { clock, zero, result, calls, interrupt } = setUp({ faults: [fault({ kind: 'stop' })] })
  await clock.runUntil(zero + 4.5)
  interrupt.abort('SIGINT')
  await clock.runUntil(zero + 4.6)
  const { status, series, durationSeconds } = await result
  expect(status).toBe('interrupted')
  expect(durationSeconds).toBeCloseTo(4.5, 9)
  expect(series.map(({ at }) => at)).toEqual([1, 2, 3, 4])
  expect(calls).toEqual(['3.0 inject stop', '4.5 stop load', '4.5 undo stop', '4.5 unsubscribe'])
})

test('a run that must be aborted ends after the second that says so', async () => {
  const { clock, zero, result, events, abortAt } = setUp()
  abortAt(3)
  await clock.runUntil(zero + 10)
  expect((await result).status).toBe('aborted')
  expect(summary(events).slice(-3)).toEqual(['3 second', '3 aborted', '3.01 ended'])
})

test('a kill is over when all that it struck are back, and is then not taken back again', async () => {
  const back = setUp({ faults: [fault({ restartAfterSeconds: 1 })] })
  back.clock.at(back.zero + 4.2, () => back.tell({ type: 'instance', at: 0, instance: 'app/0', state: 'ready' }))
  await back.clock.runUntil(back.zero + 10)
  const { faults } = await back.result
  expect(back.calls).toEqual(['3.0 inject kill', '6.1 unsubscribe'])
  expect(faults[0]).toMatchObject({ undoneAt: null })
  expect(back.events.filter((event) => event.type === 'fault')).toMatchObject([
    { phase: 'injected', at: 3 },
    { phase: 'undone', at: expect.closeTo(4.2, 9) },
  ])
})
