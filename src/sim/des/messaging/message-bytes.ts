/** How large messages are on their way: the body of the request that they are about, and what every message has besides. */
import { type Step, walk } from '../../../topology/flow.js'
import type { RequestClass, ServiceComponent, Topology } from '../../../topology/types.js'

/** What a message takes besides its body, and what an empty body is taken for. */
export const messageOverheadBytes = 96

type Publish = Extract<Step, { kind: 'publish' }>

/** Of the classes whose flows publish; where it is others who do on their behalf, of all classes: by their shares. */
const meanBytes = ({ requests }: Topology, publishes: (step: Step) => boolean): number => {
  const all = Object.values(requests)
  const own = all.filter(({ flow }) => [...walk(flow)].some(publishes))
  const among = own.length > 0 ? own : all
  const weightOf = ({ share }: RequestClass): number => Math.max(share, 1e-9)
  const total = among.reduce((sum, request) => sum + weightOf(request), 0)
  const bytes = among.reduce((sum, request) => sum + weightOf(request) * request.bytes.in, 0)
  return messageOverheadBytes + (total > 0 ? bytes / total : 0)
}

export const publishedBytes = (topology: Topology, step: Publish): number =>
  meanBytes(topology, ({ id }) => id === step.id)

export const consumedBytes = (topology: Topology, { consumes }: ServiceComponent): number =>
  meanBytes(
    topology,
    (step) =>
      step.kind === 'publish' &&
      step.target.component === consumes?.component &&
      step.target.queue === consumes.queue &&
      step.target.topic === consumes.topic,
  )
