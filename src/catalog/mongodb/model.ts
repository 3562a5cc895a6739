import type { ModelDefaults } from '../../contract/model.js'

/** A thread per connection. A replica set elects by itself: `electionTimeoutMillis` 10 s, and about 2 s for the election. */
export const mongodbModel: ModelDefaults = {
  visitCpuSeconds: 150e-6,
  startupSeconds: 1,
  eventLoops: 0,
  onStop: 'reset',
  failover: { replicated: { election: 'members', detectSeconds: 10, promoteSeconds: 2 } },
}
