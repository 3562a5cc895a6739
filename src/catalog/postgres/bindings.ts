/** What a service is told of a store, by `component` and `component.role`. Pure: every runtime binds its services with it. */
import type { Binding } from '../../contract/workload.js'
import type { Component } from '../../topology/types.js'
import { hasStandbys } from './replication.js'

/** `addresses`: of all instances, in order; the first is the primary at the start. */
export const bindingsOf = (
  component: Component,
  addresses: Binding['addresses'],
  login: Partial<Binding> = {},
): Readonly<Record<string, Binding>> => {
  const binding: Binding = { engine: component.engine, addresses, ...login }
  if (component.engine !== 'postgres' || component.role !== 'store' || !hasStandbys(component))
    return { [component.id]: binding }
  const primary: Binding = { ...binding, session: 'primary' }
  return {
    [component.id]: primary,
    [`${component.id}.primary`]: primary,
    [`${component.id}.replica`]: { ...binding, session: 'replica' },
  }
}
