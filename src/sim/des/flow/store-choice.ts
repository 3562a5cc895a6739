/** Which process of a store a call goes to. */
import type { Component, Target } from '../../../topology/types.js'
import { shardOf } from '../../state/shards.js'
import type { Endpoint } from '../endpoint.js'
import { type Choice, Shards } from '../operands.js'
import { isReplicated } from '../replication.js'
import type { System } from '../system.js'

/** The shard that a step about a key of `data` goes to: by that key, or by the one that the store's `shards` name. */
export const shardChooser = (system: System, component: Component, data: number): ((task: number) => number) => {
  const { by, count } = divided(system, component, data)
  if (count <= 1) return () => 0
  const { tasks } = system.kernel
  return (task) => shardOf(system.keyOf(tasks.request[task] as number, by), count)
}

/** Into how many shards a store is divided, and by the keys of which data set where a step is about `data`. */
const divided = (
  system: System,
  component: Component,
  data: number,
): { readonly by: number; readonly count: number } => {
  if (component.role !== 'store' || component.masters <= 1) return { by: -1, count: 1 }
  const { masters, shards } = component
  return { by: shards === undefined ? data : system.dataIndex(shards.key), count: masters }
}

/** The primary of the shard, or its replicas in turn. Who serves a role may change. */
export const storeChooser = (system: System, target: Target, data: number): Choice => {
  const { component, roles, replicasOf, endpoints } = system.member(target.component)
  const role = target.role ?? 'primary'
  const primaries = roles[role] ?? endpoints
  const [only] = primaries
  if (only === undefined) throw new Error(`${target.component} has no instance`)
  const replicated = component.role === 'store' && isReplicated(component)
  if (primaries.length === 1 && !replicated) return only
  const shard = shardChooser(system, component, data)
  if (role !== 'replica') {
    const { by, count } = divided(system, component, data)
    return new Shards(primaries, by, count, (task) => primaries[shard(task)] ?? only)
  }
  const turns = replicasOf.map(() => 0)
  return (task): Endpoint => {
    const index = shard(task)
    const copies = replicasOf[index] ?? primaries
    const turn = turns[index] ?? 0
    turns[index] = turn + 1
    return copies[turn % copies.length] ?? only
  }
}
