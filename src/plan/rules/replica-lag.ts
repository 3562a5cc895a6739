import type { Patch } from '../../contract/finding.js'
import { percent, seconds } from '../../lib/words.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Review, RunFlow } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

type Query = Extract<Step, { kind: 'query' | 'write' }>

/** A copy answers with what it had before the write that its reader has just made. */
export const replicaLag: Rule = {
  severity: 'error',
  explanation: 'Who must see what it has just written reads from a copy that is behind.',
  formula: 'lag > 0 with consistency: read-your-writes on role replica',
  check: (review) =>
    review.flows.flatMap((run) => {
      const steps = [...walk(run.flow)]
      return steps.flatMap((step, index) =>
        step.kind === 'query' ? judged(review, run, step, steps.slice(0, index)) : [],
      )
    }),
}

const judged = (review: Review, run: RunFlow, query: Query, before: readonly Step[]): readonly RuleFinding[] => {
  const store = review.topology.components[query.target.component]
  if (store?.role !== 'store' || query.target.role !== 'replica') return []
  const { mode = 'async', lagSeconds = 0 } = store.replication ?? {}
  const written = before.find(
    (step) => step.kind === 'write' && step.target.component === store.id && sameTable(step, query),
  )
  const declared = query.consistency === 'read-your-writes'
  // Without a lag that is known, what is declared still cannot be had: asynchronous means that nobody waits.
  if (mode === 'sync' || (!declared && (written === undefined || lagSeconds === 0 || query.consistency === 'eventual')))
    return []
  return [
    {
      subject: query.id,
      message: declared
        ? `${query.id} must see its own writes, and reads them from a copy of ${store.id}`
        : `${query.id} reads from a copy of ${store.id} what ${written?.id} has just written`,
      arithmetic: `replication ${mode}, lag ${seconds(lagSeconds)}: a read within ${seconds(lagSeconds)} of its write sees the old value${lagSeconds > 0 ? `; of reads one lag later e⁻¹ = ${percent(Math.exp(-1))} if the lag is exponential` : ''}`,
      fix: `read it from the primary, or wait for the copy (replication: { mode: sync })`,
      patches: toPrimary(run, query, store.id),
      position: review.locate(...query.path, query.kind),
    },
  ]
}

const sameTable = (write: Query | Step, query: Query): boolean => {
  if (write.kind !== 'write') return false
  const table = (step: Query): string | undefined => step.table ?? step.key
  return table(write) !== undefined && table(write) === table(query)
}

/** The service's pool to the primary, one made for it, or the primary itself where no pool is used. */
const toPrimary = ({ service }: RunFlow, query: Query, store: string): readonly Patch[] => {
  const path = [...query.path, 'query']
  const { pool } = query.target
  const copies = pool === undefined ? undefined : service.pools[pool]
  if (copies === undefined) return [{ path, value: `${store}.primary` }]
  const own = Object.values(service.pools).find(
    ({ to }) => to.component === store && (to.role === undefined || to.role === 'primary'),
  )
  if (own !== undefined) return [{ path, value: `${service.id}.${own.id}` }]
  const name = `${copies.id.slice(0, 54)}-primary`
  return [
    { path: ['components', service.id, 'pools', name], value: { to: `${store}.primary`, size: copies.size } },
    { path, value: `${service.id}.${name}` },
  ]
}
