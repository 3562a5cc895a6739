/** The shape of experiment files: what editors are told, and how each value is read. References are checked in parse.ts. */
import { isMap, isScalar, type Node } from 'yaml'
import { nearest } from '../lib/did-you-mean.js'
import type { Path } from '../lib/document/nodes.js'
import type { Fields, Reader } from '../lib/document/read.js'
import {
  count,
  decimal,
  duration,
  positiveDuration,
  positiveSize,
  ratio,
  reference,
  text,
  title,
} from '../lib/document/scalars.js'
import { about, form, oneOf, scalar } from '../lib/document/schema.js'
import { workTime } from '../lib/document/work-time.js'
import { z } from '../lib/document/zod.js'
import { formatSeconds, type Parsed, parseRate } from '../lib/units.js'
import { fault } from './fault-schema.js'
import { invariantNames } from './invariants.js'

/** A value together with where it was written, for checks that come later. */
export interface Placed<T> {
  readonly value: T
  readonly node: Node
  readonly at: Path
}

const maxUsers = 1_000_000

export type Level = { readonly unit: 'rate' | 'users'; readonly value: number }

/** `400/s` (open) or a whole number of users (closed). */
export const level: z.ZodType<Level> = scalar(
  z.union([z.int().min(0).max(maxUsers), z.string().meta({ examples: ['400/s'] })]),
  'a rate such as 400/s, or a number of users',
  (value, written): Parsed<Level> => {
    if (typeof value === 'number') {
      if (Number.isInteger(value) && value >= 0 && value <= maxUsers)
        return { ok: true, value: { unit: 'users', value } }
      return {
        ok: false,
        message: `expected a rate such as 400/s, or a whole number of users up to ${maxUsers}, got ${written}`,
      }
    }
    const rate = parseRate(written)
    return rate.ok ? { ok: true, value: { unit: 'rate', value: rate.value } } : rate
  },
)

export type RawStage =
  | { readonly kind: 'hold' | 'ramp'; readonly level: Level; readonly seconds: number }
  | { readonly kind: 'diurnal'; readonly curve: RawCurve; readonly seconds: number }

/** A day: a wave between two levels, or levels spread evenly over it. Seconds since the day began. */
export type RawCurve = { readonly periodSeconds: number; readonly beginSeconds: number } & (
  | { readonly low: Level; readonly high: Level; readonly peakSeconds: number }
  | { readonly levels: readonly Level[] }
)

const dayShape = {
  period: about('length of the day (default 24h)', positiveDuration.optional()),
  begin: about('time of day at which the stage begins (default 0h)', duration.optional()),
}
const waveShape = {
  low: about('level half a period from the peak', level),
  high: about('level at the peak', level),
  peak: about('time of day of the peak', duration),
  ...dayShape,
}
const levelsShape = {
  levels: about('spread evenly over the day, the first at its beginning, joined by straight lines', z.array(level)),
  ...dayShape,
}

const secondsPerDay = 86_400

const curve: z.ZodType<RawCurve> = form(
  z.union([z.strictObject(waveShape), z.strictObject(levelsShape)]),
  (node, at, reader): RawCurve | undefined => {
    const names = isMap(node) ? reader.document.entriesOf(node).map(({ name }) => name) : []
    const what = { what: '"diurnal"' }
    const hasLevels = names.some((name) => nearest(name, [...Object.keys(waveShape), 'levels']) === 'levels')
    if (hasLevels) {
      const fields = reader.fields(levelsShape, node, at, what)
      const levels = fields?.get('levels')
      if (fields === undefined || levels === undefined) return undefined
      if (levels.length < 2) reader.tell(undefined, fields.path('levels'), { message: 'a day has at least two levels' })
      const known = levels.flatMap((one) => one ?? [])
      return known.length < Math.max(2, levels.length) ? undefined : { levels: known, ...dayOf(fields, reader) }
    }
    const fields = reader.fields(waveShape, node, at, what)
    const low = fields?.get('low')
    const high = fields?.get('high')
    const peakSeconds = fields?.get('peak')
    if (fields === undefined || low === undefined || high === undefined || peakSeconds === undefined) return undefined
    const day = dayOf(fields, reader)
    if (low.unit === high.unit && low.value > high.value)
      reader.tell(undefined, fields.path('low'), { message: 'the low is above the high' })
    within(fields.path('peak'), peakSeconds, day.periodSeconds, reader)
    return { low, high, peakSeconds, ...day }
  },
)

