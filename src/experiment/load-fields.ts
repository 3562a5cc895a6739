/** The load of an experiment from its fields, checked against the topology. */
import { suggestion } from '../lib/did-you-mean.js'
import type { Fields, Reader } from '../lib/document/read.js'
import { formatCount, formatSeconds } from '../lib/units.js'
import { normalizedShares } from '../topology/shares.js'
import type { Topology } from '../topology/types.js'
import { roundedChangeCount, waveStage } from './level.js'
import { expectedArrivals, largestFactor, loadSeconds, maxRequests } from './load.js'
import type { Level, loadShape, RawStage } from './schema.js'
import { parseTrace } from './trace.js'
import type { Arrivals, Load, Stage } from './types.js'

/** What became of requests is kept by the second in which they were due: a longer run would not fit. */
const maxSeconds = 31 * 86_400

/** Closed: users who come or go, each at a time of its own. */
const maxUserChanges = 5_000_000

export interface LoadContext {
  readonly reader: Reader
  /** Undefined: what the file says is checked without it. */
  readonly topology: Topology | undefined
  /** Text of a trace file by the path that is written; undefined when it cannot be read. */
  readonly readTrace: ((file: string) => string | undefined) | undefined
}

export const buildLoad = (context: LoadContext, fields: Fields<typeof loadShape>): Load => {
  const { reader, topology } = context
  const mode = fields.get('mode') ?? 'open'
  const arrivals = arrivalsOf(context, fields)
  const stages = arrivals.kind === 'trace' ? traceStages(reader, fields, arrivals) : stagesOf(reader, fields, mode)
  const load: Load = {
    mode,
    arrivals,
    mix: mixOf(reader, fields, topology),
    stages,
    thinkTime: thinkTimeOf(reader, fields, topology, mode),
  }
  if (mode === 'closed' && fields.has('arrivals'))
    reader.document.reportKey(fields.path('arrivals'), {
      message: 'a closed load has no arrivals of its own: its users ask again when they have thought',
      hint: 'remove "arrivals", or write mode: open',
    })
  if (arrivals.kind === 'trace' && arrivals.classes !== undefined && fields.has('mix'))
    reader.document.reportKey(fields.path('mix'), {
      message: `${arrivals.file} has a column "class": each arrival has a class of its own`,
      hint: 'remove "mix", or the column',
    })
  checkSize(reader, fields, load)
  return load
}

const stagesOf = (reader: Reader, fields: Fields<typeof loadShape>, mode: Load['mode']): readonly Stage[] => {
  const written = fields.get('stages')
  if (!fields.has('stages'))
    reader.document.report(fields.at, { message: '"load" needs "stages"', hint: 'such as [{ hold: 100/s, for: 30s }]' })
  else if (written?.length === 0) reader.tell(undefined, fields.path('stages'), { message: 'there is no stage' })
  let from = 0
  const stages: Stage[] = []
  for (const [index, stage] of (written ?? []).entries()) {
    if (stage === undefined) continue
    const at = [...fields.path('stages'), index, stage.kind]
    if (stage.kind === 'diurnal') {
      stages.push(...dayStages(reader, at, stage, mode))
      from = stages.at(-1)?.toLevel ?? 0
      continue
    }
    checkUnit(reader, at, stage.level, mode)
    const { value } = stage.level
    stages.push({ fromLevel: stage.kind === 'hold' ? value : from, toLevel: value, durationSeconds: stage.seconds })
    from = value
  }
  return stages
}

/** Straight lines of one stage. */
const maxPieces = 100_000

