/** A topology with real nginx, Redis and PostgreSQL, and the smallest thing that can stand behind nginx. */

import { answersOk } from '../../../src/catalog/common/live-http.js'
import { engines } from '../../../src/catalog/index.js'
import type { Engine, LiveFacet } from '../../../src/contract/engine.js'
import type { BalancerComponent, Topology } from '../../../src/topology/types.js'
import { data, pool, request, service, step, store, topology } from '../../workload/topologies.js'

const script = `
const http = require('node:http')
if (process.env.STUB === 'broken') { console.error('stub: this configuration is bad'); process.exit(3) }
http.createServer((request, answer) => {
  if (request.url === '/spin') for (const end = Date.now() + 200; Date.now() < end;);
  answer.end(process.env.INSTANCE)
}).listen(Number(process.env.PORT), '127.0.0.1')
`

const stub = (mode: string): LiveFacet => ({
  programs: [],
  processes: () => 1,
  eventLoops: () => 1,
  specs: ({ component, index, listen, folder }) => [
    {
      id: `${component.id}/${index}`,
      component: component.id,
      index,
      program: process.execPath,
      args: ['-e', script],
      env: { PORT: String(listen.port), INSTANCE: `${component.id}/${index}`, STUB: mode },
      folder,
      files: {},
      accounts: [],
      ports: [listen.port],
      stopSignal: 'SIGTERM',
      stopSeconds: 2,
      probe: () => answersOk(listen.host, listen.port, '/', 1),
      startSeconds: 15,
    },
  ],
})

/** `broken`: the service ends with an error before it listens. */
export const stubEngines = (mode: 'sound' | 'broken' = 'sound'): ReadonlyMap<string, Engine> =>
  new Map(
    [...engines].map(([name, engine]): [string, Engine] => [
      name,
      name === 'service' ? { ...engine, live: () => Promise.resolve(stub(mode)) } : engine,
    ]),
  )

const edge: BalancerComponent = {
  ...service('edge'),
  engine: 'nginx',
  role: 'balancer',
  upstreams: [{ component: 'app', weight: 1 }],
  cache: undefined,
  balance: 'least_conn',
  workers: 1,
  health: { maxFails: 1, failTimeoutSeconds: 10 },
  activeHealth: undefined,
  nextUpstream: { for: ['error', 'timeout'], tries: 2, timeoutSeconds: undefined },
  connectTimeoutSeconds: 1,
  readTimeoutSeconds: 5,
  keepalive: 8,
  rateLimit: undefined,
}

/** edge → 2 × app → cache and db. */
export const stubTopology = (): Topology =>
  topology({
    components: [
      edge,
      service('app', { replicas: 2, restartAfterSeconds: 0.3, pools: { main: pool('main', 'db', 4) } }),
      store('cache', 'redis', { memoryBytes: 64 * 1024 * 1024 }),
      store('db', 'postgres', { maxConnections: 20, persistence: 'disk' }),
    ],
    data: [data('item', { keys: 50 })],
    requests: [request('view', 'GET /i', [step.query('view/0', 'db', { key: 'item' })], { enter: ['edge'] })],
  })
