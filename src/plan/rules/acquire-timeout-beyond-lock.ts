import { seconds } from '../../lib/words.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Review, RunFlow } from '../facts/review.js'
import { durationText } from '../facts/text.js'
import type { Rule, RuleFinding } from './rule.js'

/** Who waits for a connection under a lock may get it when the lock is long gone. */
export const acquireTimeoutBeyondLock: Rule = {
  severity: 'error',
  explanation:
    'Under a lock a connection is waited for longer than the lock lives: what is done then is done without it.',
  formula: 'acquireTimeout ≥ ttl of the lock around it',
  check: (review) => {
    const found = new Map<string, RuleFinding & { readonly ttlSeconds: number }>()
    for (const run of review.flows)
      for (const step of walk(run.flow)) {
        if (step.kind !== 'lock') continue
        for (const finding of judged(review, run, step)) {
          const key = JSON.stringify(finding.patches?.[0]?.path)
          const before = found.get(key)
          if (before === undefined || before.ttlSeconds > step.ttlSeconds)
            found.set(key, { ...finding, ttlSeconds: step.ttlSeconds })
        }
      }
    return [...found.values()].map(({ ttlSeconds: _, ...finding }) => finding)
  },
}

/** Of what the lock leaves beside the work. */
const part = 0.5

const judged = (review: Review, { service }: RunFlow, lock: Extract<Step, { kind: 'lock' }>): readonly RuleFinding[] =>
  [...walk(lock.do)].flatMap((step): readonly RuleFinding[] => {
    const target =
      step.kind === 'reserve' || step.kind === 'release' ? step.via : 'target' in step ? step.target : undefined
    const pool = target?.pool === undefined ? undefined : service.pools[target.pool]
    // A timeout of the step includes the wait for its connection.
    if (pool === undefined || step.timeoutSeconds !== undefined || lock.fencing) return []
    const acquire = pool.acquireTimeoutSeconds
    if (acquire !== undefined && acquire < lock.ttlSeconds) return []
    const work = review.quantileOf(service, lock.do, 0.99)
    const left = Math.max(lock.ttlSeconds - work, lock.ttlSeconds * 0.1)
    const path = ['components', service.id, 'pools', pool.id, 'acquireTimeout']
    const value = durationText(left * part)
    return [
      {
        subject: `${service.id}.${pool.id}`,
        message: `${step.id} waits ${acquire === undefined ? 'for ever' : `up to ${seconds(acquire)}`} for a connection under a lock that lives ${seconds(lock.ttlSeconds)}`,
        arithmetic: `acquireTimeout ${acquire === undefined ? '∞' : seconds(acquire)} ≥ ttl ${seconds(lock.ttlSeconds)}; the work takes ${seconds(work)} (p99), which leaves ${seconds(left)}`,
        fix: `acquireTimeout: ${value}, or the connection before the lock`,
        patches: [{ path, value }],
        position: review.locate(...path),
      },
    ]
  })
