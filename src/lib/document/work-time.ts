import { isMap, type Node } from 'yaml'
import { z } from 'zod'
import { suggestion } from '../did-you-mean.js'
import type { Distribution, Work } from '../distribution.js'
import type { Path } from './nodes.js'
import type { Reader } from './read.js'
import { decimal, duration, positiveDuration } from './scalars.js'
import { about, form } from './schema.js'

const coefficient = decimal(-1e-12, 100)

const shapes = {
  gamma: {
    mean: about('mean of a gamma distribution', duration),
    cv: about('coefficient of variation: standard deviation / mean', coefficient),
  },
  lognormal: { p50: about('median of a lognormal distribution', positiveDuration), p99: positiveDuration },
  constant: { const: about('always exactly this', duration) },
  uniform: { uniform: z.tuple([duration, duration]) },
} as const

const keys = ['mean', 'cv', 'p50', 'p99', 'const', 'uniform'] as const

const written = z
  .union([
    duration.describe('mean of an exponential distribution'),
    z.strictObject(shapes.gamma),
    z.strictObject(shapes.lognormal),
    z.strictObject(shapes.constant),
    z.strictObject(shapes.uniform),
  ])
  .meta({ id: 'WorkTime' })

/** A time of work: a mean (exponential shape), or its shape written out. */
export const workTime: z.ZodType<Distribution> = form(written, (node, at, reader) =>
  isMap(node) ? shaped(node, at, reader) : exponential(node, at, reader),
)

const exponential = (node: Node | undefined, at: Path, reader: Reader): Distribution | undefined => {
  const mean = reader.read(duration, node, at)
  return mean === undefined ? undefined : { shape: 'exponential', meanSeconds: mean }
}

const shaped = (node: Node, at: Path, reader: Reader): Distribution | undefined => {
  const names = isMap(node) ? reader.document.entriesOf(node).map((entry) => entry.name) : []
  const naming = { what: 'a distribution', elsewhere: (key: string) => strayKey(key, names) }
  if (names.includes('const')) {
    const seconds = reader.fields(shapes.constant, node, at, naming)?.get('const')
    return seconds === undefined ? undefined : { shape: 'constant', seconds }
  }
  if (names.includes('uniform')) return uniform(node, at, reader, naming)
  if (names.includes('p50') || names.includes('p99')) {
    const fields = reader.fields(shapes.lognormal, node, at, naming)
    const p50Seconds = fields?.get('p50')
    const p99Seconds = fields?.get('p99')
    if (p50Seconds === undefined || p99Seconds === undefined) return undefined
    if (p99Seconds < p50Seconds) {
      reader.tell(undefined, [...at, 'p99'], { message: 'the 99th percentile is below the median' })
      return undefined
    }
    return { shape: 'lognormal', p50Seconds, p99Seconds }
  }
  if (names.includes('mean') || names.includes('cv')) {
    const fields = reader.fields(shapes.gamma, node, at, naming)
    const meanSeconds = fields?.get('mean')
    const cv = fields?.get('cv')
    return meanSeconds === undefined || cv === undefined
      ? undefined
      : { shape: 'gamma', meanSeconds, cv: Math.max(0, cv) }
  }
  const [first] = names
  const hint = first === undefined ? undefined : suggestion(first, keys)
  const told = first === undefined ? 'an empty map is no time' : `unknown key "${first}" in a distribution`
  const place = first === undefined ? at : [...at, first]
  reader.document.reportKey(place, {
    message: told,
    hint: hint ?? 'write 5ms, { mean, cv }, { p50, p99 }, { const } or { uniform: [a, b] }',
  })
  return undefined
}

type Naming = Parameters<Reader['fields']>[3]

const uniform = (node: Node, at: Path, reader: Reader, naming: Naming): Distribution | undefined => {
  const ends = reader.fields({ uniform: z.array(duration) }, node, at, naming)?.get('uniform')
  if (ends === undefined) return undefined
  const [lowSeconds, highSeconds] = ends
  if (ends.length !== 2) {
    reader.tell(undefined, [...at, 'uniform'], { message: `expected two durations [a, b], got ${ends.length}` })
    return undefined
  }
  if (lowSeconds === undefined || highSeconds === undefined) return undefined
  if (highSeconds < lowSeconds) {
    reader.tell(undefined, [...at, 'uniform'], { message: 'the upper end is below the lower end' })
    return undefined
  }
  return { shape: 'uniform', lowSeconds, highSeconds }
}

const strayKey = (key: string, names: readonly string[]): { message: string; hint: string } | undefined =>
  (keys as readonly string[]).includes(key)
    ? {
        message: `"${key}" does not go with "${names.find((name) => name !== key)}" in a distribution`,
        hint: 'write { mean, cv }, { p50, p99 }, { const } or { uniform: [a, b] }',
      }
    : undefined

const workShape = {
  cpu: about('CPU time: shares the cores of the host on which it runs', workTime.optional()),
  wait: about('time without CPU: disk, locks, others', workTime.optional()),
}

/** `{ cpu, wait }`; a bare time (or a distribution) is CPU. */
export const work: z.ZodType<Work> = form(
  z.union([z.strictObject(workShape), written]).meta({ id: 'Work' }),
  (node, at, reader) => {
    const isDistribution =
      !isMap(node) || reader.document.entriesOf(node).some(({ name }) => (keys as readonly string[]).includes(name))
    if (isDistribution) {
      const cpu = reader.read(workTime, node, at)
      return cpu === undefined ? undefined : { cpu }
    }
    const fields = reader.fields(workShape, node, at, { what: '{ cpu, wait }' })
    if (fields === undefined) return undefined
    const cpu = fields.get('cpu')
    const wait = fields.get('wait')
    return { ...(cpu === undefined ? {} : { cpu }), ...(wait === undefined ? {} : { wait }) }
  },
)