const dayStages = (
  reader: Reader,
  at: readonly (string | number)[],
  { curve, seconds }: Extract<RawStage, { kind: 'diurnal' }>,
  mode: Load['mode'],
): readonly Stage[] => {
  const { periodSeconds, beginSeconds } = curve
  if ('levels' in curve) {
    for (const [i, level] of curve.levels.entries()) checkUnit(reader, [...at, 'levels', i], level, mode)
    if ((seconds / periodSeconds) * curve.levels.length > maxPieces) {
      reader.tell(undefined, at, {
        message: `${formatCount((seconds / periodSeconds) * curve.levels.length)} levels in all; at most ${formatCount(maxPieces)} are played`,
        hint: 'a shorter stage, a longer period or fewer levels',
      })
      return []
    }
    return levelStages(
      curve.levels.map(({ value }) => value),
      curve,
      seconds,
    )
  }
  const { low, high, peakSeconds } = curve
  checkUnit(reader, [...at, 'low'], low, mode)
  checkUnit(reader, [...at, 'high'], high, mode)
  return [
    waveStage(
      {
        mean: (low.value + high.value) / 2,
        amplitude: Math.max(0, (high.value - low.value) / 2),
        periodSeconds,
        peakSeconds: peakSeconds - beginSeconds,
      },
      seconds,
    ),
  ]
}

/** Straight lines from level to level, round and round. */
const levelStages = (
  levels: readonly number[],
  { periodSeconds, beginSeconds }: { readonly periodSeconds: number; readonly beginSeconds: number },
  seconds: number,
): readonly Stage[] => {
  const n = levels.length
  const step = periodSeconds / n
  const levelAt = (position: number): number => {
    const before = levels[Math.floor(position) % n] ?? 0
    const after = levels[(Math.floor(position) + 1) % n] ?? 0
    return before + (after - before) * (position - Math.floor(position))
  }
  const begin = beginSeconds / step
  const end = begin + seconds / step
  const stages: Stage[] = []
  let passed = 0
  for (let from = begin; from < end - 1e-9; ) {
    const to = Math.min(end, Math.floor(from + 1e-9) + 1)
    // At its very end a line has not begun the next one: the level there is where it leads.
    const toLevel = Number.isInteger(to) ? (levels[to % n] ?? 0) : levelAt(to)
    // The last one ends where the stage does, whatever was rounded before.
    const durationSeconds = to === end ? seconds - passed : (to - from) * step
    stages.push({ fromLevel: levelAt(from), toLevel, durationSeconds })
    passed += durationSeconds
    from = to
  }
  return stages
}

const checkUnit = (reader: Reader, at: readonly (string | number)[], level: Level, mode: Load['mode']): void => {
  const { unit, value } = level
  if (unit === (mode === 'open' ? 'rate' : 'users')) return
  reader.tell(
    undefined,
    at,
    mode === 'open'
      ? { message: 'an open load counts requests per second', hint: `did you mean "${value}/s"? (users: mode: closed)` }
      : { message: 'a closed load counts users', hint: 'write a whole number, or mode: open' },
  )
}

const traceStages = (
  reader: Reader,
  fields: Fields<typeof loadShape>,
  arrivals: Extract<Arrivals, { kind: 'trace' }>,
): readonly Stage[] => {
  if (fields.has('stages'))
    reader.document.reportKey(fields.path('stages'), {
      message: 'a trace has its own times: it has no stages',
      hint: 'remove "stages"',
    })
  const last = arrivals.times[arrivals.times.length - 1]
  if (last === undefined) return []
  const durationSeconds = Math.floor(last) + 1
  const level = arrivals.times.length / durationSeconds
  return [{ fromLevel: level, toLevel: level, durationSeconds }]
}