const dayOf = (fields: Fields<typeof dayShape>, reader: Reader) => {
  const day = { periodSeconds: fields.get('period') ?? secondsPerDay, beginSeconds: fields.get('begin') ?? 0 }
  within(fields.path('begin'), day.beginSeconds, day.periodSeconds, reader)
  return day
}

const within = (at: Path, seconds: number, periodSeconds: number, reader: Reader): void => {
  if (seconds < periodSeconds || seconds === 0) return
  reader.tell(undefined, at, {
    message: `${formatSeconds(seconds)} is no time of a day that lasts ${formatSeconds(periodSeconds)}`,
  })
}

const holdShape = { hold: about('stay at this level', level), for: positiveDuration }
const rampShape = { ramp: about('go to this level in a straight line', level), for: positiveDuration }
const diurnalShape = { diurnal: about('follow the course of a day', curve), for: positiveDuration }
const kinds = ['hold', 'ramp', 'diurnal'] as const

const stage: z.ZodType<RawStage> = form(
  z.union([z.strictObject(holdShape), z.strictObject(rampShape), z.strictObject(diurnalShape)]),
  (node, at, reader): RawStage | undefined => {
    const names = isMap(node) ? reader.document.entriesOf(node).map(({ name }) => name) : []
    const [kind = 'hold', second] = kinds.filter((one) => names.includes(one))
    if (second !== undefined) {
      reader.document.reportKey([...at, second], {
        message: 'a stage either holds, ramps or follows a day',
        hint: 'make two stages of it: { hold: … , for: … }, { ramp: …, for: … }',
      })
      return undefined
    }
    const what = { what: 'a stage' }
    const meant = (name: string): string | undefined => nearest(name, [...kinds, 'for'])
    const means = (one: string): boolean =>
      kind === one || (!names.includes(kind) && names.some((n) => meant(n) === one))
    if (means('diurnal')) {
      const fields = reader.fields(diurnalShape, node, at, what)
      const day = fields?.get('diurnal')
      const seconds = fields?.get('for')
      return day === undefined || seconds === undefined ? undefined : { kind: 'diurnal', curve: day, seconds }
    }
    if (means('ramp')) {
      const fields = reader.fields(rampShape, node, at, what)
      return made('ramp', fields?.get('ramp'), fields?.get('for'))
    }
    const fields = reader.fields(holdShape, node, at, what)
    return made('hold', fields?.get('hold'), fields?.get('for'))
  },
)

const made = (kind: 'hold' | 'ramp', to: Level | undefined, seconds: number | undefined): RawStage | undefined =>
  to === undefined || seconds === undefined ? undefined : { kind, level: to, seconds }

export type RawArrivals =
  | { readonly kind: 'poisson' | 'constant' }
  | { readonly kind: 'bursty'; readonly factor: number; readonly onSeconds: number; readonly offSeconds: number }
  | { readonly kind: 'trace'; readonly file: string }

const burstyShape = {
  factor: about('rate in a burst as a multiple of the stage’s (default 5)', decimal(1, 1000).optional()),
  on: about('mean length of a burst (default 1s)', positiveDuration.optional()),
  off: about('mean length of a pause (default 9s)', positiveDuration.optional()),
}
const arrivalWords = oneOf(['poisson', 'constant', 'bursty'])
const arrivalShapes = {
  bursty: z.strictObject(burstyShape),
  trace: about('CSV file with one arrival time in seconds a line', text),
}

const arrivals: z.ZodType<RawArrivals> = form(
  z.union([
    arrivalWords,
    z.strictObject({ bursty: arrivalShapes.bursty }),
    z.strictObject({ trace: arrivalShapes.trace }),
  ]),
  (node, at, reader): RawArrivals | undefined => {
    if (!isMap(node)) {
      const word = reader.read(arrivalWords, node, at)
      return word === 'bursty' ? { kind: word, ...burstiness(undefined) } : word && { kind: word }
    }
    const isTrace = reader.document.entriesOf(node).some(({ name }) => name === 'trace')
    if (isTrace) {
      const file = reader.fields({ trace: arrivalShapes.trace }, node, at, { what: '"arrivals"' })?.get('trace')
      return file === undefined ? undefined : { kind: 'trace', file }
    }
    const fields = reader.fields({ bursty: arrivalShapes.bursty }, node, at, { what: '"arrivals"' })?.get('bursty')
    return fields && { kind: 'bursty', ...burstiness(fields) }
  },
)

