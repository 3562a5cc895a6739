import { counted } from '../../lib/words.js'
import { instanceCount } from '../../topology/instances.js'
import type { Component } from '../../topology/types.js'
import { isCopied, machinesOf, machinesPatch, zoneOf } from '../facts/machines.js'
import { majority, quorumOf } from '../facts/quorum.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** Redundancy that one loss takes at once: copies, or a majority, on one machine or in one zone. */
export const correlatedFailure: Rule = {
  severity: 'warning',
  explanation: 'Instances that should replace each other share one machine or one zone, and are lost together.',
  formula: 'instances − ⌈instances / machines⌉ < instances needed',
  check: (review) =>
    review.components.flatMap((component) => [...onMachines(review, component), ...inZone(review, component)]),
}

interface Redundancy {
  readonly instances: number
  /** Of which so many must be left. */
  readonly needed: number
  readonly noun: string
}

const redundancyOf = (review: Review, component: Component): Redundancy | undefined => {
  const { survive } = review.topology.policy
  if (component.role === 'store') {
    const quorum = quorumOf(component)
    // Two voters survive nothing wherever they are: that rule's matter.
    if (quorum !== undefined && quorum.key !== 'sentinels')
      return quorum.voters < 3
        ? undefined
        : { instances: quorum.voters, needed: majority(quorum.voters), noun: quorum.noun }
    return isCopied(component) ? { instances: instanceCount(component), needed: 1, noun: 'copy' } : undefined
  }
  const replaceable = component.role === 'service' || component.role === 'balancer'
  // Several processes on one machine may be there for its cores, unless a loss is to be survived.
  return replaceable && component.replicas > 1 && survive !== 'nothing'
    ? { instances: component.replicas, needed: 1, noun: 'replica' }
    : undefined
}

const onMachines = (review: Review, component: Component): readonly RuleFinding[] => {
  const redundancy = redundancyOf(review, component)
  const machines = machinesOf(review, component).size
  if (redundancy === undefined || machines === 0) return []
  const { instances, needed, noun } = redundancy
  const together = Math.ceil(instances / machines)
  if (instances - together >= needed) return []
  const wanted = Math.ceil(instances / (instances - needed))
  return [
    {
      subject: component.id,
      message:
        machines === 1
          ? `all ${instances} of ${component.id} (${noun}) are on one machine of host ${component.host}`
          : `one machine of host ${component.host} takes ${together} of the ${instances} of ${component.id} (${noun}) with it`,
      arithmetic: `${counted(instances, noun).replace('copys', 'copies')} on ${counted(machines, 'machine')}: ⌈${instances}/${machines}⌉ = ${together} lost at once, ${instances - together} left, ${needed} needed`,
      fix: `${counted(wanted, 'machine')}`,
      patches: machinesPatch(review, component, wanted),
      position: review.locate('components', component.id, 'host'),
    },
  ]
}

/** A zone is a matter only where its loss is to be survived. */
const inZone = (review: Review, component: Component): readonly RuleFinding[] => {
  const { survive } = review.topology.policy
  const zone = zoneOf(review, component)
  if (survive !== 'one-zone' || zone === undefined || component.role === 'monitor' || component.role === 'external')
    return []
  const twins = review.components.filter((other) => other !== component && standsIn(review, component, other))
  if (twins.some((other) => zoneOf(review, other) !== undefined && zoneOf(review, other) !== zone)) return []
  return [
    {
      subject: component.id,
      message: `all of ${component.id} is in zone ${zone}, and policy.survive is one-zone`,
      arithmetic: `${counted(instanceCount(component), 'instance')} in zone ${zone} − the zone = 0 left`,
      fix: 'the same again in another zone, behind the same balancer',
      decision: `a second zone for ${component.id}: what it costs, and which of the two serves`,
      position: review.locate('components', component.id, ...(component.zone === undefined ? ['host'] : ['zone'])),
    },
  ]
}

/** Does some balancer hand the same requests to either? */
const standsIn = (review: Review, component: Component, other: Component): boolean =>
  review.components.some(
    (balancer) =>
      balancer.role === 'balancer' &&
      [component, other].every(({ id }) => balancer.upstreams.some((upstream) => upstream.component === id)),
  )
