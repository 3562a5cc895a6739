import { failoverOf } from '../../catalog/models.js'
import { seconds } from '../../lib/words.js'
import type { StoreComponent } from '../../topology/types.js'
import { isCopied } from '../facts/machines.js'
import type { Rule } from './rule.js'

/** Copies of which none takes over: the store is down until somebody gets up at night. */
export const noAutomaticPromotion: Rule = {
  severity: 'warning',
  explanation: 'A store has copies, but nobody promotes one when the primary is lost.',
  formula: 'copies > 0 and no election: outage = until a person acts',
  check: (review) =>
    review.stores.flatMap((store) => {
      if (!isCopied(store) || failoverOf(store).election !== 'none') return []
      const copies = store.readReplicas + store.replicasPerMaster
      return [
        {
          subject: store.id,
          message: `when the primary of ${store.id} is lost, nobody promotes its ${copies === 1 ? 'copy' : 'copies'}: writes fail until a person acts`,
          arithmetic: `1 primary + ${copies} ${copies === 1 ? 'copy' : 'copies'}, mode ${store.mode}, no failover: detect + promote = ∞; with one, say, ${seconds(10)} + ${seconds(20)} = ${seconds(30)}`,
          ...remedy(store),
          position: review.locate('components', store.id),
        },
      ]
    }),
}

const remedy = (store: StoreComponent) =>
  store.engine === 'redis'
    ? {
        fix: 'mode: sentinel, whose sentinels promote a replica',
        patches: [{ path: ['components', store.id, 'mode'], value: 'sentinel' }],
      }
    : {
        fix: `something beside it that promotes (Patroni, Orchestrator, a cloud), declared as failover: { detect: 10s, promote: 20s }`,
        decision: `who promotes a copy of ${store.id}: run a supervisor and declare its failover times, or accept an outage until a person acts`,
      }
