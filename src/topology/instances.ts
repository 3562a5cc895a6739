import type { Component, StoreComponent } from './types.js'

/** Instances in all; a store's copies count besides its primaries, whichever way they were written. */
export const instanceCount = (component: Component): number => {
  if (component.role === 'external' || component.role === 'monitor') return 0
  if (component.role !== 'store') return component.replicas
  const { masters, replicasPerMaster, readReplicas } = component
  return Math.max(component.replicas, masters * (1 + replicasPerMaster) + readReplicas)
}

/** First the masters, then their copies in turn: shard s has members s, masters + s, 2·masters + s, … */
export const shardMembers = ({ masters }: StoreComponent, members: number): readonly (readonly number[])[] =>
  Array.from({ length: masters }, (_, shard) =>
    Array.from({ length: members }, (_, member) => member).filter((member) => member % masters === shard),
  )
