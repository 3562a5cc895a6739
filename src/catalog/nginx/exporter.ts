/** prometheus-nginx-exporter: reads `stub_status`. */
import type { Exporter } from '../../contract/engine.js'
import { nginxStatusPath } from './config.js'

export const nginxExporter: Exporter = {
  program: {
    name: 'prometheus-nginx-exporter',
    debianPackage: 'prometheus-nginx-exporter',
    candidates: ['/usr/bin/prometheus-nginx-exporter'],
    versionArgs: ['-version'],
  },
  image: 'nginx/nginx-prometheus-exporter:1.4.1',
  port: 9113,
  asksStatusPage: true,
  args: ({ server, listen }) => [
    `--nginx.scrape-uri=http://${server.host}:${server.port}${nginxStatusPath}`,
    `--web.listen-address=${listen.host}:${listen.port}`,
  ],
  // Before 1.0 it ends if nginx does not answer when it starts, as after a restart of both; since then these are not known.
  env: () => ({ NGINX_RETRIES: '30', NGINX_RETRY_INTERVAL: '1s' }),
}
