/**
 * What is simulated, as YAML, so that the whole product is measured: parsed topology → engine → result. Rates are in the ten thousands
 * per second: what is done once per simulated second (meters, series, percentiles) must not be what is measured.
 */
import { engineRegistry } from '../../dist/catalog/index.js'
import { defaultExperiment } from '../../dist/experiment/default.js'
import { simulate } from '../../dist/sim/des/simulate.js'
import { parseTopology } from '../../dist/topology/parse.js'

export const topologyOf = (name, body) =>
  parseTopology(`apiVersion: plimsoll/v1\nkind: Topology\nname: ${name}\n${body}`, {
    file: `${name}.yaml`,
    registry: engineRegistry,
  })

export const mm1Rate = 80_000
export const mm1Served = 100_000
export const threeTierRate = 70_000

/** The same queue as the bare loop: ρ = 0.8. */
export const mm1 = () =>
  topologyOf(
    'mm1',
    `
components:
  server: { engine: service, execution: { model: event-loop, processes: 1 } }
requests:
  get: { share: 100%, serve: server, route: GET /, flow: [{ compute: ${1e6 / mm1Served}us }] }
traffic: { rate: ${mm1Rate}/s }
`,
  )

/**
 * Least connections over three app servers, a pool each, a database on four cores; a client timeout and an acquire timeout with
 * every request. App servers and database are at 70 %; the balancer is given no CPU of its own.
 */
export const threeTier = () =>
  topologyOf(
    'three-tier',
    `
hosts:
  edge: { count: 1, cpu: 1 }
  app: { count: 1, cpu: 3 }
  db: { count: 1, cpu: 4 }
components:
  edge: { engine: nginx, host: edge, upstream: app, balance: least_conn, demand: { cpu: 0s } }
  app:
    engine: service
    host: app
    replicas: 3
    execution: { model: event-loop, processes: 1 }
    demand: { cpu: 0s }
    pools: { main: { to: db, size: 10, acquireTimeout: 50ms } }
  db: { engine: postgres, host: db, maxConnections: 100, demand: { cpu: 0s } }
requests:
  get:
    share: 100%
    enter: edge
    serve: app
    route: GET /
    client: { timeout: 100ms }
    flow:
      - compute: 30us
      - query: app.main
        table: t
        time: { cpu: 40us }
traffic: { rate: ${threeTierRate}/s }
`,
  )

/** Plays about `requests` of open traffic at its declared rate. */
export const play = (topology, requests, ratePerSecond) =>
  simulate({ topology, experiment: defaultExperiment(topology, requests / ratePerSecond, 1), seed: 1 })
