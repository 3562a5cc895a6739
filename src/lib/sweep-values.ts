/** The values that one parameter takes: `1..8:1`, `100/s..900/s:100/s`, `1ms,2ms,5ms`. */
import { usageError } from './errors.js'

export interface Sweep {
  /** Of the parameter, as it is set. */
  readonly path: string
  /** As they are set, units included; at least two. */
  readonly values: readonly string[]
  /** The same in their own unit, for an axis; undefined: they are words. */
  readonly numbers: readonly number[] | undefined
  /** After each number; empty: they have none. */
  readonly unit: string
}

/** Simulations that nobody waits for. */
const maxValues = 1000

const example = 'such as --sweep components.app.replicas=1..8:1, or a list: --sweep traffic.rate=100/s,200/s,500/s'

/** Throws a usage error for what is no sweep. */
export const parseSweep = (text: string): Sweep => {
  const equals = text.indexOf('=')
  const path = text.slice(0, Math.max(0, equals))
  const written = text.slice(equals + 1).trim()
  if (equals < 1 || written === '') throw usageError(`--sweep: expected path=from..to:step, got "${text}"`, example)
  const values = written.includes('..') ? range(written) : listed(written)
  const twice = values.find((value, i) => values.indexOf(value) !== i)
  if (twice !== undefined) throw usageError(`--sweep: "${twice}" comes twice in "${written}"`)
  if (values.length < 2) throw usageError(`--sweep: "${written}" is one value`, '--set takes one value')
  return { path, values, ...numbersOf(values) }
}

interface Quantity {
  readonly digits: string
  readonly unit: string
}

const quantity = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(\D[^\s]*)?$/

const quantityOf = (text: string): Quantity | undefined => {
  const [, digits, unit = ''] = quantity.exec(text.trim()) ?? []
  return digits === undefined ? undefined : { digits, unit }
}

const range = (text: string): readonly string[] => {
  const [from = '', rest = ''] = text.split(/\.\.(.*)/s)
  const [to = '', step] = rest.split(/:(.*)/s)
  const parts = [from, to, ...(step === undefined ? [] : [step])].map((part) => {
    const parsed = quantityOf(part)
    if (parsed === undefined) throw usageError(`--sweep: expected a number, got "${part}" in "${text}"`, example)
    return parsed
  })
  const [first, last, by] = parts as [Quantity, Quantity, Quantity?]
  const units = [...new Set(parts.map(({ unit }) => unit).filter((unit) => unit !== ''))]
  const [unit = '', other] = units
  if (other !== undefined)
    throw usageError(`--sweep: "${text}" is in ${unit} and in ${other}`, 'write its ends and its step in one unit')
  if (by === undefined && (unit !== '' || !/^\d+$/.test(first.digits) || !/^\d+$/.test(last.digits)))
    throw usageError(`--sweep: "${text}" has no step`, `such as ${first.digits}${unit}..${last.digits}${unit}:1${unit}`)
  return steps(Number(first.digits), Number(last.digits), Number(by?.digits ?? 1), decimals(parts), text).map(
    (value) => `${value}${unit}`,
  )
}

/** In decimals, so that 0.1 + 0.2 is 0.3. */
const steps = (from: number, to: number, by: number, digits: number, text: string): readonly string[] => {
  if (!(by > 0)) throw usageError(`--sweep: the step of "${text}" is not above 0`)
  if (from > to) throw usageError(`--sweep: "${text}" begins above its end`, 'write the smaller end first')
  const count = Math.floor((to - from) / by + 1e-9) + 1
  if (count > maxValues) throw usageError(`--sweep: "${text}" are ${count} values; at most ${maxValues} are simulated`)
  return Array.from({ length: count }, (_, i) => String(Number((from + i * by).toFixed(digits))))
}

const decimals = (parts: readonly Quantity[]): number =>
  Math.min(
    20,
    Math.max(
      ...parts.map(({ digits }) => {
        const [mantissa = '', exponent = '0'] = digits.toLowerCase().split('e')
        return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent))
      }),
    ),
  )

/** At commas outside of brackets and quotes. */
const listed = (text: string): readonly string[] => {
  const values: string[] = []
  let depth = 0
  let quote = ''
  let value = ''
  for (const c of text) {
    if (quote !== '') quote = c === quote ? '' : quote
    else if (c === '"' || c === "'") quote = c
    else if ('{['.includes(c)) depth++
    else if ('}]'.includes(c)) depth--
    if (c === ',' && depth === 0 && quote === '') {
      values.push(value)
      value = ''
    } else value += c
  }
  const all = [...values, value].map((one) => one.trim())
  if (all.includes('')) throw usageError(`--sweep: there is an empty value in "${text}"`, example)
  if (all.length > maxValues) throw usageError(`--sweep: ${all.length} values; at most ${maxValues} are simulated`)
  return all
}

/** Numbers of one unit make an axis; anything else is words. */
const numbersOf = (values: readonly string[]): Pick<Sweep, 'numbers' | 'unit'> => {
  const quantities = values.flatMap((value) => quantityOf(value) ?? [])
  const units = new Set(quantities.map(({ unit }) => unit))
  if (quantities.length < values.length || units.size > 1) return { numbers: undefined, unit: '' }
  const numbers = quantities.map(({ digits }) => Number(digits))
  const ascending = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number))
  return ascending ? { numbers, unit: quantities[0]?.unit ?? '' } : { numbers: undefined, unit: '' }
}
