import type { ModelDefaults } from '../../contract/model.js'

/** A thread per connection; protocol and optimizer of a single-row query, beyond its declared time. */
export const mysqlModel: ModelDefaults = { visitCpuSeconds: 150e-6, startupSeconds: 2, eventLoops: 0, onStop: 'reset' }
