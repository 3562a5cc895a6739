/** What the account of a simulation says of each invariant. Bounds are 0, and what is observed is a number of violations. */
import type { InvariantName } from '../../experiment/invariants.js'
import type { Judgement } from '../../result/run-result.js'
import type { SharedState } from './state-ledger.js'

/** How many violations there were and what they are; undefined: the topology has nothing that could violate it. */
interface Finding {
  readonly violations: number
  readonly why: string
}

const check: { readonly [Name in InvariantName]: (state: SharedState) => Finding | undefined } = {
  'no-oversell': ({ has, counterPlaces, counters }) => {
    if (!has.counters) return undefined
    const oversold = counterPlaces.map((place) => ({ place, of: counters.of(place.counter) }))
    return {
      violations: oversold.reduce((sum, { of }) => sum + of.oversold, 0),
      why: listed(
        oversold.filter(({ of }) => of.oversold > 0),
        ({ place, of }) =>
          `${place.name} in ${place.store}: ${of.oversold} more than there were, of ${counted(of.oversoldKeys, 'key')}, at most ${of.worstOversold} of one`,
      ),
    }
  },
  'no-lost-writes': ({ lost, has }) =>
    has.changes
      ? {
          violations: [...lost.values()].reduce((sum, count) => sum + count, 0),
          why: listed([...lost], ([store, count]) => `${counted(count, 'acknowledged write')} lost by ${store}`),
        }
      : undefined,
  'no-stale-reads': ({ staleReads, has }) =>
    has.laggingCopies
      ? {
          violations: staleReads,
          why: `${counted(staleReads, 'read')} from a copy that had not received the last write`,
        }
      : undefined,
  'no-double-effect': ({ effects, has }) =>
    has.changes
      ? {
          violations: effects.doubled,
          why: `${counted(effects.doubled, 'write')} of ${counted(effects.doubledRequests, 'request')} took effect again`,
        }
      : undefined,
  'no-lost-messages': ({ messages }) =>
    messages && { violations: messages.lost, why: `${counted(messages.lost, 'accepted message')} lost` },
  'mutual-exclusion': ({ has, lockPlaces, locks }) => {
    if (!has.locks) return undefined
    const overlaps = lockPlaces.map((place) => ({ place, of: locks.locks.of(place.space) }))
    return {
      violations: overlaps.reduce((sum, { of }) => sum + of.overlaps, 0),
      why: listed(
        overlaps.filter(({ of }) => of.overlaps > 0),
        ({ place, of }) =>
          `${place.name}: ${counted(of.overlaps, 'time')} a holder entered while another still worked (${of.expired} of ${of.acquired} outlived their ttl${of.forgotten > 0 ? `, ${of.forgotten} were forgotten` : ''})`,
      ),
    }
  },
  'no-half-done-saga': ({ sagas, has }) =>
    has.sagas
      ? {
          violations: sagas.failed + sagas.stranded,
          why: `${counted(sagas.failed, 'undo list')} failed three times, ${sagas.stranded} died with ${sagas.stranded === 1 ? 'its' : 'their'} process`,
        }
      : undefined,
}

export const invariantJudgements = (state: SharedState): readonly Judgement[] =>
  Object.entries(check).map(([name, judge]) => {
    const found = judge(state)
    if (found === undefined)
      return {
        name,
        verdict: 'invalid',
        observed: null,
        bound: null,
        why: 'the topology has nothing that could violate it',
      }
    const { violations, why } = found
    return violations === 0
      ? { name, verdict: 'pass', observed: 0, bound: 0 }
      : { name, verdict: 'fail', observed: violations, bound: 0, why }
  })

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const listed = <T>(items: readonly T[], text: (item: T) => string): string => items.map(text).join('; ')