const arrivalsOf = ({ reader, topology, readTrace }: LoadContext, fields: Fields<typeof loadShape>): Arrivals => {
  const written = fields.get('arrivals') ?? { kind: 'poisson' }
  if (written.kind === 'bursty' && written.factor > largestFactor(written) + 1e-9)
    reader.tell(undefined, [...fields.path('arrivals'), 'bursty'], {
      message: `bursts of ${written.factor} times the rate exceed the whole load`,
      why: `bursts take ${formatSeconds(written.onSeconds)} of every ${formatSeconds(written.onSeconds + written.offSeconds)}: at a factor of ${largestFactor(written)} nothing is left for the pauses`,
      hint: 'a smaller factor, shorter bursts or longer pauses',
    })
  if (written.kind !== 'trace') return written
  if (topology === undefined) return { ...written, times: [] }
  const text = readTrace?.(written.file)
  const at = [...fields.path('arrivals'), 'trace']
  if (text === undefined) {
    reader.tell(undefined, at, { message: `cannot read ${written.file}`, hint: 'its path is relative to this file' })
    return { ...written, times: [] }
  }
  const trace = parseTrace(text, classIds(topology))
  if (trace.ok) return { ...written, ...trace.value }
  const hint = trace.hint === undefined ? {} : { hint: trace.hint }
  reader.tell(undefined, at, { message: `${written.file}: ${trace.message}`, ...hint })
  return { ...written, times: [] }
}

/** Classes that requests may be asked for of. */
const classIds = (topology: Topology): readonly string[] =>
  Object.values(topology.requests).flatMap(({ id, derivedFrom }) => (derivedFrom === undefined ? id : []))

const mixOf = (
  reader: Reader,
  fields: Fields<typeof loadShape>,
  topology: Topology | undefined,
): Readonly<Record<string, number>> | undefined => {
  const written = fields.get('mix')
  if (written === undefined) return undefined
  const at = fields.path('mix')
  if (topology !== undefined) {
    const ids = classIds(topology)
    for (const name of written.keys()) {
      if (ids.includes(name)) continue
      const derived = topology.requests[name]?.derivedFrom
      const hint = derived === undefined ? suggestion(name, ids) : `its requests follow from those of "${derived}"`
      reader.document.reportKey([...at, name], {
        message: `topology "${topology.name}" has no request class "${name}" with a share`,
        ...(hint === undefined ? {} : { hint }),
      })
    }
  }
  const shares = normalizedShares({ reader }, [...written.values()], at, 'the shares of "mix"')
  return Object.fromEntries([...written.keys()].map((name, index) => [name, shares[index] ?? 0]))
}

const thinkTimeOf = (
  reader: Reader,
  fields: Fields<typeof loadShape>,
  topology: Topology | undefined,
  mode: Load['mode'],
): Load['thinkTime'] => {
  if (mode === 'open') {
    if (fields.has('thinkTime'))
      reader.document.reportKey(fields.path('thinkTime'), {
        message: 'an open load has no users who think',
        hint: 'remove "thinkTime", or write mode: closed',
      })
    return undefined
  }
  if (fields.has('thinkTime')) return fields.get('thinkTime')
  if (topology === undefined) return undefined
  if (topology.traffic?.mode === 'closed') return topology.traffic.thinkTime
  reader.document.report(fields.at, {
    message: 'a closed load needs "thinkTime": the topology declares none',
    hint: '0s: every user always has a request in flight',
  })
  return undefined
}

const checkSize = (reader: Reader, fields: Fields<typeof loadShape>, load: Load): void => {
  const seconds = loadSeconds(load)
  const at = fields.path('stages')
  if (load.stages.length === 0) return
  if (seconds > maxSeconds) {
    reader.tell(undefined, at, {
      message: `the stages last ${formatSeconds(seconds)} in all; at most ${formatSeconds(maxSeconds)} are run`,
    })
    return
  }
  if (load.arrivals.kind === 'trace') return
  const area = expectedArrivals(load, seconds)
  const isWhole = fields.get('stages')?.every((stage) => stage !== undefined) === true
  if (area === 0 && isWhole) reader.tell(undefined, at, { message: 'the stages ask for nothing: every level is 0' })
  const changes = load.mode === 'closed' ? roundedChangeCount(load.stages) : 0
  if (changes > maxUserChanges)
    reader.tell(undefined, at, {
      message: `${formatCount(changes)} users come or go in all; at most ${formatCount(maxUserChanges)} are played`,
    })
  if (load.mode === 'open' && area > maxRequests)
    reader.tell(undefined, at, {
      message: `the stages ask for ${formatCount(area)} requests in all; at most ${formatCount(maxRequests)} are run`,
    })
}
