import type { ModelDefaults } from '../../contract/model.js'

/** One thread executes commands; a small GET over a socket, its system calls included. */
export const redisModel: ModelDefaults = { visitCpuSeconds: 25e-6, startupSeconds: 0.1, eventLoops: 1, onStop: 'reset' }
