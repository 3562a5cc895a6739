/** calibration.yaml: how measured demands are written and read. */
import { isMap } from 'yaml'
import { suggestion } from '../lib/did-you-mean.js'
import { failOnProblems, readDocument } from '../lib/document/document.js'
import { documentReader, type Fields, type Reader } from '../lib/document/read.js'
import { count, decimal, duration, numeral, positiveRate, ratio, reference, text } from '../lib/document/scalars.js'
import { about, form, oneOf } from '../lib/document/schema.js'
import { z } from '../lib/document/zod.js'
import type { Calibrated, Calibration, DemandLaw, LatenessAt, VisitKind } from './calibration.js'
import { digestOf } from './digest.js'

const laws = {
  constant: { law: oneOf(['constant']), time: duration },
  power: {
    law: oneOf(['power']),
    time: duration,
    atRate: positiveRate,
    exponent: decimal(-10, 10),
    full: about('where the machine never idles', z.strictObject({ rate: positiveRate, time: duration }).optional()),
  },
  inverse: { law: oneOf(['inverse']), a: duration, b: about('share of a core, whatever the rate', ratio) },
  table: { law: oneOf(['table']), points: z.array(z.strictObject({ rate: positiveRate, time: duration })) },
}
const lawOf = z.object({ law: oneOf(['constant', 'power', 'inverse', 'table']) })

const demand: z.ZodType<DemandLaw> = form(
  z.union([duration, ...Object.values(laws).map((shape) => z.strictObject(shape))]).meta({ id: 'DemandLaw' }),
  (node, at, reader) => {
    if (isMap(node)) return lawFrom(node, at, reader)
    const seconds = reader.read(duration, node, at)
    return seconds === undefined ? undefined : { law: 'constant', seconds }
  },
)

type Read = Parameters<Parameters<typeof form<DemandLaw>>[1]>

const lawFrom = (node: Read[0], at: Read[1], reader: Reader): DemandLaw | undefined => {
  const law = reader.fields(lawOf.shape, node, at, { what: 'a law', lenient: true })?.get('law')
  const fieldsOf = <L extends keyof typeof laws>(name: L) =>
    reader.fields(laws[name], node, at, { what: `law "${name}"` })
  switch (law) {
    case undefined:
      return undefined
    case 'constant': {
      const seconds = fieldsOf(law)?.get('time')
      return seconds === undefined ? undefined : { law, seconds }
    }
    case 'power': {
      const fields = fieldsOf(law)
      const [seconds, atRatePerSecond, exponent] = [fields?.get('time'), fields?.get('atRate'), fields?.get('exponent')]
      if (seconds === undefined || atRatePerSecond === undefined || exponent === undefined) return undefined
      const full = fullFrom(fields?.get('full'))
      if (full !== undefined && full.ratePerSecond <= atRatePerSecond)
        reader.tell(undefined, [...at, 'full'], { message: 'the rate of full comes after atRate' })
      return { law, seconds, atRatePerSecond, exponent, ...(full === undefined ? {} : { full }) }
    }
    case 'inverse': {
      const fields = fieldsOf(law)
      const [a, b] = [fields?.get('a'), fields?.get('b')]
      return a === undefined || b === undefined ? undefined : { law, a, b }
    }
    case 'table':
      return tableFrom(fieldsOf(law)?.get('points') ?? [], at, reader)
  }
}

const pointShape = laws.table.points.element.shape

const fullFrom = (fields: Fields<typeof pointShape> | undefined) => {
  const [ratePerSecond, seconds] = [fields?.get('rate'), fields?.get('time')]
  return ratePerSecond === undefined || seconds === undefined ? undefined : { ratePerSecond, seconds }
}

const tableFrom = (
  written: readonly (Fields<typeof pointShape> | undefined)[],
  at: Read[1],
  reader: Reader,
): DemandLaw | undefined => {
  const points = written.flatMap((point) => {
    const [ratePerSecond, seconds] = [point?.get('rate'), point?.get('time')]
    return ratePerSecond === undefined || seconds === undefined ? [] : [{ ratePerSecond, seconds }]
  })
  if (points.length < written.length) return undefined
  if (points.length === 0) reader.tell(undefined, [...at, 'points'], { message: 'a table needs at least one point' })
  const unordered = points.findIndex(
    ({ ratePerSecond }, i) => i > 0 && ratePerSecond <= (points[i - 1]?.ratePerSecond ?? 0),
  )
  if (unordered > 0)
    reader.tell(undefined, [...at, 'points', unordered], { message: 'the rates of a table grow from point to point' })
  return { law: 'table', points }
}

const kindShape = {
  factor: about('demand of such a visit / mean demand', decimal(0, 1e6)),
  turns: numeral(1, 1000).optional(),
}

