import type { ModelDefaults } from '../../contract/model.js'

/** Leaner than nginx: no files, no request buffering to disk. */
export const haproxyModel: ModelDefaults = {
  visitCpuSeconds: 50e-6,
  startupSeconds: 0.1,
  eventLoops: 1,
  onStop: 'drain',
}
