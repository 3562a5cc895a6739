/** prometheus-postgres-exporter: reads the statistics views, as a role that may do nothing else (`pg_monitor`). */
import type { Exporter } from '../../contract/engine.js'
import { monitorUser } from './replication.js'

const passwordVariable = 'DATA_SOURCE_PASS'

export const postgresExporter = {
  program: {
    name: 'prometheus-postgres-exporter',
    debianPackage: 'prometheus-postgres-exporter',
    candidates: ['/usr/bin/prometheus-postgres-exporter'],
    versionArgs: ['--version'],
  },
  image: 'prometheuscommunity/postgres-exporter:v0.17.1',
  port: 9187,
  asksStatusPage: false,
  passwordVariable,
  // The settings are in postgresql.conf, and two hundred series more for each scrape.
  args: ({ listen }) => [`--web.listen-address=${listen.host}:${listen.port}`, '--disable-settings-metrics'],
  env: ({ server, password }) => ({
    DATA_SOURCE_URI: `${server.host}:${server.port}/postgres?sslmode=disable`,
    DATA_SOURCE_USER: monitorUser,
    ...(password === undefined ? {} : { [passwordVariable]: password }),
  }),
} as const satisfies Exporter
