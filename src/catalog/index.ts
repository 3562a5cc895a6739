/** Every technology: one line each. `config` and `live` are added to the line of the technology that has them. */
import type { Engine } from '../contract/engine.js'
import type { EngineRegistry } from '../topology/engine.js'
import { alertmanager } from './alertmanager/descriptor.js'
import { cdn } from './cdn/descriptor.js'
import { dns } from './dns/descriptor.js'
import { elasticsearch } from './elasticsearch/descriptor.js'
import { etcd } from './etcd/descriptor.js'
import { external } from './external/descriptor.js'
import { grafana } from './grafana/descriptor.js'
import { haproxy } from './haproxy/descriptor.js'
import { kafka } from './kafka/descriptor.js'
import { kibana } from './kibana/descriptor.js'
import { logstash } from './logstash/descriptor.js'
import { loki } from './loki/descriptor.js'
import { mongodb } from './mongodb/descriptor.js'
import { mysql } from './mysql/descriptor.js'
import { config as nginxConfig } from './nginx/config.js'
import { nginx } from './nginx/descriptor.js'
import { config as postgresConfig } from './postgres/config.js'
import { postgres } from './postgres/descriptor.js'
import { prometheus } from './prometheus/descriptor.js'
import { rabbitmq } from './rabbitmq/descriptor.js'
import { config as redisConfig } from './redis/config.js'
import { redis } from './redis/descriptor.js'
import { service } from './service/descriptor.js'

const all: readonly Engine[] = [
  { descriptor: nginx, config: nginxConfig, live: async () => (await import('./nginx/live.js')).live },
  { descriptor: haproxy },
  { descriptor: dns },
  { descriptor: cdn },
  { descriptor: service, live: async () => (await import('./service/live.js')).live },
  { descriptor: external },
  { descriptor: redis, config: redisConfig, live: async () => (await import('./redis/live.js')).live },
  { descriptor: postgres, config: postgresConfig, live: async () => (await import('./postgres/live.js')).live },
  { descriptor: mysql },
  { descriptor: mongodb },
  { descriptor: rabbitmq },
  { descriptor: kafka },
  { descriptor: etcd },
  { descriptor: prometheus, live: async () => (await import('./prometheus/live.js')).live },
  { descriptor: grafana },
  { descriptor: alertmanager },
  { descriptor: elasticsearch },
  { descriptor: logstash },
  { descriptor: kibana },
  { descriptor: loki },
]

export const engines: ReadonlyMap<string, Engine> = new Map(all.map((engine) => [engine.descriptor.engine, engine]))

/** What the parser is handed. */
export const engineRegistry: EngineRegistry = new Map(all.map(({ descriptor }) => [descriptor.engine, descriptor]))
