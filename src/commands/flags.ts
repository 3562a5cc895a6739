/** Values of flags that several commands take; what is wrong with them is a usage error that names the flag. */
import { usageError } from '../lib/errors.js'
import { parseDuration } from '../lib/units.js'
import type { Invocation } from './command.js'

type Value = Invocation['options'][string]

/** Undefined: the experiment's own. */
export const seedOf = (value: Value): number | undefined => {
  if (value === undefined) return undefined
  const text = String(value)
  const seed = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(seed) || seed < 0)
    throw usageError(`--seed: expected a whole number of at least 0, got "${text}"`, 'for example --seed 7')
  return seed
}

/** Seconds. */
export const durationOf = (flag: string, value: Value): number | undefined => {
  if (value === undefined) return undefined
  const parsed = parseDuration(String(value))
  if (!parsed.ok) throw usageError(`${flag}: ${parsed.message}`, parsed.hint)
  return parsed.value
}

/** A whole number from 1 on. */
export const countOf = (flag: string, value: Value, most: number): number | undefined => {
  if (value === undefined) return undefined
  const text = String(value)
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count
  throw usageError(`${flag}: expected a whole number from 1 to ${most}, got "${text}"`, `for example ${flag} 5`)
}
