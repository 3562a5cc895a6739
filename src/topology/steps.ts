/** Which steps a topology has, where their CPU burns and through which pool they wait. */
import type { Distribution } from '../lib/distribution.js'
import { meanSeconds } from '../lib/distribution.js'
import { type Step, type StepId, walk } from './flow.js'
import type { ComponentId, Topology } from './types.js'

export interface StepFact {
  readonly id: StepId
  readonly kind: Step['kind']
  /** The service that executes it. */
  readonly service: ComponentId
  /** The component whose CPU the step burns. */
  readonly burns: ComponentId
  /** Declared CPU per execution; 0: none. */
  readonly cpuSeconds: number
  readonly waitSeconds: number
  /** `component/pool` that it takes a connection of. */
  readonly pool: string | undefined
  /** Calls of `burns` that one execution makes itself: a transaction's are BEGIN and COMMIT, a lookup's GET. */
  readonly exchanges: number
  /** Of a lookup: whether its hit ratio is forced. */
  readonly forced: boolean
  /** Of a lookup: the first step of its miss path, executed once per miss. */
  readonly firstMiss: StepId | undefined
}

const mean = (distribution: Distribution | undefined): number =>
  distribution === undefined ? 0 : meanSeconds(distribution)

const factOf = (step: Step, service: ComponentId): StepFact => {
  const none = { cpuSeconds: 0, waitSeconds: 0, pool: undefined, exchanges: 0, forced: false, firstMiss: undefined }
  const base = { id: step.id, kind: step.kind, service, burns: service, ...none }
  switch (step.kind) {
    case 'compute':
      return { ...base, cpuSeconds: mean(step.cpu) }
    case 'wait':
      return { ...base, waitSeconds: mean(step.wait) }
    case 'lookup':
      return {
        ...base,
        burns: step.target.component,
        exchanges: 1,
        forced: step.hitRatio !== undefined,
        firstMiss: step.miss[0]?.id,
      }
    case 'query':
    case 'write':
    case 'reserve':
    case 'release': {
      const target = 'via' in step ? step.via : step.target
      return {
        ...base,
        burns: target.component,
        exchanges: 1,
        cpuSeconds: mean(step.time.cpu),
        waitSeconds: mean(step.time.wait),
        pool: target.pool === undefined ? undefined : `${service}/${target.pool}`,
      }
    }
    case 'transaction':
      return { ...base, burns: step.target.component, exchanges: 2 }
    default:
      return base
  }
}

/** Every step that some service executes, by id. */
export const stepFacts = (topology: Topology): ReadonlyMap<StepId, StepFact> => {
  const facts = new Map<StepId, StepFact>()
  const add = (flow: readonly Step[], service: ComponentId): void => {
    for (const step of walk(flow)) facts.set(step.id, factOf(step, service))
  }
  for (const request of Object.values(topology.requests)) add(request.flow, request.serve)
  for (const component of Object.values(topology.components)) {
    if (component.role !== 'service') continue
    add(component.flow, component.id)
    for (const operation of Object.values(component.operations)) add(operation.flow, component.id)
  }
  return facts
}
