/** What the review rules may ask of a topology, its plan and its solution: computed once, at the first question. */

import type { Placement } from '../../result/placement.js'
import type { Moments } from '../../sim/analytic/gamma.js'
import { fittedQuantile } from '../../sim/analytic/gamma.js'
import { type Node, requestTree, stepsTree, type TreeContext } from '../../sim/analytic/network/flow-tree.js'
import type { HitRatios } from '../../sim/analytic/network/hit-ratios.js'
import { alone, momentsOf } from '../../sim/analytic/network/timing.js'
import type { Usage } from '../../sim/analytic/network/usage.js'
import type { Step } from '../../topology/flow.js'
import type { Component, RequestClass, ServiceComponent, StoreComponent, Topology } from '../../topology/types.js'
import type { CapacityPlan } from '../types.js'

export interface ReviewInput {
  readonly topology: Topology
  /** Complete but for its findings. */
  readonly plan: CapacityPlan
  readonly placement: Placement
  readonly usage: Usage
  readonly hits: HitRatios
  /** With which flows were read as trees of work. */
  readonly tree: TreeContext
}

/** A flow with who executes it and, for a request, its class. */
export interface RunFlow {
  readonly service: ServiceComponent
  readonly flow: readonly Step[]
  readonly request: RequestClass | undefined
}

export class Review implements ReviewInput {
  readonly topology: Topology
  readonly plan: CapacityPlan
  readonly placement: Placement
  readonly usage: Usage
  readonly hits: HitRatios
  readonly tree: TreeContext
  readonly components: readonly Component[]
  readonly services: readonly ServiceComponent[]
  readonly stores: readonly StoreComponent[]
  readonly requests: readonly RequestClass[]
  readonly flows: readonly RunFlow[]
  /** Requests of the mix per second; 0 without traffic. */
  readonly throughput: number

  constructor(input: ReviewInput) {
    this.topology = input.topology
    this.plan = input.plan
    this.placement = input.placement
    this.usage = input.usage
    this.hits = input.hits
    this.tree = input.tree
    this.throughput = input.plan.demand.throughputPerSecond
    this.components = Object.values(input.topology.components)
    this.services = this.components.filter((component) => component.role === 'service')
    this.stores = this.components.filter((component) => component.role === 'store')
    this.requests = Object.values(input.topology.requests)
    this.flows = [
      ...this.requests.flatMap((request) => {
        const service = this.topology.components[request.serve]
        return service?.role === 'service' ? [{ service, flow: request.flow, request }] : []
      }),
      ...this.services.flatMap((service) =>
        [service.flow, ...Object.values(service.operations).map(({ flow }) => flow)]
          .filter((flow) => flow.length > 0)
          .map((flow) => ({ service, flow, request: undefined })),
      ),
    ]
  }

  readonly locate = (...path: (string | number)[]) => this.topology.source.locate(path)

  /** Does this path stand in the file, or is it a default? */
  readonly isWritten = (...path: (string | number)[]): boolean => {
    const { locate } = this.topology.source
    const at = locate(path)
    const around = locate(path.slice(0, -1))
    return at.line !== around.line || at.column !== around.column
  }

  private context(hitRatio: TreeContext['hitRatio'] = this.hits.of): TreeContext {
    return { ...this.tree, hitRatio }
  }

  private momentsAlone(tree: Node): Moments {
    return momentsOf(
      tree,
      alone((node) => this.usage.price(node, this.throughput)),
    )
  }

  /** Time of some steps when nobody else is there. */
  timeOf(service: ServiceComponent, steps: readonly Step[]): Moments {
    return this.momentsAlone(stepsTree(service.id, steps, this.context()))
  }

  /** The time that so large a share of executions does not exceed when nobody else is there; of a gamma distribution with these moments. */
  quantileOf(service: ServiceComponent, steps: readonly Step[], share: number): number {
    return quantile(this.timeOf(service, steps), share)
  }

  /** Of a whole request when nobody else is there; `hit` given: if its lookups all hit, or all miss. */
  responseOf(request: RequestClass, hit?: boolean): Moments {
    const ratio = hit === undefined ? undefined : hit ? 1 : 0
    return this.momentsAlone(requestTree(request, this.context(ratio === undefined ? undefined : () => ratio)))
  }

  /** Executions per second of a step at the declared traffic. */
  rateOf(step: Step): number {
    return this.plan.demand.steps[step.id]?.executionsPerSecond ?? 0
  }
}

export const quantile = (moments: Moments, share: number): number =>
  moments.variance > 0 ? fittedQuantile(moments, share) : moments.mean
