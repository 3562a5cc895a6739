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
  image: 'nginx/nginx-prometheus-exporter:0.11.0',
  port: 9113,
  asksStatusPage: true,
  args: ({ server, listen }) => [
    `-nginx.scrape-uri=http://${server.host}:${server.port}${nginxStatusPath}`,
    `-web.listen-address=${listen.host}:${listen.port}`,
    // It ends if nginx does not answer when it starts, which a restart of both would otherwise make it do.
    '-nginx.retries=30',
    '-nginx.retry-interval=1s',
  ],
  env: () => ({}),
}
