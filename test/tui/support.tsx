/** Runs of few events with round numbers, and what the dashboard makes of them in a terminal of a given size. */
import { EventEmitter } from 'node:events'
import { render } from 'ink'
import { plain } from '../../src/report/problems.js'
import { emptyClassSecond } from '../../src/result/assemble.js'
import { LatencyHistogram } from '../../src/result/histogram.js'
import type { ComponentSecond, RunEvent, SecondEvent } from '../../src/result/run-event.js'
import { Dashboard } from '../../src/tui/Dashboard.js'
import type { Frame } from '../../src/tui/frame.js'
import { advance, emptyView } from '../../src/tui/run-view.js'
import { firstSelection } from '../../src/tui/selection.js'
import { withLines } from '../../src/tui/stand-ins.js'
import { type Style, unicode } from '../../src/tui/style.js'

export const style: Style = { paint: plain, glyphs: unicode }

export const started = (durationSeconds = 30): RunEvent => ({
  type: 'started',
  at: 0,
  engine: 'stack',
  topology: 'shop',
  experiment: 'steady',
  seed: 7,
  durationSeconds,
  placement: {
    hosts: { local: { cpu: 2 } },
    instances: {
      'edge/0': { host: 'local' },
      'app/0': { host: 'local' },
      'app/1': { host: 'local' },
      generator: { host: 'local' },
    },
    origin: 'runtime',
  },
})

interface SecondChanges {
  readonly ok?: number
  readonly latencySeconds?: number
  readonly errors?: Readonly<Record<string, number>>
  readonly app?: Partial<ComponentSecond>
}

/** `ok` requests of class `browse` that all took `latencySeconds`. */
export const second = (at: number, changes: SecondChanges = {}): SecondEvent => {
  const { ok = 100, latencySeconds = 0.002, errors = {}, app = {} } = changes
  const histogram = new LatencyHistogram()
  for (let i = 0; i < ok; i++) histogram.record(latencySeconds)
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
  const browse = {
    ...emptyClassSecond(),
    offered: ok + failed,
    completed: ok + failed,
    ok,
    errors,
    inFlight: 3,
    histogram: histogram.encode(),
  }
  return {
    type: 'second',
    at,
    requests: { browse, all: browse },
    components: {
      edge: { cpu: 0.1, queue: 0, ready: 1 },
      app: { cpu: 0.4, queue: 2, ready: 2, pools: { main: { inUse: 4, waiting: 1, timeouts: 0 } }, ...app },
    },
    hosts: { local: { cpu: 0.5 } },
    generator: { lagMaxSeconds: 0.001, unsent: 0, cpu: 0.1 },
  }
}

export const seconds = (from: number, to: number, changes: SecondChanges = {}): readonly SecondEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => second(from + i, changes))

export const kill: RunEvent = {
  type: 'fault',
  at: 12,
  fault: 0,
  phase: 'injected',
  kind: 'kill',
  target: 'app/0',
  inFlight: 4,
}

export const frameOf = (events: readonly RunEvent[], changes: Partial<Frame> = {}): Frame => ({
  view: advance(emptyView, events),
  mode: { kind: 'live', owns: true },
  result: undefined,
  prediction: undefined,
  selection: firstSelection,
  activity: undefined,
  style,
  ...changes,
})

/** What Ink writes, in lines. */
export const drawn = (frame: Frame, columns: number, rows: number): readonly string[] => {
  let text = ''
  const stdout = Object.assign(new EventEmitter(), {
    columns: 8,
    rows,
    write: (part: string) => {
      text = part
      return true
    },
  })
  const ink = render(<Dashboard frame={frame} columns={columns} rows={rows} />, {
    // Ink asks of it no more than this.
    stdout: stdout as unknown as NodeJS.WriteStream,
    debug: true,
    patchConsole: false,
  })
  const lines = withLines(text).split('\n')
  ink.unmount()
  return lines
}
