/** What may be asked to hold of the data, whatever breaks. */
export const invariants = {
  'no-oversell': 'never is more granted of a counter than it began with',
  'no-lost-writes': 'no write that was acknowledged is lost',
  'no-stale-reads': 'no read from a copy misses a write that was acknowledged',
  'no-double-effect': 'no retry and no redelivery makes a write take effect twice',
  'no-lost-messages': 'no message that a broker accepted is lost',
  'mutual-exclusion': 'no two holders of a lock work at the same time, unless the first is fenced off',
  'no-half-done-saga': 'a saga that failed was undone completely',
} as const

export type InvariantName = keyof typeof invariants

export const invariantNames = Object.keys(invariants) as [InvariantName, ...InvariantName[]]
