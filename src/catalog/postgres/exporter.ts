/**
 * prometheus-postgres-exporter: reads the statistics views, as a role that may do nothing else (`pg_monitor`). Its password
 * is in DATA_SOURCE_PASS.
 */
import type { Exporter } from '../../contract/engine.js'
import { monitorUser } from './replication.js'

export const postgresExporter: Exporter = {
  program: {
    name: 'prometheus-postgres-exporter',
    debianPackage: 'prometheus-postgres-exporter',
    candidates: ['/usr/bin/prometheus-postgres-exporter'],
    versionArgs: ['--version'],
  },
  image: 'quay.io/prometheuscommunity/postgres-exporter:v0.11.1',
  port: 9187,
  asksStatusPage: false,
  // The settings are in postgresql.conf, and two hundred series more for each scrape.
  args: ({ listen }) => [`--web.listen-address=${listen.host}:${listen.port}`, '--disable-settings-metrics'],
  env: ({ server, password }) => ({
    DATA_SOURCE_URI: `${server.host}:${server.port}/postgres?sslmode=disable`,
    DATA_SOURCE_USER: monitorUser,
    ...(password === undefined ? {} : { DATA_SOURCE_PASS: password }),
  }),
}
