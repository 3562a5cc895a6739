/** Everything of a topology but its components and flows. */
import { isScalar, isSeq, type Node } from 'yaml'
import type { Path } from '../../lib/document/nodes.js'
import {
  boolean,
  count,
  currencyCode,
  decimal,
  duration,
  growthRate,
  id,
  percentage,
  positiveDuration,
  positiveRate,
  positiveRatio,
  positiveSize,
  price,
  ratio,
  reference,
  size,
  sizePrice,
  text,
  title,
  zoneName,
} from '../../lib/document/scalars.js'
import { about, form, oneOf, scalar } from '../../lib/document/schema.js'
import { workTime } from '../../lib/document/work-time.js'
import { z } from '../../lib/document/zod.js'
import type { Popularity } from '../../lib/popularity.js'
import { type Parsed, parseDuration, secondsPerMonth } from '../../lib/units.js'
import { retry, stepList } from './steps.js'

export const hostShape = {
  count: about('machines of this kind (default 1)', count(1, 10_000).optional()),
  cpu: about('cores per machine', decimal(0, 1024)),
  memory: positiveSize.optional(),
  disk: positiveSize.optional(),
  price: about("in the file's currency per machine and hour", price.optional()),
  machine: about('its name in the price list, such as c6i.2xlarge: its price when none is written', text.optional()),
  zone: zoneName.optional(),
  region: zoneName.optional(),
  availability: about('share of the time for which a machine works; judged by `plan`', positiveRatio.optional()),
}

const popularity: z.ZodType<Popularity> = scalar(
  z
    .string()
    .regex(/^(uniform|zipf\([0-9.]+\))$/)
    .meta({ examples: ['zipf(0.99)', 'uniform'] }),
  'uniform or zipf(exponent)',
  (_value, written): Parsed<Popularity> => {
    if (written === 'uniform') return { ok: true, value: { law: 'uniform' } }
    const exponent = Number(/^zipf\(\s*(\d+(?:\.\d+)?)\s*\)$/.exec(written)?.[1] ?? Number.NaN)
    if (exponent >= 0 && exponent <= 10) return { ok: true, value: { law: 'zipf', exponent } }
    const hint = 'the exponent is a number from 0 to 10; 1 is the classic law of Zipf'
    return { ok: false, message: `expected uniform or zipf(0.99), got "${written}"`, hint }
  },
)

export const dataShape = {
  keys: about('how many there are', count(1, 10_000_000)),
  popularity: about('how often each is asked for (default uniform)', popularity.optional()),
  bytes: about('size of one value (default 1KiB)', positiveSize.optional()),
  counters: about('named counters with their initial value per key', z.record(id, count(0, 1e12)).optional()),
}

export interface Route {
  readonly method: string
  readonly path: string
  /** Every name in braces. */
  readonly names: readonly string[]
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const route: z.ZodType<Route> = scalar(
  z
    .string()
    .regex(/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/\S*$/)
    .meta({ examples: ['GET /products/{product}', 'POST /orders'] }),
  'a route such as GET /products/{product}',
  (_value, written): Parsed<Route> => {
    const [, method = '', path = ''] = /^(\S+)\s+(\S+)$/.exec(written) ?? []
    if (!methods.includes(method)) {
      return {
        ok: false,
        message: `expected a route such as GET /products/{product}, got "${written}"`,
        hint: `a method (${methods.join(', ')}), a space, a path`,
      }
    }
    if (!/^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@%/-]|\{[a-z][a-z0-9-]*\})*$/.test(path)) {
      return {
        ok: false,
        message: `"${path}" is not a path`,
        hint: 'it begins with "/"; parameters stand in braces: /products/{product}',
      }
    }
    return {
      ok: true,
      value: { method, path, names: [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? '') },
    }
  },
)

export interface Named {
  readonly name: string
  readonly at: Path
}

const references = z.array(reference)
/** One name, or a list of names, outermost first. */
const enter: z.ZodType<readonly Named[]> = form(
  z.union([reference, references]),
  (node: Node | undefined, at, reader) => {
    const list = isSeq(node) ? reader.read(references, node, at) : [reader.read(reference, node, at)]
    if (list === undefined) return undefined
    const named = list.flatMap((name, index) =>
      name === undefined ? [] : [{ name, at: isSeq(node) ? [...at, index] : at }],
    )
    return named.length === list.length ? named : undefined
  },
)

const percentiles = {
  mean: positiveDuration.optional(),
  p50: positiveDuration.optional(),
  p90: positiveDuration.optional(),
  p95: positiveDuration.optional(),
  p99: positiveDuration.optional(),
  p999: positiveDuration.optional(),
  max: positiveDuration.optional(),
}
export const percentileNames = Object.keys(percentiles) as readonly (keyof typeof percentiles)[]
export const percentileGroup = z.strictObject(percentiles).meta({ id: 'Percentiles' })

export const sloShape = {
  ...percentiles,
  errors: about('share of requests that may fail', ratio.optional()),
  availability: about('judged from redundancy by `plan`', ratio.optional()),
  hit: about('requests whose lookup hit', percentileGroup.optional()),
  miss: about('requests whose lookup missed', percentileGroup.optional()),
  queueDelay: about('time between publishing and taking', percentileGroup.optional()),
  completion: about(
    'from the intended start to the acknowledgement of the work behind the queue',
    percentileGroup.optional(),
  ),
}
export const slo = z.strictObject(sloShape).meta({ id: 'Objectives' })

const clientShape = { timeout: positiveDuration.optional(), retry: retry.optional() }
const bytesShape = { in: size.optional(), out: size.optional() }

