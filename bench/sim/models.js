/**
 * What is simulated, as YAML, so that the whole product is measured: parsed topology → engine → result. Rates are in the thousands
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

export const mm1Rate = 8000
export const mm1Served = 10000
export const threeTierRate = 7000

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
 * Least connections over three app servers, a pool each, a database; a client timeout and an acquire timeout with every request.
 * Utilizations at 7,000/s: app 3 event loops × 70 %, database 4 cores × 70 % (of 0.4 ms a query 0.15 are the catalogue's), nginx 42 %.
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
  edge: { engine: nginx, host: edge, upstream: app, balance: least_conn }
  app:
    engine: service
    host: app
    replicas: 3
    execution: { model: event-loop, processes: 1 }
    pools: { main: { to: db, size: 10, acquireTimeout: 500ms } }
  db: { engine: postgres, host: db, maxConnections: 100 }
requests:
  get:
    share: 100%
    enter: edge
    serve: app
    route: GET /
    client: { timeout: 1s }
    flow:
      - compute: 300us
      - query: app.main
        table: t
        time: { cpu: 250us, wait: 500us }
traffic: { rate: ${threeTierRate}/s }
`,
  )

/** Plays about `requests` of open traffic at its declared rate. */
export const play = (topology, requests, ratePerSecond) =>
  simulate({ topology, experiment: defaultExperiment(topology, requests / ratePerSecond, 1), seed: 1 })
