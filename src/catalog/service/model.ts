import type { ModelDefaults } from '../../contract/model.js'

/** No invented demand: a service costs what its flow declares (or what calibration measured). A Node process starts in 0.7 s. */
export const serviceModel: ModelDefaults = { visitCpuSeconds: 0, startupSeconds: 0.7, eventLoops: 0, onStop: 'drain' }
