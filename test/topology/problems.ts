import { readFileSync } from 'node:fs'
import { engineRegistry } from '../../src/catalog/index.js'
import { PlimsollError, type Problem } from '../../src/lib/errors.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'

export const parse = (text: string): Topology => parseTopology(text, { file: 't.yaml', registry: engineRegistry })

/** What is wrong with a text; empty when it parses. Anything but an error for users is thrown on. */
export const problemsOf = (text: string): readonly Problem[] => {
  try {
    parse(text)
    return []
  } catch (error) {
    if (error instanceof PlimsollError) return error.problems
    throw error
  }
}

/** `line:column message` */
export const told = (text: string): readonly string[] =>
  problemsOf(text).map(({ position, message }) => `${position?.line}:${position?.column} ${message}`)

export const fixture = (name: string): string => readFileSync(`test/fixtures/topologies/${name}.yaml`, 'utf8')
export const scenario = (name = 'optimization-api'): string => readFileSync(`scenarios/${name}/topology.yaml`, 'utf8')

/** A small topology whose parts can be replaced by other YAML (each indented by two). */
export const topology = (
  parts: { hosts?: string; data?: string; components?: string; requests?: string; rest?: string } = {},
): string =>
  `apiVersion: plimsoll/v1
kind: Topology
name: small
hosts:
${parts.hosts ?? '  box: { cpu: 2 }'}
data:
${parts.data ?? '  product: { keys: 10, counters: { stock: 5 } }'}
components:
${
  parts.components ??
  `  edge: { engine: nginx, upstream: app }
  app: { engine: service, pools: { main: { to: db, size: 5 } } }
  cache: { engine: redis }
  db: { engine: postgres }
  queue: { engine: rabbitmq, queues: { tasks: { priorities: 3 } } }
  log: { engine: kafka, topics: { orders: { partitions: 3 } } }
  pay: { engine: external, latency: 20ms }
  stock: { engine: service, operations: { hold: { flow: [{ compute: 1ms }] } } }`
}
requests:
${parts.requests ?? '  get: { share: 100%, enter: edge, serve: app, flow: [{ compute: 1ms }] }'}
${parts.rest ?? ''}`

/** The flow of the small topology's only request, written as flow-style YAML. */
export const withFlow = (flow: string): string =>
  topology({ requests: `  get: { share: 100%, enter: edge, serve: app, flow: ${flow} }` })

export const flowOf = (flow: string) => parse(withFlow(flow)).requests.get?.flow ?? []
