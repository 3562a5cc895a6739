import type { ModelDefaults } from '../../contract/model.js'

/** A process per connection. Parse, plan and protocol of a prepared single-row query, beyond its declared time. */
export const postgresModel: ModelDefaults = {
  visitCpuSeconds: 150e-6,
  startupSeconds: 1,
  eventLoops: 0,
  onStop: 'reset',
}
