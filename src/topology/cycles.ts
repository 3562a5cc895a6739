/** Ways that never end: balancers that hand on in a circle, services that call in a circle, workers that feed themselves. */
import type { Path } from '../lib/document/nodes.js'
import { innerFlows, type Step } from './flow.js'
import { report, type Scope } from './scope.js'
import type { Component } from './types.js'

interface Edge {
  readonly to: string
  readonly at: Path
  /** It is taken whenever its source is. */
  readonly certain: boolean
}

type Graph = ReadonlyMap<string, readonly Edge[]>

export const checkCycles = (scope: Scope, components: ReadonlyMap<string, Component>): void => {
  for (const cycle of cycles(upstreamGraph(components))) {
    report(
      scope,
      cycle.at,
      `requests go in a circle: ${cycle.nodes.join(' -> ')}`,
      'a balancer must lead to a service in the end',
    )
  }
  const { calls, messages } = flowGraphs(components)
  for (const cycle of cycles(calls)) {
    const way = cycle.nodes.join(' -> ')
    if (cycle.certain) report(scope, cycle.at, `calls go in a circle without an end: ${way}`)
    else report(scope, cycle.at, `calls in a circle that ends by chance are not supported yet: ${way}`)
  }
  for (const cycle of cycles(messages)) {
    if (cycle.certain && cycle.nodes.some((node) => !calls.has(node))) {
      const message = `messages go in a circle without an end: ${cycle.nodes.join(' -> ')}`
      report(scope, cycle.at, message, 'put the publish into a "choose", so that it happens to some of them only')
    }
  }
}

const upstreamGraph = (components: ReadonlyMap<string, Component>): Graph =>
  new Map(
    [...components.values()].map((component): [string, Edge[]] => {
      if (component.role !== 'balancer') return [component.id, []]
      const single = component.upstreams.length === 1
      return [
        component.id,
        component.upstreams.map(({ component: to }) => ({
          to,
          at: ['components', component.id, ...(single ? ['upstream'] : ['weights', to])],
          certain: true,
        })),
      ]
    }),
  )

/** Operations call operations; what consumes a queue publishes to queues, also by way of what it calls. */
const flowGraphs = (components: ReadonlyMap<string, Component>): { calls: Graph; messages: Graph } => {
  const calls = new Map<string, Edge[]>()
  const messages = new Map<string, Edge[]>()
  const add = (graph: Map<string, Edge[]>, from: string, edge: Edge): void => {
    graph.set(from, [...(graph.get(from) ?? []), edge])
  }
  const collect = (from: string, flow: readonly Step[], isCertain: boolean): void => {
    for (const { step, certain } of withCertainty(flow, isCertain)) {
      if (step.kind === 'call' && step.target.operation !== undefined) {
        const edge = { to: `${step.target.component}.${step.target.operation}`, at: [...step.path, 'call'], certain }
        add(calls, from, edge)
        add(messages, from, edge)
      } else if (step.kind === 'publish') {
        const channel = step.target.queue ?? step.target.topic
        add(messages, from, { to: `${step.target.component}.${channel}`, at: [...step.path, 'publish'], certain })
      }
    }
  }
  for (const component of components.values()) {
    if (component.role !== 'service') continue
    for (const [id, operation] of Object.entries(component.operations))
      collect(`${component.id}.${id}`, operation.flow, true)
    const { consumes } = component
    if (consumes === undefined) continue
    add(messages, `${consumes.component}.${consumes.queue ?? consumes.topic}`, {
      to: `${component.id} (flow)`,
      at: ['components', component.id, 'consumes'],
      certain: true,
    })
    collect(`${component.id} (flow)`, component.flow, true)
  }
  return { calls, messages }
}

/** Steps that run whenever the flow does, and those that a choice, a miss, a failure or an undo decides on. */
function* withCertainty(flow: readonly Step[], certain: boolean): Generator<{ step: Step; certain: boolean }> {
  for (const step of flow) {
    yield { step, certain }
    const whole = certainFlows(step)
    for (const inner of innerFlows(step))
      yield* withCertainty(inner, certain && (whole.includes(inner) || isSagaEntry(step, inner)))
  }
}

const isSagaEntry = (step: Step, flow: readonly Step[]): boolean =>
  step.kind === 'saga' && step.entries.some((entry) => entry.step === flow[0])

const certainFlows = (step: Step): readonly (readonly Step[])[] => {
  switch (step.kind) {
    case 'transaction':
    case 'lock':
    case 'repeat':
      return [step.do]
    case 'lookup':
      return step.hitRatio === 0 ? [step.miss] : []
    case 'parallel':
      return step.branches
    case 'choose':
      return step.options.filter((option) => option.weight === 1).map((option) => option.flow)
    default:
      return []
  }
}

interface Cycle {
  /** The first node again at the end. */
  readonly nodes: readonly string[]
  /** The edge that closes it. */
  readonly at: Path
  readonly certain: boolean
}

/** One cycle for every edge that closes one, found depth first without recursion deeper than the graph. */
const cycles = (graph: Graph): readonly Cycle[] => {
  const found: Cycle[] = []
  const done = new Set<string>()
  for (const start of graph.keys()) {
    const stack: { node: string; next: number; by: Edge | undefined }[] = [{ node: start, next: 0, by: undefined }]
    if (done.has(start)) continue
    while (stack.length > 0) {
      const top = stack.at(-1)
      if (top === undefined) break
      const edge = graph.get(top.node)?.[top.next++]
      if (edge === undefined) {
        done.add(top.node)
        stack.pop()
        continue
      }
      const back = stack.findIndex(({ node }) => node === edge.to)
      if (back >= 0) {
        const way = stack.slice(back)
        const certain = edge.certain && way.slice(1).every(({ by }) => by?.certain === true)
        found.push({ nodes: [...way.map(({ node }) => node), edge.to], at: edge.at, certain })
      } else if (!done.has(edge.to)) stack.push({ node: edge.to, next: 0, by: edge })
    }
  }
  return found
}
