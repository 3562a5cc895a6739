/** What of a component is left when some of its instances are lost, and whether it still serves. */
import { mostControllers } from '../catalog/kafka/model.js'
import { failoverOf } from '../catalog/models.js'
import { counted } from '../lib/words.js'
import { instanceCount, shardMembers } from '../topology/instances.js'
import type { Component, StoreComponent } from '../topology/types.js'

/** The instances that serve on, in the order of their roles (primaries first), or why none do. */
export type Remainder =
  | { readonly serves: true; readonly instances: readonly number[]; readonly component: Component }
  | { readonly serves: false; readonly why: string }

const down = (why: string): Remainder => ({ serves: false, why })

/** More than half of `members`. */
export const majorityOf = (members: number): number => Math.floor(members / 2) + 1

const keptOf = (component: Component, lost: ReadonlySet<number>): readonly number[] =>
  Array.from({ length: instanceCount(component) }, (_, index) => index).filter((index) => !lost.has(index))

/** `lost`: indices of instances, which do not come back. */
export const remainderOf = (component: Component, lost: ReadonlySet<number>): Remainder => {
  const kept = keptOf(component, lost)
  if (kept.length === 0) return down(instanceCount(component) === 1 ? 'it has one instance' : 'no instance is left')
  if (component.role === 'store') return storeRemainder(component, kept, lost)
  if (component.role === 'external' || component.role === 'monitor') return { serves: true, instances: kept, component }
  return { serves: true, instances: kept, component: { ...component, replicas: kept.length } }
}

const storeRemainder = (store: StoreComponent, kept: readonly number[], lost: ReadonlySet<number>): Remainder => {
  const all = instanceCount(store)
  if (store.engine === 'kafka') return kafkaRemainder(store, kept, lost)
  if (store.engine === 'rabbitmq') {
    if (kept.length < majorityOf(all)) return down(votesMissing('node', kept.length, all))
    return { serves: true, instances: kept, component: { ...store, replicas: kept.length } }
  }
  if (store.masters * (1 + store.replicasPerMaster) + store.readReplicas <= 1)
    return { serves: true, instances: kept, component: { ...store, replicas: kept.length } }
  return replicatedRemainder(store, kept, lost)
}

const votesMissing = (noun: string, left: number, all: number): string =>
  `${left} of ${counted(all, noun)} ${left === 1 ? 'is' : 'are'} left, a majority is ${majorityOf(all)}`

const kafkaRemainder = (store: StoreComponent, kept: readonly number[], lost: ReadonlySet<number>): Remainder => {
  const voters = Math.min(instanceCount(store), mostControllers)
  const voting = kept.filter((index) => index < voters).length
  if (voting < majorityOf(voters)) return down(votesMissing('voter', voting, voters))
  const copies = Math.min(store.replicationFactor ?? 1, instanceCount(store))
  if (lost.size >= copies) return down(`partitions have ${copies === 1 ? 'one copy' : `${copies} copies`}`)
  return { serves: true, instances: kept, component: { ...store, replicas: kept.length } }
}

const replicatedRemainder = (store: StoreComponent, kept: readonly number[], lost: ReadonlySet<number>): Remainder => {
  const { election } = failoverOf(store)
  const shards = shardMembers(store, instanceCount(store))
  const masters = shards.map(([first = 0]) => first)
  const lostMasters = masters.filter((master) => lost.has(master))
  if (lostMasters.length > 0) {
    if (election === 'none') return down('nobody promotes a replica when the primary is lost')
    const up = masters.length - lostMasters.length
    if (election === 'masters' && up < majorityOf(masters.length))
      return down(votesMissing('master', up, masters.length))
    const members = instanceCount(store)
    if (election === 'members' && kept.length < majorityOf(members))
      return down(votesMissing('member', kept.length, members))
  }
  const primaries: number[] = []
  for (const members of shards) {
    const heir = members.find((member) => !lost.has(member))
    if (heir === undefined)
      return down(shards.length === 1 ? 'no copy is left' : 'a master without a replica is lost, and its keys with it')
    primaries.push(heir)
  }
  const rest = kept.filter((index) => !primaries.includes(index))
  return {
    serves: true,
    instances: [...primaries, ...rest],
    component: {
      ...store,
      replicas: Math.min(store.replicas, kept.length),
      replicasPerMaster: 0,
      readReplicas: rest.length,
    },
  }
}
