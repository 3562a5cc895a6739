import type { Topology } from '../topology/types.js'

/** Said by what goes by one value of each number; undefined: nothing is uncertain. */
export const uncertainNote = ({ uncertain }: Topology): string | undefined => {
  if (uncertain.length === 0) return undefined
  const numbers = uncertain.map(({ path, mid }) => `${path} ${mid.text}`).join(', ')
  return `note: uncertain numbers are taken in their middle: ${numbers}\n`
}
