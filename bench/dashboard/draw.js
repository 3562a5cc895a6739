// One measurement of bench/dashboard.js: a run of eight classes and twelve components beside a prediction, drawn ten times a second
// as it happens (`live`: a second of it every second) or replayed (`replay`: a second of it every tenth of a second), or told by
// the ordinary line (`line`, as fast as the replay). The terminal is a stream that counts.
import { EventEmitter } from 'node:events'
import { runProgress } from '../../dist/commands/progress.js'
import { paintFor } from '../../dist/report/paint.js'
import { LatencyHistogram } from '../../dist/result/histogram.js'
import { openLive } from '../../dist/tui/open.js'
import { unicode } from '../../dist/tui/style.js'

const [kind, columns, rows] = process.argv.slice(2)
const warmUpTicks = 50
const ticks = 200
const everyMilliseconds = 100

const classes = ['all', ...Array.from({ length: 7 }, (_, i) => `class-${i}`)]
const components = Array.from({ length: 12 }, (_, i) => `component-${i}`)
let state = 1
const random = () => {
  state = (state * 48271) % 2147483647
  return state / 2147483647
}

const classSecond = () => {
  const histogram = new LatencyHistogram()
  const ok = 150 + Math.floor(random() * 100)
  for (let i = 0; i < ok; i++) histogram.record(-0.004 * Math.log(1 - random()))
  const errors = random() < 0.3 ? { 502: 1 + Math.floor(random() * 9) } : {}
  return { offered: ok, completed: ok, ok, degraded: 0, errors, inFlight: 5, histogram: histogram.encode() }
}
const second = (at) => ({
  type: 'second',
  at,
  requests: Object.fromEntries(classes.map((id) => [id, classSecond()])),
  components: Object.fromEntries(
    components.map((id) => [
      id,
      {
        cpu: random(),
        queue: random() * 9,
        ready: 2,
        hitRatio: random(),
        pools: { main: { inUse: random() * 9, waiting: 0 } },
      },
    ]),
  ),
  hosts: { local: { cpu: random() } },
  generator: { lagMaxSeconds: 0.001, unsent: 0, cpu: 0.2 },
})

const duration = warmUpTicks + ticks
const events = Array.from({ length: duration }, (_, i) => second(i + 1))
const started = {
  type: 'started',
  at: 0,
  engine: 'stack',
  topology: 'shop',
  experiment: 'steady',
  seed: 7,
  durationSeconds: duration,
  placement: { hosts: { local: { cpu: 2 } }, instances: {}, origin: 'runtime' },
}

let bytes = 0
let drawings = 0
const stdout = Object.assign(new EventEmitter(), {
  isTTY: true,
  columns: Number(columns),
  rows: Number(rows),
  write: (text) => {
    bytes += Buffer.byteLength(text)
    if (text.length > 500) drawings++
    return true
  },
})
const stdin = Object.assign(new EventEmitter(), {
  isTTY: true,
  setRawMode: () => stdin,
  setEncoding: () => stdin,
  ref: () => stdin,
  unref: () => stdin,
  read: () => null,
})

const screen = async () => {
  const session = await openLive({
    terminal: { stdin, stdout },
    style: { paint: paintFor(true), glyphs: unicode },
    now: () => performance.now() / 1000,
    interrupt: () => {},
    owns: true,
  })
  session.events([started])
  session.predict({ durationSeconds: duration, series: events, requests: {}, components: {}, hosts: {} })
  let ticked = 0
  return {
    tell: (event) => {
      if (kind === 'replay' || ticked++ % 10 === 0) session.events([event])
      else session.activity(`drawing ${ticked}`)
    },
    end: () => session.close(),
  }
}
const line = () => {
  const progress = runProgress({ isTTY: true, columns: Number(columns), color: false, write: stdout.write })
  progress.event(started)
  return { tell: (event) => progress.event(event), end: () => progress.end() }
}

const shown = kind === 'line' ? line() : await screen()
let next = 0
let from
let at
const tick = () => {
  if (next === warmUpTicks) {
    from = process.cpuUsage()
    at = performance.now()
    bytes = 0
    drawings = 0
  }
  if (next < events.length) return shown.tell(events[next++])
  clearInterval(timer)
  const { user, system } = process.cpuUsage(from)
  const cores = (user + system) / 1000 / (performance.now() - at)
  const measured = { cores, drawings, bytes }
  shown.end()
  process.stdout.write(`${JSON.stringify(measured)}\n`)
}
const timer = setInterval(tick, everyMilliseconds)
