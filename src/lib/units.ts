/**
 * Quantities as people write them, and as they read them. Inside the program: seconds, bytes, per second, ratios 0…1.
 * A unit is always required, also with zero.
 */
import { suggestion } from './did-you-mean.js'

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly hint?: string }

/** Value of each unit in the base unit. */
export type Units = Readonly<Record<string, number>>

/** A month is 30 days wherever a length of time is meant. */
export const secondsPerMonth = 30 * 86_400

export const durationUnits = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  month: secondsPerMonth,
  months: secondsPerMonth,
} as const satisfies Units

export const sizeUnits = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
} as const satisfies Units

export const rateUnits = { '/s': 1, '/m': 1 / 60, '/h': 1 / 3600 } as const satisfies Units

/** What people write for a unit that is spelled otherwise here. */
const otherSpellings: Readonly<Record<string, string>> = {
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  hr: 'h',
  day: 'd',
  days: 'd',
  msec: 'ms',
  millis: 'ms',
  μs: 'us',
  µs: 'us',
  usec: 'us',
  S: 's',
  M: 'm',
  H: 'h',
  MS: 'ms',
  KB: 'KiB',
  kB: 'KiB',
  K: 'KiB',
  kb: 'KiB',
  kib: 'KiB',
  mb: 'MiB',
  mib: 'MiB',
  gb: 'GiB',
  gib: 'GiB',
  tb: 'TiB',
  tib: 'TiB',
  b: 'B',
  k: 'KiB',
  MB: 'MiB',
  Mi: 'MiB',
  GB: 'GiB',
  Gi: 'GiB',
  Ki: 'KiB',
  TB: 'TiB',
  '/sec': '/s',
  '/second': '/s',
  ps: '/s',
  rps: '/s',
  'req/s': '/s',
  '/min': '/m',
  '/minute': '/m',
  '/hour': '/h',
}

const quantity = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\D.*)?$/

interface QuantityKind {
  /** With its article: `a duration`. */
  readonly what: string
  readonly example: string
  readonly units: Units
  /** Largest value that makes sense, in the base unit. */
  readonly max: number
}

const parseQuantity = (text: string, kind: QuantityKind): Parsed<number> => {
  const match = quantity.exec(text.trim())
  if (match === null) {
    return { ok: false, message: `expected ${kind.what} such as ${kind.example}, got "${text}"` }
  }
  const [, digits = '', unit] = match
  const names = Object.keys(kind.units).filter((name) => !name.includes(' '))
  if (unit === undefined) {
    return {
      ok: false,
      message: `"${text}" has no unit: expected ${kind.what} such as ${kind.example}`,
      hint: `units: ${names.join(', ')}`,
    }
  }
  const factor = Object.hasOwn(kind.units, unit) ? kind.units[unit] : undefined
  if (factor === undefined) {
    const meant = Object.hasOwn(otherSpellings, unit) ? otherSpellings[unit] : undefined
    const hint = meant !== undefined && names.includes(meant) ? `did you mean "${meant}"?` : suggestion(unit, names)
    return {
      ok: false,
      message: `unknown unit "${unit}" in "${text}": expected ${kind.what} such as ${kind.example}`,
      ...(hint === undefined ? {} : { hint }),
    }
  }
  const value = timesFactor(digits, factor)
  if (value < 0) return { ok: false, message: `"${text}" is negative: expected ${kind.what} such as ${kind.example}` }
  if (!Number.isFinite(value) || value > kind.max) {
    return { ok: false, message: `"${text}" is larger than anything that can be meant by ${kind.what}` }
  }
  return { ok: true, value }
}

/** Powers of ten move the decimal point, so that 0.06ms and 60us are the same number to the last bit. */
const timesFactor = (digits: string, factor: number): number => {
  const power = Math.round(Math.log10(factor))
  if (factor >= 1 || Math.abs(factor / 10 ** power - 1) > 1e-9) {
    return factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor
  }
  const [mantissa = '', exponent = '0'] = digits.toLowerCase().split('e')
  return Number(`${mantissa}e${Number(exponent) + power}`)
}

/** `250ms`, `1.5 h`, `12 months` → seconds. At most 100 years. */
export const parseDuration = (text: string): Parsed<number> =>
  parseQuantity(text, { what: 'a duration', example: '250ms', units: durationUnits, max: 100 * 366 * 86_400 })

