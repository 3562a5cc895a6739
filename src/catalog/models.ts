import type { ModelDefaults } from '../contract/model.js'
import { haproxyModel } from './haproxy/model.js'
import { mysqlModel } from './mysql/model.js'
import { nginxModel } from './nginx/model.js'
import { postgresModel } from './postgres/model.js'
import { redisModel } from './redis/model.js'
import { serviceModel } from './service/model.js'

const models: Readonly<Record<string, ModelDefaults>> = {
  nginx: nginxModel,
  haproxy: haproxyModel,
  redis: redisModel,
  postgres: postgresModel,
  mysql: mysqlModel,
  service: serviceModel,
}

/** A technology of which we assume nothing. */
const neutral: ModelDefaults = { visitCpuSeconds: 0, startupSeconds: 0, eventLoops: 0, onStop: 'reset' }

export const modelOf = (engine: string): ModelDefaults => models[engine] ?? neutral
