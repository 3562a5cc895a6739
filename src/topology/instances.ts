import type { Component } from './types.js'

/** Instances in all; a store's copies count besides its primaries, whichever way they were written. */
export const instanceCount = (component: Component): number => {
  if (component.role === 'external' || component.role === 'monitor') return 0
  if (component.role !== 'store') return component.replicas
  const { masters, replicasPerMaster, readReplicas } = component
  return Math.max(component.replicas, masters * (1 + replicasPerMaster) + readReplicas)
}
