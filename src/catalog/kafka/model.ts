import type { ModelDefaults } from '../../contract/model.js'

/** One record in a batch of its own, appended, fetched or committed; threads use all cores. Starting: the JVM, the logs, the quorum. */
export const kafkaModel: ModelDefaults = { visitCpuSeconds: 50e-6, startupSeconds: 6, eventLoops: 0, onStop: 'reset' }

/** Brokers that are controllers, too, where nothing else is said: all of up to three. */
export const mostControllers = 3
