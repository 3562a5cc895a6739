import type { Patch } from '../../contract/finding.js'
import type { StoreComponent } from '../../topology/types.js'
import { machinesPatch } from '../facts/machines.js'
import { majority, type Quorum, quorumOf } from '../facts/quorum.js'
import type { Review } from '../facts/review.js'
import type { Rule } from './rule.js'

/** Voters of whom none may be lost: two are less available than one. */
export const quorumOfTwo: Rule = {
  severity: 'error',
  explanation: 'A quorum survives the loss of no voter: two are less available than one.',
  formula: 'n − (⌊n/2⌋ + 1) = 0 losses survived',
  check: (review) =>
    review.stores.flatMap((store) => {
      const quorum = quorumOf(store)
      if (quorum === undefined || quorum.voters >= 3) return []
      const { voters, noun } = quorum
      const needed = majority(voters)
      return [
        {
          subject: store.id,
          message:
            voters === 1
              ? `one ${noun} decides alone: nobody is left to elect another when it is lost`
              : `two ${noun}s survive the loss of none: the one that is left is no majority and elects nobody`,
          arithmetic: `${voters} voters, majority ⌊${voters}/2⌋ + 1 = ${needed}: ${voters} − ${needed} = ${voters - needed} may be lost; of 3, 3 − 2 = 1`,
          fix: `three ${noun}s, on three machines`,
          patches: patchesOf(review, store, quorum),
          position: review.locate('components', store.id, quorum.key),
        },
      ]
    }),
}

/** Three of them; the total, where it is written, goes along, and so do the machines. */
const patchesOf = (review: Review, store: StoreComponent, { key, three }: Quorum): readonly Patch[] => {
  const at = (name: string) => ['components', store.id, name]
  const written = (name: string): boolean => review.isWritten(...at(name))
  const groups = key === 'masters' ? 1 : store.shards === undefined ? 1 : store.masters
  const total =
    key === 'masters'
      ? 3 * (1 + store.replicasPerMaster)
      : key === 'readReplicas'
        ? groups * (1 + three)
        : key === 'sentinels'
          ? store.replicas
          : three
  const onlyTotal = (key === 'masters' || key === 'readReplicas') && !written(key) && written('replicas')
  return [
    ...(onlyTotal ? [] : [{ path: at(key), value: three }]),
    ...(key !== 'replicas' && key !== 'sentinels' && written('replicas')
      ? [{ path: at('replicas'), value: total }]
      : []),
    ...(key === 'sentinels' ? [] : machinesPatch(review, store, 3)),
  ]
}