const classShape = {
  route: route.optional(),
  idempotent: about('may be sent twice (default: GET and HEAD)', boolean.optional()),
  client: z.strictObject(clientShape).optional(),
  bytes: about('size of request and answer', z.strictObject(bytesShape).optional()),
  slo: slo.optional(),
  flow: stepList.optional(),
}

export const pollShape = { ...classShape, every: about('interval between polls', positiveDuration) }

export const requestShape = {
  share: about('of requests started; all shares sum to 100%', ratio),
  enter: about('balancers that it passes first, outermost first', enter.optional()),
  serve: about('the service that executes the flow', reference),
  ...classShape,
  priority: about('0 is the lowest (default)', count(0, 254).optional()),
  poll: about('becomes the class `<request>.poll`, outside of the shares', z.strictObject(pollShape).optional()),
}

export const trafficShape = {
  rate: about('open: arrivals, whatever the answers', positiveRate.optional()),
  users: about('closed: users who wait for their answer', count(1, 10_000_000).optional()),
  thinkTime: about('between an answer and the next request; 0s: always in flight', workTime.optional()),
  surge: about(
    'the steepest rise to be expected, for `plan`: to factor times the traffic within so long',
    z.strictObject({ factor: decimal(1, 1e6), within: positiveDuration }).optional(),
  ),
  daily: about(
    'the course of a day: the declared traffic at its peak, this share of it in the quietest hour, a sine between',
    z.strictObject({ low: ratio }).optional(),
  ),
  origins: about('regions that requests come from, with their shares', z.record(zoneName, ratio).optional()),
  clients: about(
    'who sends them: addresses (or API keys), which limits `per:` one count',
    z
      .strictObject({
        count: count(1, 10_000_000),
        popularity: about('how much each of them sends (default uniform)', popularity.optional()),
      })
      .optional(),
  ),
}

const horizon = scalar(
  z
    .string()
    .regex(/^[0-9.]+ ?months?$/)
    .meta({ examples: ['12 months'] }),
  'a number of months',
  (_value, written): Parsed<number> => {
    const parsed = parseDuration(written)
    return parsed.ok ? { ok: true, value: parsed.value / secondsPerMonth } : parsed
  },
)

const phaseShape = {
  at: about(
    'the users (closed traffic) or the rate from which on it is in place',
    z.union([count(1, 1e9), positiveRate]),
  ),
  set: about('what it changes, as --set takes it: components.app.replicas=6', z.array(text)),
}

/** `6000` users, or `1200/s`. */
const level = form<{ readonly users?: number; readonly ratePerSecond?: number }>(phaseShape.at, (node, at, reader) => {
  const isRate = isScalar(node) && typeof node.value === 'string' && node.value.includes('/')
  if (isRate) {
    const ratePerSecond = reader.read(positiveRate, node, at)
    return ratePerSecond === undefined ? undefined : { ratePerSecond }
  }
  const users = reader.read(count(1, 1e9), node, at)
  return users === undefined ? undefined : { users }
})

export const growthShape = {
  rate: growthRate,
  spread: about(
    'half-width of the 95 % interval of the rate, in points per month: 3%/month (default: none)',
    growthRate.optional(),
  ),
  season: about('of January to December, each month relative to the year', z.array(percentage).optional()),
  horizon,
  phases: about(
    'a plan of changes, by name, in order; `plan --growth` judges each',
    z.record(id, z.strictObject({ ...phaseShape, at: level })).optional(),
  ),
}

export const policyShape = {
  headroom: about('share of capacity to keep free (default 0%)', ratio.optional()),
  survive: about('what may be lost', oneOf(['nothing', 'one-node', 'one-host', 'one-zone', 'one-region']).optional()),
  rules: about(
    'severity of review rules by their id; off: not reviewed',
    z.record(id, oneOf(['off', 'info', 'warning', 'error'])).optional(),
  ),
}

/** Targets of `plimsoll generate` that patches may name. */
export const generateTargets = [
  'nginx',
  'haproxy',
  'compose',
  'kubernetes',
  'helm',
  'terraform',
  'redis',
  'postgres',
  'mysql',
  'prometheus',
  'alertmanager',
  'grafana',
  'ci',
] as const

const asWritten = form<unknown>(z.unknown(), (node, _at, reader) => reader.plain(node))

export const rootShape = {
  apiVersion: oneOf(['plimsoll/v1']),
  kind: oneOf(['Topology']),
  name: title,
  currency: about('ISO 4217 code of all prices (default USD)', currencyCode.optional()),
  hosts: about('machines', z.record(id, z.strictObject(hostShape)).optional()),
  data: about('what keys, locks, counters and caches are about', z.record(id, z.strictObject(dataShape)).optional()),
  requests: about('classes of requests', z.record(id, z.strictObject(requestShape)).optional()),
  traffic: z.strictObject(trafficShape).optional(),
  growth: z.strictObject(growthShape).optional(),
  policy: z.strictObject(policyShape).optional(),
  network: about(
    'round trips between zones and between regions (default 0s)',
    z.strictObject({ crossZone: duration.optional(), crossRegion: duration.optional() }).optional(),
  ),
  prices: about(
    'of what is no machine; default: those of the price list',
    z
      .strictObject({
        storage: about('of disks, per GiB and month', sizePrice.optional()),
        egress: about('of answers that leave for clients, per GiB', sizePrice.optional()),
        crossZone: about('of what passes between zones, per GiB', sizePrice.optional()),
      })
      .optional(),
  ),
  generate: about(
    'patches of what is generated, applied last',
    z.partialRecord(oneOf(generateTargets), z.strictObject({ patches: z.array(asWritten) })).optional(),
  ),
}
