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