const calibratedShape = {
  demand: about('CPU (or wait) per visit', demand),
  halfWidth: about('95 % confidence half-width', duration.optional()),
  turns: about(
    'times that a process takes a visit in hand; its demand is spread over them',
    decimal(1, 1000).optional(),
  ),
  kinds: about(
    'of a component, what distinguishes its visits by request class (of a database: by step)',
    z.record(reference, z.strictObject(kindShape)).optional(),
  ),
  samples: about('visits that the estimate rests on', count(0, Number.MAX_SAFE_INTEGER)),
}
const calibrated = z.strictObject(calibratedShape)

export const calibrationShape = {
  apiVersion: oneOf(['plimsoll/v1']),
  kind: oneOf(['Calibration']),
  origin: z.strictObject({
    runs: z.array(text),
    measuredAt: text,
    topologyDigest: text,
    machine: text,
    probe: duration.optional(),
  }),
  components: about('CPU per visit beyond the steps', z.record(reference, calibrated).optional()),
  steps: z.record(reference, z.strictObject({ cpu: calibrated.optional(), wait: calibrated.optional() })).optional(),
  hitRatios: about('per lookup step or cache', z.record(reference, ratio).optional()),
  lateness: about(
    'how late the load generator sends, by its rate',
    z.array(z.strictObject({ rate: positiveRate, p50: duration, mean: duration })).optional(),
  ),
  aftermath: about('share of the demand of a visit that comes after its answer', ratio.optional()),
  background: about('share of the cores that others use', ratio.optional()),
}

export interface CalibrationOptions {
  readonly file: string
  /** Ids of the topology that it belongs to. */
  readonly components: readonly string[]
  readonly requests: readonly string[]
  readonly steps: readonly string[]
}

/** Throws PlimsollError with everything that is wrong, also names that the topology does not have (any more). */
export const parseCalibration = (source: string, options: CalibrationOptions): Calibration => {
  const document = readDocument(source, options.file)
  const reader = documentReader(document)
  const fields = reader.fields(calibrationShape, document.root, [], { what: 'a calibration' })
  const known = (
    at: readonly string[],
    names: Iterable<string> | undefined,
    ids: readonly string[],
    what: string,
  ): void => {
    for (const name of names ?? []) {
      if (ids.includes(name)) continue
      const hint = suggestion(name, ids) ?? 'calibrate again, or remove the entry'
      document.reportKey([...at, name], { message: `the topology has no ${what} "${name}"`, hint })
    }
  }
  known(['components'], fields?.get('components')?.keys(), [...options.components, 'generator'], 'component')
  known(['steps'], fields?.get('steps')?.keys(), options.steps, 'step')
  known(['hitRatios'], fields?.get('hitRatios')?.keys(), [...options.steps, ...options.components], 'lookup')
  const kinds = [...options.requests, ...options.steps]
  for (const [id, component] of fields?.get('components') ?? [])
    known(['components', id, 'kinds'], component?.get('kinds')?.keys(), kinds, 'request class and no step')
  failOnProblems(document)
  const origin = fields?.get('origin')
  const probeSeconds = origin?.get('probe')
  const [aftermath, background] = [fields?.get('aftermath'), fields?.get('background')]
  const lateness = (fields?.get('lateness') ?? []).flatMap((point) => {
    const [ratePerSecond, p50Seconds, meanSeconds] = [point?.get('rate'), point?.get('p50'), point?.get('mean')]
    const whole = ratePerSecond !== undefined && p50Seconds !== undefined && meanSeconds !== undefined
    return whole ? [{ ratePerSecond, p50Seconds, meanSeconds }] : []
  })
  const meaning = {
    origin: {
      runs: origin?.get('runs')?.filter((run) => run !== undefined) ?? [],
      measuredAt: origin?.get('measuredAt') ?? '',
      topologyDigest: origin?.get('topologyDigest') ?? '',
      machine: origin?.get('machine') ?? '',
      ...(probeSeconds === undefined ? {} : { probeSeconds }),
    },
    components: mapped(fields?.get('components'), calibratedFrom),
    steps: mapped(fields?.get('steps'), (step) => ({
      ...(step.get('cpu') === undefined ? {} : { cpu: calibratedFrom(step.get('cpu')) }),
      ...(step.get('wait') === undefined ? {} : { wait: calibratedFrom(step.get('wait')) }),
    })),
    hitRatios: mapped(fields?.get('hitRatios'), (value) => value),
    ...(lateness.length === 0 ? {} : { lateness }),
    ...(aftermath === undefined ? {} : { aftermath }),
    ...(background === undefined ? {} : { background }),
  }
  return { ...meaning, digest: digestOf(meaning) }
}

const mapped = <T, U>(
  map: ReadonlyMap<string, T | undefined> | undefined,
  to: (value: T) => U,
): Readonly<Record<string, U>> =>
  Object.fromEntries([...(map ?? [])].flatMap(([key, value]) => (value === undefined ? [] : [[key, to(value)]])))

