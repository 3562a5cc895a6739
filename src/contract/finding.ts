import type { Position } from '../lib/errors.js'

/** What `plan` found wrong or worth knowing, with the arithmetic in the user's own numbers. */
export interface Finding {
  /** The rule's id: the name of its file in src/plan/rules and of its page in docs/rules. */
  readonly rule: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly subject: string
  readonly message: string
  readonly arithmetic?: string
  readonly fix?: string
  readonly position?: Position
}