/** `2KiB` → bytes. At most 1024 TiB. */
export const parseSize = (text: string): Parsed<number> =>
  parseQuantity(text, { what: 'a size', example: '2KiB', units: sizeUnits, max: 1024 ** 5 })

/** `300/s`, `50/m` → per second. At most 10⁹ per second. */
export const parseRate = (text: string): Parsed<number> =>
  parseQuantity(text, { what: 'a rate', example: '300/s', units: rateUnits, max: 1e9 })

/** `80%` → 0.8; between 0 % and 100 %. */
export const parseRatio = (text: string): Parsed<number> => {
  const parsed = parsePercentage(text)
  return parsed.ok && parsed.value > 1
    ? { ok: false, message: `"${text}" is more than 100%: expected a percentage from 0% to 100%` }
    : parsed
}

/** `130%` → 1.3; not negative, otherwise unbounded (growth, factors). */
export const parsePercentage = (text: string): Parsed<number> =>
  parseQuantity(text, { what: 'a percentage', example: '80%', units: { '%': 0.01 }, max: 1e6 })

/** `0.34/h` → currency units per hour. */
export const parsePrice = (text: string): Parsed<number> =>
  parseQuantity(text, { what: 'a price per hour', example: '0.34/h', units: { '/h': 1, '/month': 1 / 730 }, max: 1e9 })

/** `0.09/GiB` → currency units per GiB. */
export const parseSizePrice = (text: string): Parsed<number> =>
  parseQuantity(text, {
    what: 'a price per GiB',
    example: '0.09/GiB',
    units: { '/GiB': 1, '/TiB': 1 / 1024, '/MiB': 1024 },
    max: 1e9,
  })

/** `8%/month` → 0.08 per month. */
export const parseGrowthRate = (text: string): Parsed<number> =>
  parseQuantity(text, {
    what: 'a growth rate',
    example: '8%/month',
    units: { '%/month': 0.01, '% / month': 0.01 },
    max: 100,
  })

/** At most three significant digits, without a superfluous fraction. */
const short = (value: number): string => {
  const magnitude = Math.abs(value)
  if (magnitude >= 100 || Number.isInteger(value)) return value.toFixed(0)
  return String(Number(value.toFixed(magnitude >= 10 ? 1 : 2)))
}

/** `12.3 ms`, `450 us`, `1.5 s`, `2 m 5 s`; three significant digits. */
export const formatSeconds = (seconds: number): string => {
  const magnitude = Math.abs(seconds)
  if (!Number.isFinite(seconds)) return Number.isNaN(seconds) ? '-' : seconds > 0 ? '∞' : '-∞'
  if (magnitude === 0) return '0 s'
  if (magnitude < 0.9995e-3) return `${short(seconds * 1e6)} us`
  if (magnitude < 0.9995) return `${short(seconds * 1e3)} ms`
  if (magnitude < 120) return `${short(seconds)} s`
  if (magnitude < 7200) return compound(seconds, 60, 'm', 's')
  if (magnitude < 172_800) return compound(seconds / 60, 60, 'h', 'm')
  return `${short(seconds / 86_400)} d`
}

const compound = (value: number, per: number, large: string, small: string): string => {
  const sign = value < 0 ? '-' : ''
  const rounded = Math.round(Math.abs(value))
  const rest = rounded % per
  return `${sign}${Math.floor(rounded / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}

/** `1.5 GiB`, `512 B`. */
export const formatBytes = (bytes: number): string => {
  const units = Object.entries(sizeUnits).reverse()
  const [unit, size] = units.find(([, factor]) => Math.abs(bytes) >= factor) ?? ['B', 1]
  return `${short(bytes / size)} ${unit}`
}

/** `300/s`; rates below one per second as `12/m` or `3/h`. */
export const formatRate = (perSecond: number): string => {
  if (!Number.isFinite(perSecond)) return Number.isNaN(perSecond) ? '-' : '∞'
  if (perSecond === 0 || Math.abs(perSecond) >= 1) return `${short(perSecond)}/s`
  return Math.abs(perSecond) * 60 >= 1 ? `${short(perSecond * 60)}/m` : `${short(perSecond * 3600)}/h`
}

/** 0.123 → `12.3 %`. */
export const formatRatio = (ratio: number): string => (Number.isFinite(ratio) ? `${short(ratio * 100)} %` : '-')

/** `1 200`: thousands set apart by an ordinary space. */
export const formatCount = (count: number): string => short(count).replace(/\B(?=(\d{3})+(?!\d))/g, ' ')