const calibratedFrom = (fields: Fields<typeof calibratedShape> | undefined): Calibrated => {
  const [halfWidthSeconds, turns, kinds] = [fields?.get('halfWidth'), fields?.get('turns'), fields?.get('kinds')]
  return {
    demand: fields?.get('demand') ?? { law: 'constant', seconds: 0 },
    ...(halfWidthSeconds === undefined ? {} : { halfWidthSeconds }),
    ...(turns === undefined ? {} : { turns }),
    ...(kinds === undefined ? {} : { kinds: mapped(kinds, kindFrom) }),
    samples: fields?.get('samples') ?? 0,
  }
}

const kindFrom = (fields: Fields<typeof kindShape>): VisitKind => {
  const turns = fields.get('turns')
  return { factor: fields.get('factor') ?? 1, ...(turns === undefined ? {} : { turns }) }
}

/** Six significant digits: more than any measurement has. */
const rounded = (value: number): string => String(Number(value.toPrecision(6)))
const time = (seconds: number): string => `${rounded(Math.max(0, seconds) * 1000)}ms`

const writtenPoint = (point: { readonly ratePerSecond: number; readonly seconds: number }): string =>
  `{ rate: ${rounded(point.ratePerSecond)}/s, time: ${time(point.seconds)} }`

const writtenLaw = (law: DemandLaw): string => {
  switch (law.law) {
    case 'constant':
      return time(law.seconds)
    case 'power':
      return `{ law: power, time: ${time(law.seconds)}, atRate: ${rounded(law.atRatePerSecond)}/s, exponent: ${rounded(law.exponent)}${law.full === undefined ? '' : `, full: ${writtenPoint(law.full)}`} }`
    case 'inverse':
      return `{ law: inverse, a: ${time(law.a)}, b: ${rounded(law.b * 100)}% }`
    case 'table': {
      return `{ law: table, points: [${law.points.map(writtenPoint).join(', ')}] }`
    }
  }
}

const writtenKind = ([kind, { factor, turns }]: readonly [string, VisitKind]): string =>
  `${JSON.stringify(kind)}: { factor: ${rounded(factor)}${turns === undefined ? '' : `, turns: ${rounded(turns)}`} }`

const writtenEstimate = ({ demand: law, halfWidthSeconds, turns, kinds, samples }: Calibrated): string => {
  const halfWidth = halfWidthSeconds === undefined ? '' : `halfWidth: ${time(halfWidthSeconds)}, `
  const inTurns = turns === undefined ? '' : `turns: ${rounded(turns)}, `
  const byKind = kinds === undefined ? '' : `kinds: { ${Object.entries(kinds).map(writtenKind).join(', ')} }, `
  return `{ demand: ${writtenLaw(law)}, ${halfWidth}${inTurns}${byKind}samples: ${Math.round(samples)} }`
}

const section = (name: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `\n${name}:\n${lines.map((line) => `  ${line}\n`).join('')}`

/** The text of calibration.yaml; the same estimates give the same bytes. */
export const formatCalibration = (calibration: Omit<Calibration, 'digest'>): string => {
  const { origin, components, steps, hitRatios, lateness = [], aftermath, background } = calibration
  const quoted = (value: string): string => JSON.stringify(value)
  return `# Measured by \`plimsoll calibrate\`; overrides what the topology beside it declares. Delete it to go back.
apiVersion: plimsoll/v1
kind: Calibration
origin:
  runs: [${origin.runs.map(quoted).join(', ')}]
  measuredAt: ${quoted(origin.measuredAt)}
  topologyDigest: ${quoted(origin.topologyDigest)}
  machine: ${quoted(origin.machine)}
${origin.probeSeconds === undefined ? '' : `  probe: ${time(origin.probeSeconds)}\n`}${section(
  'components',
  Object.entries(components).map(([id, estimate]) => `${id}: ${writtenEstimate(estimate)}`),
)}${section(
  'steps',
  Object.entries(steps).flatMap(([id, { cpu, wait }]) => [
    `${quoted(id)}:`,
    ...(cpu === undefined ? [] : [`  cpu: ${writtenEstimate(cpu)}`]),
    ...(wait === undefined ? [] : [`  wait: ${writtenEstimate(wait)}`]),
  ]),
)}${section(
  'hitRatios',
  Object.entries(hitRatios).map(([id, ratio]) => `${quoted(id)}: ${rounded(ratio * 100)}%`),
)}${lateness.length === 0 ? '' : `\nlateness:\n${lateness.map(writtenLateness).join('')}`}${aftermath === undefined ? '' : `\naftermath: ${rounded(aftermath * 100)}%\n`}${background === undefined ? '' : `\nbackground: ${rounded(background * 100)}%\n`}`
}

const writtenLateness = ({ ratePerSecond, p50Seconds, meanSeconds }: LatenessAt): string =>
  `  - { rate: ${rounded(ratePerSecond)}/s, p50: ${time(p50Seconds)}, mean: ${time(meanSeconds)} }\n`
