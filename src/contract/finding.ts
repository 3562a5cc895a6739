import type { Position } from '../lib/errors.js'

export type Severity = 'error' | 'warning' | 'info'

/** A value as YAML has it. */
export type PlainValue = string | number | boolean | readonly PlainValue[] | { readonly [key: string]: PlainValue }

/** One change of the file: the value that a path (names of keys, indices) leads to; null: nothing any more. */
export interface Patch {
  readonly path: readonly (string | number)[]
  readonly value: PlainValue | null
}

/** What `plan` found wrong or worth knowing, with the arithmetic in the user's own numbers. */
export interface Finding {
  /** The rule's id: the name of its file in src/plan/rules and of its page in docs/rules. */
  readonly rule: string
  readonly severity: Severity
  readonly subject: string
  readonly message: string
  readonly arithmetic?: string
  /** What to do, in words. */
  readonly fix?: string
  /** What `plan --fix` writes; all of them together, or none. */
  readonly patches?: readonly Patch[]
  /** Where nobody but the owner can say what to do: what is to be decided. */
  readonly decision?: string
  readonly position?: Position
}
