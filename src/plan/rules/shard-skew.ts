import { number, percent } from '../../lib/words.js'
import type { DataSet, StoreComponent } from '../../topology/types.js'
import { shardShares } from '../facts/popularity.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** The busiest shard may have this many times its part before it is told. */
const tolerated = 1.5

/** Shards by a popular key: the one with the hottest key is full while the others idle. */
export const shardSkew: Rule = {
  severity: 'warning',
  explanation: 'One shard gets far more than its part of the requests, and is full while the others idle.',
  formula: 'max share × shards > 1.5',
  check: (review) =>
    review.stores.flatMap((store) => {
      const data = store.shards === undefined ? undefined : review.topology.data[store.shards.key]
      return store.shards === undefined || data === undefined ? [] : judged(review, store, store.shards.count, data)
    }),
}

const judged = (review: Review, store: StoreComponent, count: number, data: DataSet): readonly RuleFinding[] => {
  if (count < 2) return []
  const share = Math.max(...shardShares(data, count))
  const skew = share * count
  if (skew <= tolerated) return []
  const law = data.popularity.law === 'zipf' ? `zipf(${data.popularity.exponent})` : 'uniform'
  return [
    {
      subject: store.id,
      message: `the busiest of the ${count} shards of ${store.id} gets ${number(skew)} times its part: together they carry what ${number(count / skew)} would`,
      arithmetic: `${data.keys} keys of ${data.id}, ${law}, by hash: ${percent(share)} of requests × ${count} shards = ${number(skew)}; ${count} / ${number(skew)} = ${number(count / skew)} shards' worth`,
      fix: `a key that is spread more evenly than ${data.id}, or the hottest keys split (key:0 … key:n)`,
      decision: `another shard key than ${data.id}, which means moving the data`,
      position: review.locate('components', store.id, 'shards', 'key'),
    },
  ]
}
