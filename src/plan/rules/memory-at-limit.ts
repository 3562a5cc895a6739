import { formatBytes } from '../../lib/units.js'
import { percent } from '../../lib/words.js'
import type { StoreComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import { sizeText } from '../facts/text.js'
import type { Rule, RuleFinding } from './rule.js'

/** Of its limit, what a store may be told to fill: buffers, fragmentation and a fork to save itself come on top. */
const mostShare = 0.9
const usualShare = 0.75

/** The store fills what it is given, needs more for itself, and is killed. */
export const memoryAtLimit: Rule = {
  severity: 'error',
  explanation:
    'A store may fill all the memory that its container (or machine) has, and is killed when it needs some for itself.',
  formula: 'memory > 90 % of resources.memory, or of the machine',
  check: (review) => review.stores.flatMap((store) => judged(review, store)),
}

const judged = (review: Review, store: StoreComponent): readonly RuleFinding[] => {
  const memory = store.memoryBytes
  const host = store.host === undefined ? undefined : review.topology.hosts[store.host]
  const limits = [
    ...(store.resources.memoryBaseBytes === undefined
      ? []
      : [{ bytes: store.resources.memoryBaseBytes, what: 'its limit, resources.memory' }]),
    ...(host?.memoryBytes === undefined ? [] : [{ bytes: host.memoryBytes, what: `a machine of host ${host.id}` }]),
  ].sort((a, b) => a.bytes - b.bytes)
  const [limit] = limits
  if (memory === undefined || limit === undefined || memory <= mostShare * limit.bytes) return []
  const value = sizeText(limit.bytes * usualShare)
  const path = ['components', store.id, 'memory']
  return [
    {
      subject: store.id,
      message: `${store.id} may fill ${formatBytes(memory)} of the ${formatBytes(limit.bytes)} of ${limit.what}: it is killed before it evicts`,
      arithmetic: `${formatBytes(memory)} / ${formatBytes(limit.bytes)} = ${percent(memory / limit.bytes)} > ${percent(mostShare)}${store.persistence === 'none' ? '' : `; a fork that saves (${store.persistence}) copies what is written meanwhile`}`,
      fix: `memory: ${value} (${percent(usualShare)} of the limit), or a limit of ${formatBytes(memory / usualShare)}`,
      patches: [{ path, value }],
      position: review.locate(...path),
    },
  ]
}
