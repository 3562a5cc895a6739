import type { Finding, Severity } from '../../contract/finding.js'
import type { Position } from '../../lib/errors.js'
import type { Review } from '../facts/review.js'

/** What a rule says of one subject; its id and (unless it says otherwise) its severity are added by the registry. */
export interface RuleFinding extends Omit<Finding, 'rule' | 'severity'> {
  readonly severity?: Severity
  /** Formula and numbers of the file. */
  readonly arithmetic: string
  readonly position: Position
}

/** One review rule: pure, in a file named like its id, with a page docs/rules/<id>.md that shows all of this. */
export interface Rule {
  readonly severity: Severity
  /** What is wrong when it finds something, in one sentence. */
  readonly explanation: string
  /** The condition under which it finds something, as a formula. */
  readonly formula: string
  readonly check: (review: Review) => readonly RuleFinding[]
}
