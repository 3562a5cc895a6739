/** Which answer of `plan` is asked for, told before what makes it is loaded. */
import { usageError } from '../lib/errors.js'
import type { Invocation } from './command.js'

const modes = ['sweep', 'sensitivity', 'growth', 'explain', 'why'] as const
export type Mode = (typeof modes)[number] | 'set'

export const many = (value: Invocation['options'][string]): readonly string[] =>
  Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : []

export const isAsked = (value: Invocation['options'][string]): boolean =>
  value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)

/** Undefined: the plan itself. Throws a usage error for two at once. */
export const modeOf = (options: Invocation['options']): Mode | undefined => {
  const [first, second] = modes.filter((mode) => isAsked(options[mode]))
  if (first !== undefined && second !== undefined)
    throw usageError(`--${first} and --${second} are two answers`, 'ask for one at a time')
  if (options.history !== undefined && first !== 'growth')
    throw usageError('--history has a meaning only beside --growth')
  if (options.request !== undefined && first !== 'why')
    throw usageError('--request has a meaning only beside --why', 'for example --why p95')
  const mode = first ?? (many(options.set).length > 0 ? 'set' : undefined)
  if (mode !== undefined && options.fix === true)
    throw usageError(`--fix and --${mode} do not go together`, '--fix mends what the file says')
  return mode
}
