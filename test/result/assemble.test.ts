import { describe, expect, it } from 'vitest'
import {
  assembleRunResult,
  emptyClassSecond,
  emptyComponentResult,
  emptyStepResult,
  idealGenerator,
  type RunParts,
} from '../../src/result/assemble.js'
import { parseRunResult } from '../../src/result/parse.js'
import { requestRecorder } from '../../src/result/recorder.js'

const parts = (): RunParts => {
  const recorder = requestRecorder({ classes: [{ id: 'get', derived: false }], warmupSeconds: 0, durationSeconds: 2 })
  recorder.offered(0, 0.1)
  recorder.success(0, 0.1, 0.1, 0.2, 0, false)
  return {
    engine: 'sim',
    status: 'completed',
    seed: 1,
    topology: { name: 't', digest: 'd' },
    calibration: null,
    placement: { hosts: {}, instances: {}, origin: 'topology' },
    experiment: { name: 'e', digest: 'd' },
    startedAt: null,
    endedAt: 2,
    warmupSeconds: 0,
    versions: {},
    requests: recorder.result(),
    components: { app: emptyComponentResult(2) },
    hosts: {},
    edges: {},
    steps: { 'get/0': emptyStepResult() },
    events: [
      { type: 'ended', at: 2, status: 'completed' },
      {
        type: 'second',
        at: 1,
        requests: { all: emptyClassSecond() },
        components: {},
        hosts: {},
        generator: { lagMaxSeconds: 0, unsent: 0, cpu: 0 },
      },
      { type: 'fault', at: 1, fault: 0, phase: 'failed', kind: 'kill', target: 'app/0', inFlight: 0 },
    ],
    track: recorder.faults(2),
    generator: idealGenerator,
    invariants: [],
    steadyState: [],
    slo: [],
  }
}

describe('assembling a result', () => {
  it('sorts events by time, keeps seconds in the series and times the faults', () => {
    const result = assembleRunResult(parts())
    expect(result.series.map(({ at }) => at)).toEqual([1])
    expect(result.events.map(({ type, at }) => [type, at])).toEqual([
      ['fault', 1],
      ['ended', 2],
    ])
    expect(result.faults).toMatchObject([{ kind: 'kill', target: 'app/0', injectedAt: null }])
    expect(result.durationSeconds).toBe(2)
  })

  it('yields a document that its reader accepts, unchanged', () => {
    const text = JSON.stringify(assembleRunResult(parts()))
    expect(JSON.stringify(parseRunResult(text, 'result.json'))).toBe(text)
  })
})
