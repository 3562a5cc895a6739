/** Who has to agree before a store goes on after a loss. */
import { failoverOf } from '../../catalog/models.js'
import type { StoreComponent } from '../../topology/types.js'

export interface Quorum {
  readonly voters: number
  /** What they are. */
  readonly noun: string
  /** Key of the component that says how many there are. */
  readonly key: 'replicas' | 'masters' | 'sentinels' | 'readReplicas'
  /** Value of that key for a quorum of three. */
  readonly three: number
}

/** Redis' documentation asks for at least three sentinels; nobody runs fewer without saying so. */
const usualSentinels = 3

/** Undefined: nobody votes there, or there is only one. */
export const quorumOf = (store: StoreComponent): Quorum | undefined => {
  const by = (voters: number, noun: string, key: Quorum['key'], three = 3): Quorum => ({ voters, noun, key, three })
  switch (store.engine) {
    case 'kafka':
      return store.replicas > 1 ? by(store.replicas, 'KRaft voter', 'replicas') : undefined
    case 'etcd':
      return store.replicas > 1 ? by(store.replicas, 'etcd member', 'replicas') : undefined
    case 'rabbitmq':
      return store.replicas > 1 ? by(store.replicas, 'member of its quorum queues', 'replicas') : undefined
    case 'mongodb': {
      const copies = store.shards === undefined ? store.readReplicas : store.replicasPerMaster
      return copies > 0 && failoverOf(store).election === 'members'
        ? by(1 + copies, 'member of the replica set', 'readReplicas', 2)
        : undefined
    }
    case 'redis':
      if (store.mode === 'cluster') return by(store.masters, 'Redis Cluster master', 'masters')
      return store.mode === 'sentinel' ? by(store.sentinels ?? usualSentinels, 'sentinel', 'sentinels') : undefined
    default:
      return undefined
  }
}

export const majority = (voters: number): number => Math.floor(voters / 2) + 1
