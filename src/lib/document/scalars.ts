/** The scalars of our languages: quantities with units, counts, names. Each says what it expects in its own words. */

import {
  type Parsed,
  parseDuration,
  parseGrowthRate,
  parsePercentage,
  parsePrice,
  parseRate,
  parseRatio,
  parseSize,
  parseSizePrice,
} from '../units.js'
import { scalar } from './schema.js'
import { z } from './zod.js'

const number = String.raw`[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?`

const quantity = (
  id: string,
  what: string,
  units: string,
  examples: readonly string[],
  parse: (text: string) => Parsed<number>,
): z.ZodType<number> =>
  scalar(
    z
      .string()
      .regex(new RegExp(`^${number} ?(${units})$`))
      .meta({ id, examples: [...examples] }),
    `${what} such as ${examples[0]}`,
    (_value, text) => parse(text),
  )

const positive =
  (what: string, parse: (text: string) => Parsed<number>) =>
  (text: string): Parsed<number> => {
    const parsed = parse(text)
    return parsed.ok && parsed.value === 0
      ? { ok: false, message: `expected ${what} above zero, got "${text}"` }
      : parsed
  }

const durationPattern = 'us|ms|s|m|h|d|months?'

/** Seconds, ≥ 0. */
export const duration = quantity('Duration', 'a duration', durationPattern, ['250ms', '10s', '5m'], parseDuration)
/** Seconds, > 0. */
export const positiveDuration = quantity(
  'PositiveDuration',
  'a duration',
  durationPattern,
  ['250ms', '10s', '5m'],
  positive('a duration', parseDuration),
)
/** Bytes, ≥ 0. */
export const size = quantity('Size', 'a size', 'B|KiB|MiB|GiB|TiB', ['2KiB', '256MiB', '4GiB'], parseSize)
/** Bytes, > 0. */
export const positiveSize = quantity(
  'PositiveSize',
  'a size',
  'B|KiB|MiB|GiB|TiB',
  ['2KiB', '256MiB'],
  positive('a size', parseSize),
)
/** Per second, ≥ 0. */
export const rate = quantity('Rate', 'a rate', '/s|/m|/h', ['300/s', '50/m'], parseRate)
/** Per second, > 0. */
export const positiveRate = quantity(
  'PositiveRate',
  'a rate',
  '/s|/m|/h',
  ['300/s', '50/m'],
  positive('a rate', parseRate),
)
/** 0…1. */
export const ratio = quantity('Ratio', 'a percentage', '%', ['80%', '0.5%'], parseRatio)
/** Above 0, at most 1. */
export const positiveRatio = quantity(
  'PositiveRatio',
  'a percentage',
  '%',
  ['80%', '0.5%'],
  positive('a percentage', parseRatio),
)
/** ≥ 0; may exceed 1. */
export const percentage = quantity('Percentage', 'a percentage', '%', ['8%', '150%'], parsePercentage)
/** Per hour. */
export const price = quantity('Price', 'a price per hour', '/h|/month', ['0.34/h'], parsePrice)
/** Per GiB. */
export const sizePrice = quantity('SizePrice', 'a price per GiB', '/GiB|/TiB|/MiB', ['0.09/GiB'], parseSizePrice)
/** Relative, per month. */
export const growthRate = quantity('GrowthRate', 'a growth rate', '%/month', ['8%/month'], parseGrowthRate)

const finite = (value: number, text: string, what: string, min: number, max: number): Parsed<number> => {
  if (Number.isNaN(value)) return { ok: false, message: `expected ${what}, got "${text}", which is no number` }
  if (value < min) {
    return { ok: false, message: `expected ${what}${Number.isFinite(min) ? ` of at least ${min}` : ''}, got ${text}` }
  }
  if (value > max) return { ok: false, message: `expected ${what} of at most ${max}, got ${text}` }
  return { ok: true, value }
}

/** A whole number from `min` to `max`. The upper bounds keep a slip of the keyboard from exhausting memory. */
export const count = (min: number, max: number): z.ZodType<number> =>
  scalar(
    z.int().min(min).max(max),
    'a whole number',
    (value, text) => {
      if (typeof value !== 'number') return { ok: false, message: `expected a whole number, got "${text}"` }
      const bounded = finite(value, text, 'a whole number', min, max)
      return bounded.ok && !Number.isInteger(value)
        ? { ok: false, message: `expected a whole number, got ${text}` }
        : bounded
    },
    true,
  )

/** A number above `min` (exclusive), at most `max`. */
export const decimal = (min: number, max: number): z.ZodType<number> =>
  scalar(z.number().gt(min).max(max), 'a number', (value, text) => {
    if (typeof value !== 'number') return { ok: false, message: `expected a number, got "${text}"` }
    if (value <= min) return { ok: false, message: `expected a number above ${min}, got ${text}` }
    return finite(value, text, 'a number', min, max)
  })

/** A number from `min` to `max`. */
export const numeral = (min: number, max: number): z.ZodType<number> =>
  scalar(z.number().min(min).max(max), 'a number', (value, text) =>
    typeof value === 'number'
      ? finite(value, text, 'a number', min, max)
      : { ok: false, message: `expected a number, got "${text}"` },
  )

export const boolean: z.ZodType<boolean> = scalar(z.boolean(), 'true or false', (value, text) =>
  typeof value === 'boolean' ? { ok: true, value } : { ok: false, message: `expected true or false, got "${text}"` },
)

/** Any text that is not empty. */
export const text: z.ZodType<string> = scalar(z.string().min(1), 'text', (value, written) =>
  typeof value === 'string' && value.trim() !== ''
    ? { ok: true, value }
    : { ok: false, message: `expected text, got "${written}"` },
)

const matching = (pattern: RegExp, what: string, hint: string): z.ZodType<string> =>
  scalar(z.string().regex(pattern), what, (value, written) =>
    typeof value === 'string' && pattern.test(value)
      ? { ok: true, value }
      : { ok: false, message: `"${written}" is not ${what}`, hint },
  )

/** Words that expectations, placements and calibrations use for something else, or that JavaScript does. */
const reserved = new Set(['all', 'generator', 'constructor'])

/** The name of a component, host, pool, …: it becomes a DNS label, a file name and a table name. */
export const id: z.ZodType<string> = scalar(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/), 'a name', (value, written) => {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(value)) {
    return {
      ok: false,
      message: `"${written}" cannot be a name`,
      hint: 'a name begins with a lower-case letter; then lower-case letters, digits and "-", 63 in all',
    }
  }
  if (reserved.has(value))
    return { ok: false, message: `"${value}" is reserved and cannot be a name`, hint: 'choose another name' }
  return { ok: true, value }
})

/** The title of a topology or experiment. */
export const title = matching(
  /^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,62}$/,
  'a title',
  'letters, digits, spaces, ".", "_", "/" and "-", 63 in all',
)
export const tableName = matching(/^[a-z][a-z0-9_-]{0,62}$/, 'a table name', 'lower-case letters, digits, "_" and "-"')
export const zoneName = matching(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a zone or region', 'lower-case letters, digits and "-"')
export const httpPath = matching(/^\/[^\s?#]*$/, 'a path', 'it begins with "/", such as /healthz')
export const currencyCode = matching(/^[A-Z]{3}$/, 'a currency', 'three letters of ISO 4217, such as USD')

/** A reference to something that the file (or another) names; whether it exists is checked later. */
export const reference: z.ZodType<string> = scalar(z.string().min(1), 'a name', (value, written) =>
  typeof value === 'string' && value !== ''
    ? { ok: true, value }
    : { ok: false, message: `expected a name, got "${written}"` },
)
