/** The same flows with every step put through a function, inner steps first. */
import type { Step } from '../../topology/flow.js'
import type { Component, RequestClass, Topology } from '../../topology/types.js'

type Change = (step: Step) => Step
type Flow = readonly Step[]

const changedFlow = (flow: Flow, change: Change): Flow => flow.map((step) => change(withInner(step, change)))

const withInner = (step: Step, change: Change): Step => {
  const of = (flow: Flow): Flow => changedFlow(flow, change)
  const { fallback } = step
  const outer = typeof fallback === 'object' ? { ...step, fallback: of(fallback) } : step
  switch (outer.kind) {
    case 'lookup':
      return { ...outer, miss: of(outer.miss) }
    case 'transaction':
    case 'lock':
    case 'repeat':
      return { ...outer, do: of(outer.do) }
    case 'saga':
      return {
        ...outer,
        entries: outer.entries.map(({ step: entry, undo }) => ({
          step: change(withInner(entry, change)),
          undo: of(undo),
        })),
      }
    case 'parallel':
      return { ...outer, branches: outer.branches.map(of) }
    case 'choose':
      return { ...outer, options: outer.options.map((option) => ({ ...option, flow: of(option.flow) })) }
    default:
      return outer
  }
}

export const mapComponents = (topology: Topology, change: (component: Component) => Component): Topology => ({
  ...topology,
  components: Object.fromEntries(Object.entries(topology.components).map(([id, one]) => [id, change(one)])),
})

export const mapRequests = (topology: Topology, change: (request: RequestClass) => RequestClass): Topology => ({
  ...topology,
  requests: Object.fromEntries(Object.entries(topology.requests).map(([id, one]) => [id, change(one)])),
})

/** Of requests, of workers and of operations alike. */
export const mapSteps = (topology: Topology, change: Change): Topology =>
  mapComponents(
    mapRequests(topology, (request) => ({ ...request, flow: changedFlow(request.flow, change) })),
    (component) =>
      component.role === 'service'
        ? {
            ...component,
            flow: changedFlow(component.flow, change),
            operations: Object.fromEntries(
              Object.entries(component.operations).map(([id, { flow }]) => [id, { flow: changedFlow(flow, change) }]),
            ),
          }
        : component,
  )
