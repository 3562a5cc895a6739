import type { FailoverDefaults, ModelDefaults } from '../contract/model.js'
import type { StoreComponent } from '../topology/types.js'
import { haproxyModel } from './haproxy/model.js'
import { kafkaModel } from './kafka/model.js'
import { mongodbModel } from './mongodb/model.js'
import { mysqlModel } from './mysql/model.js'
import { nginxModel } from './nginx/model.js'
import { postgresModel } from './postgres/model.js'
import { rabbitmqModel } from './rabbitmq/model.js'
import { redisModel } from './redis/model.js'
import { serviceModel } from './service/model.js'

const models: Readonly<Record<string, ModelDefaults>> = {
  nginx: nginxModel,
  haproxy: haproxyModel,
  redis: redisModel,
  postgres: postgresModel,
  mysql: mysqlModel,
  mongodb: mongodbModel,
  rabbitmq: rabbitmqModel,
  kafka: kafkaModel,
  service: serviceModel,
}

/** A technology of which we assume nothing. */
const neutral: ModelDefaults = { visitCpuSeconds: 0, startupSeconds: 0, eventLoops: 0, onStop: 'reset' }

export const modelOf = (engine: string): ModelDefaults => models[engine] ?? neutral

/** How a store replaces a lost primary: as it declares, in the way of its technology. */
export const failoverOf = (store: StoreComponent): FailoverDefaults => {
  const own = modelOf(store.engine).failover?.[store.mode]
  if (store.failover === undefined) return own ?? nobodyPromotes
  return { election: own?.election ?? 'supervised', ...store.failover }
}

const nobodyPromotes: FailoverDefaults = { election: 'none', detectSeconds: 0, promoteSeconds: 0 }
