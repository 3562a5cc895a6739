import { isMap, type Node } from 'yaml'
import { suggestion } from '../did-you-mean.js'
import type { Distribution, Work } from '../distribution.js'
import type { Path } from './nodes.js'
import type { Reader } from './read.js'
import { duration, numeral, positiveDuration } from './scalars.js'
import { about, form } from './schema.js'
import { z } from './zod.js'

const coefficient = numeral(0, 100)

const shapes = {
  gamma: {
    mean: about('mean of a gamma distribution', duration),
    cv: about('coefficient of variation: standard deviation / mean', coefficient),
  },
  lognormal: { p50: about('median of a lognormal distribution', positiveDuration), p99: positiveDuration },
  constant: { const: about('always exactly this', duration) },
  uniform: { uniform: z.tuple([duration, duration]) },
} as const

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

/** Which keys go together. */
const groups = {
  mean: 'gamma',
  cv: 'gamma',
  p50: 'lognormal',
  p99: 'lognormal',
  const: 'constant',
  uniform: 'uniform',
} as const
type Key = keyof typeof groups
const forms = 'write 5ms, { mean, cv }, { p50, p99 }, { const } or { uniform: [a, b] }'
const isKey = (name: string): name is Key => Object.hasOwn(groups, name)

const shaped = (node: Node, at: Path, reader: Reader): Distribution | undefined => {
  const names = isMap(node) ? reader.document.entriesOf(node).map((entry) => entry.name) : []
  const first = names.find(isKey)
  if (first === undefined) {
    const [stray] = names
    const message = stray === undefined ? 'an empty map is no time' : `unknown key "${stray}" in a distribution`
    const hint = stray === undefined ? undefined : suggestion(stray, Object.keys(groups))
    reader.document.reportKey(stray === undefined ? at : [...at, stray], { message, hint: hint ?? forms })
    return undefined
  }
  const group = groups[first]
  const strays = names.filter((name) => isKey(name) && groups[name] !== group)
  for (const stray of strays) {
    const message = `"${stray}" does not go with "${first}" in a distribution`
    reader.document.reportKey([...at, stray], { message, hint: forms })
  }
  return strays.length > 0 ? undefined : readers[group](node, at, reader)
}

const naming = { what: 'a distribution' }

const readers = {
  gamma: (node, at, reader) => {
    const fields = reader.fields(shapes.gamma, node, at, naming)
    const meanSeconds = fields?.get('mean')
    const cv = fields?.get('cv')
    if (meanSeconds === undefined || cv === undefined) return undefined
    return { shape: 'gamma', meanSeconds, cv }
  },
  lognormal: (node, at, reader) => {
    const fields = reader.fields(shapes.lognormal, node, at, naming)
    const p50Seconds = fields?.get('p50')
    const p99Seconds = fields?.get('p99')
    if (p50Seconds === undefined || p99Seconds === undefined) return undefined
    if (p99Seconds >= p50Seconds) return { shape: 'lognormal', p50Seconds, p99Seconds }
    reader.tell(undefined, [...at, 'p99'], { message: 'the 99th percentile is below the median' })
    return undefined
  },
  constant: (node, at, reader) => {
    const seconds = reader.fields(shapes.constant, node, at, naming)?.get('const')
    return seconds === undefined ? undefined : { shape: 'constant', seconds }
  },
  uniform: (node, at, reader) => uniform(node, at, reader),
} satisfies Record<string, (node: Node, at: Path, reader: Reader) => Distribution | undefined>

const uniform = (node: Node, at: Path, reader: Reader): Distribution | undefined => {
  const ends = reader.fields({ uniform: z.array(duration) }, node, at, naming)?.get('uniform')
  if (ends === undefined) return undefined
  const [lowSeconds, highSeconds] = ends
  if (ends.length !== 2) {
    reader.tell(undefined, [...at, 'uniform'], { message: `expected two durations [a, b], got ${ends.length}` })
    return undefined
  }
  if (lowSeconds === undefined || highSeconds === undefined) return undefined
  if (highSeconds < lowSeconds) {
    reader.tell(undefined, [...at, 'uniform', 1], { message: 'the upper end is below the lower end' })
    return undefined
  }
  return { shape: 'uniform', lowSeconds, highSeconds }
}

const workShape = {
  cpu: about('CPU time: shares the cores of the host on which it runs', workTime.optional()),
  wait: about('time without CPU: disk, locks, others', workTime.optional()),
}

/** `{ cpu, wait }`; a bare time (or a distribution) is CPU. */
export const work: z.ZodType<Work> = form(
  z.union([z.strictObject(workShape), written]).meta({ id: 'Work' }),
  (node, at, reader) => {
    const isDistribution = !isMap(node) || reader.document.entriesOf(node).some(({ name }) => isKey(name))
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
