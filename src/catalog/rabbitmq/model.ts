import type { ModelDefaults } from '../../contract/model.js'

/**
 * One message published with a confirm, delivered or acknowledged; Erlang's processes use all cores. Starting: the Erlang machine, Mnesia and
 * the plugins.
 */
export const rabbitmqModel: ModelDefaults = {
  visitCpuSeconds: 60e-6,
  startupSeconds: 5,
  eventLoops: 0,
  onStop: 'reset',
}
