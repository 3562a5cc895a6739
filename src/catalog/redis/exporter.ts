/** prometheus-redis-exporter: reads INFO. */
import type { Exporter } from '../../contract/engine.js'

export const redisExporter: Exporter = {
  program: {
    name: 'prometheus-redis-exporter',
    debianPackage: 'prometheus-redis-exporter',
    candidates: ['/usr/bin/prometheus-redis-exporter'],
    versionArgs: ['-version'],
  },
  image: 'oliver006/redis_exporter:v1.69.0',
  port: 9121,
  asksStatusPage: false,
  args: ({ server, listen }) => [
    `-redis.addr=redis://${server.host}:${server.port}`,
    `-web.listen-address=${listen.host}:${listen.port}`,
    '-redis-only-metrics',
  ],
  env: () => ({}),
}