const burstiness = (fields: Fields<typeof burstyShape> | undefined) => ({
  factor: fields?.get('factor') ?? 5,
  onSeconds: fields?.get('on') ?? 1,
  offSeconds: fields?.get('off') ?? 9,
})

/** The text of a condition with its node, so that a flaw can be shown at its own column. */
export const condition: z.ZodType<Placed<string>> = form(
  z.string().meta({ examples: ['all.latency.p95 < 80ms', 'all.errors < 1%', 'app.utilization.cpu < 80%'] }),
  (node, at, reader) => {
    const written = reader.scalar(node, at, 'a condition such as all.latency.p95 < 80ms')
    return written === undefined || !isScalar(node) ? undefined : { value: written.text, node, at }
  },
)

const seconds = (smallest: number): z.ZodType<number> =>
  form(duration, (node, at, reader: Reader) => {
    const value = reader.read(duration, node, at)
    if (value === undefined || (Number.isInteger(Math.round(value * 1e9) / 1e9) && value >= smallest)) return value
    const least = smallest > 0 ? `, at least ${smallest}s` : ''
    reader.tell(node, at, { message: `expected whole seconds${least}`, why: 'results are kept per second' })
    return undefined
  })

export const expectationShape = {
  expect: about('(all|class|component).path op literal', condition),
  window: about('length of the windows over which it is computed (default 5s)', seconds(1).optional()),
  tolerate: about('for how long, in all, it may not hold (default 0s)', seconds(0).optional()),
}

export const abortShape = {
  when: about('(all|class|component).path op literal', condition),
  for: about('for this long without interruption (default 1s)', seconds(0).optional()),
}

/** A list of core numbers. */
const cores = z.array(count(0, 1023))

export const placementShape = {
  hosts: about(
    'the machines that there are',
    z.record(reference, z.strictObject({ cpu: decimal(0, 1024), memory: positiveSize.optional() })).optional(),
  ),
  all: about('everything runs on this host', reference.optional()),
  components: about('host by component', z.record(reference, reference).optional()),
  pin: about(
    'cores by component, `generator` or `stack` (everything but the generator)',
    z.record(reference, cores).optional(),
  ),
}

export const loadShape = {
  mode: about(
    'open: arrivals at a rate, whatever the answers; closed: users who think',
    oneOf(['open', 'closed']).optional(),
  ),
  arrivals: about('of an open load (default poisson)', arrivals.optional()),
  mix: about("shares by request class; default: the topology's", z.record(reference, ratio).optional()),
  stages: about(
    'levels in order; an open load counts requests per second, a closed one users',
    z.array(stage).optional(),
  ),
  thinkTime: about(
    "of a closed load: pause between answer and next request; default: the topology's",
    workTime.optional(),
  ),
}

export const experimentShape = {
  apiVersion: oneOf(['plimsoll/v1']),
  kind: oneOf(['Experiment']),
  name: title,
  topology: about('path of the topology, relative to this file', text),
  seed: about('of every random stream (default 1)', count(0, Number.MAX_SAFE_INTEGER).optional()),
  load: about('what is asked of the system, and how much', z.strictObject(loadShape)),
  warmup: about('results count from here (default 0s)', duration.optional()),
  steadyState: about('what must hold before, during and after', z.array(z.strictObject(expectationShape)).optional()),
  faults: about('what is broken, and when', z.array(fault).optional()),
  abort: about('end the run early, to protect what is under test', z.strictObject(abortShape).optional()),
  invariants: about('what must hold of the data when the run has ended', z.array(oneOf(invariantNames)).optional()),
  placement: about('where the run happens; default: what the runtime finds', z.strictObject(placementShape).optional()),
}

export const experiment = z.strictObject(experimentShape)
