import { expect, test } from 'vitest'
import { runProgress } from '../../src/commands/progress.js'
import { failoverLines } from '../../src/report/failover.js'
import { emptyClassSecond } from '../../src/result/assemble.js'
import { LatencyHistogram } from '../../src/result/histogram.js'
import type { RunEvent, SecondEvent } from '../../src/result/run-event.js'
import { faultResult } from '../support/run-result.js'

const second = (at: number, ok: number, seconds: number): SecondEvent => {
  const histogram = new LatencyHistogram()
  for (let i = 0; i < ok; i++) histogram.record(seconds)
  return {
    type: 'second',
    at,
    requests: {
      all: {
        ...emptyClassSecond(),
        offered: ok + 1,
        ok,
        completed: ok + 1,
        errors: { '502': 1 },
        inFlight: 3,
        histogram: histogram.encode(),
      },
    },
    components: { edge: { cpu: 0.1, queue: 0, ready: 1 }, app: { cpu: 0.4, queue: 2, ready: 2 } },
    hosts: {},
    generator: { lagMaxSeconds: 0, unsent: 0, cpu: 0.1 },
  }
}

const shown = (isTTY: boolean, events: readonly RunEvent[]): string => {
  let text = ''
  const output = {
    isTTY,
    columns: 100,
    color: false,
    write: (part: string) => {
      text += part
    },
  }
  const progress = runProgress(output, 2)
  for (const event of events) progress.event(event)
  progress.end()
  return text
}

const kill: RunEvent = {
  type: 'fault',
  at: 2.5,
  fault: 0,
  phase: 'injected',
  kind: 'kill',
  target: 'app/0',
  inFlight: 4,
}

test('without a terminal there is a line every few seconds and one for what happens between them', () => {
  const detected: RunEvent = { type: 'detected', at: 2.51, instance: 'app/0', by: 'edge' }
  const events = [
    second(1, 10, 0.002),
    second(2, 30, 0.004),
    kill,
    detected,
    second(3, 20, 0.002),
    second(4, 20, 0.002),
  ]
  expect(
    shown(false, events)
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual([
    '2.0 s  20/s  p95 4.00 ms  errors 2  in flight 3  app cpu 40.0 %',
    '2.5 s  kill app/0: injected, 4 requests in flight',
    '2.5 s  edge noticed that app/0 is gone 10.0 ms after it struck',
    '4.0 s  20/s  p95 2.00 ms  errors 2  in flight 3  app cpu 40.0 %  [kill app/0]',
    '',
  ])
})

test('on a terminal one line lives, and is gone at the end', () => {
  const text = shown(true, [second(1, 10, 0.002), second(2, 30, 0.004), kill])
  expect(text.split('\r\u001b[K').map((part) => part.trim())).toEqual([
    '1.0 s  10/s  p95 2.00 ms  errors 1  in flight 3  app cpu 40.0 %',
    '2.0 s  30/s  p95 4.00 ms  errors 1  in flight 3  app cpu 40.0 %',
    '2.5 s  kill app/0: injected, 4 requests in flight',
  ])
})

test('a failover in one sentence, in milliseconds', () => {
  expect(failoverLines([faultResult()])).toEqual([
    'kill app/0 with 3 requests in flight; noticed after 4.0 ms; 2 requests failed; no answer for at most 25.0 ms; whole again within a second',
  ])
  expect(
    failoverLines([
      faultResult({ detectionSeconds: null, failedRequests: 1, recoverySeconds: null, outageSeconds: null }),
    ]),
  ).toEqual(['kill app/0 with 3 requests in flight; nothing noticed it; 1 request failed; not whole again'])
})
