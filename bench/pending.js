// Which priority queue for pending delays: nanoseconds per event (take the earliest, push one that is due a delay later; the
// hold model) with 10³ to 10⁶ pending. Repetitions by turns; the best, as others use the machine. docs/adr/0070-pending-delays.md has a table.
//   node bench/pending.js [--json] [--repetitions 5] [--events 1000000]
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CalendarQueue } from './pending/calendar-queue.js'
import { heapOf } from './pending/dary-heap.js'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    repetitions: { type: 'string', default: '5' },
    events: { type: 'string', default: '1000000' },
  },
})
const repetitions = Number(values.repetitions)
const events = Number(values.events)
if (!Number.isInteger(repetitions) || repetitions < 1 || !Number.isInteger(events) || events < 1) {
  process.stderr.write('bench/pending.js: --repetitions and --events take whole numbers from 1\n')
  process.exit(2)
}

const root = fileURLToPath(new URL('..', import.meta.url))
execFileSync('bash', [join(root, 'scripts/build-if-stale.sh')], { stdio: ['ignore', 2, 2] })
const { LadderQueue } = await import('../dist/sim/des/ladder-queue.js')
const { randomStream } = await import('../dist/lib/random.js')

/** Drawn beforehand, so that only the queue is measured. */
const drawn = 1 << 16
const delaysOf = (sample) => Float64Array.from({ length: drawn }, sample)
const stream = randomStream(1, 'pending')
const distributions = {
  exponential: delaysOf(() => stream.exponential()),
  // Nine of ten short, as a cache's answer, among thinking users.
  bimodal: delaysOf(() => (stream.uniform() < 0.9 ? 0.001 : 10) * stream.exponential()),
}
const candidates = {
  'binary heap': heapOf(2),
  '4-ary heap': heapOf(4),
  'calendar queue': CalendarQueue,
  'ladder queue': LadderQueue,
}

/** Nanoseconds per event once the queue is in its steady state. */
const measure = (Queue, delays, pending) => {
  const queue = new Queue()
  for (let i = 0; i < pending; i++) queue.push(i, i, delays[i & (drawn - 1)])
  let draw = 0
  const run = (count) => {
    let sum = 0
    for (let i = 0; i < count; i++) {
      const now = queue.peekTime()
      queue.pop()
      sum += queue.payload
      draw = (draw + 7919) & (drawn - 1)
      queue.push(queue.payload, i, now + delays[draw])
    }
    return sum
  }
  run(Math.max(100_000, 2 * pending))
  const started = process.hrtime.bigint()
  run(events)
  return Number(process.hrtime.bigint() - started) / events
}

const sizes = [1000, 10_000, 100_000, 1_000_000]
const results = []
for (const [distribution, delays] of Object.entries(distributions))
  for (const pending of sizes) {
    const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]))
    for (let repetition = 0; repetition < repetitions; repetition++)
      for (const [name, Queue] of Object.entries(candidates)) times[name].push(measure(Queue, delays, pending))
    for (const [queue, samples] of Object.entries(times))
      results.push({ distribution, pending, queue, nanosecondsPerEvent: Math.min(...samples) })
  }

if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`)
else
  for (const distribution of Object.keys(distributions)) {
    process.stdout.write(`${distribution} delays, ns per event${sizes.map((n) => String(n).padStart(10)).join('')}\n`)
    for (const name of Object.keys(candidates)) {
      const row = results.filter((result) => result.distribution === distribution && result.queue === name)
      const cells = row.map(({ nanosecondsPerEvent }) => nanosecondsPerEvent.toFixed(0).padStart(10))
      process.stdout.write(`  ${name.padEnd(distribution.length + 22)}${cells.join('')}\n`)
    }
  }
