/**
 * nginx.conf of a balancer, complete and self-contained: the same text serves the process runtime (loopback, an
 * unprivileged user) and compose. Accepted by nginx 1.22 and newer. Start it with `nginxArgs`.
 */
import type { ConfigContext, ConfigFacet } from '../../contract/engine.js'
import { invalidInput, notYet } from '../../lib/errors.js'
import type { BalancePolicy, BalancerComponent } from '../../topology/types.js'
import { generatedHeader } from '../header.js'
import { rateLimitParts } from './rate-limit.js'
import { milliseconds, quoted, wholeSeconds } from './syntax.js'
import { upstreamServers } from './upstream.js'

export interface NginxOptions {
  /** A second listener for `stub_status` alone; without it `/nginx_status` answers loopback clients on the main port. */
  readonly admin?: {
    readonly host: string
    readonly port: number
    /** Addresses that may ask besides loopback: `10.1.2.0/24`. */
    readonly allow?: string
  }
  /** File for one JSON document per request; default off (it costs CPU that no model knows of). */
  readonly accessLog?: string
}

/** Where `stub_status` answers, on the admin listener and on the main one. */
export const nginxStatusPath = '/nginx_status'
/** Answered by nginx itself: the balancer lives, whatever its upstream does. */
export const nginxHealthPath = '/healthz'

/** Arguments for a foreground nginx; `-e stderr` keeps it from opening the packaged error log, which only root may. */
export const nginxArgs = (configFile: string): readonly string[] => ['-e', 'stderr', '-c', configFile]

/** nginx's directive for each policy; round robin (weighted or not) has none. */
const balanceDirectives: Readonly<Record<BalancePolicy, string | undefined>> = {
  round_robin: '',
  weighted: '',
  least_conn: 'least_conn;',
  ip_hash: 'ip_hash;',
  random_two: 'random two least_conn;',
  geo: undefined,
  failover: undefined,
}

const socket = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

const asBalancer = (context: ConfigContext): BalancerComponent => {
  const { component } = context
  if (component.role === 'balancer') return component
  throw new TypeError(`nginxConf was handed ${component.id}, whose role is ${component.role}`)
}

const upstreamBlock = (context: ConfigContext, balancer: BalancerComponent): readonly string[] => {
  const balance = balanceDirectives[balancer.balance]
  if (balance === undefined)
    throw notYet(
      `balance: ${balancer.balance} with nginx`,
      context.topology.source.locate(['components', balancer.id, 'balance']),
      'round_robin, least_conn, ip_hash, random_two',
    )
  const servers = upstreamServers(context, balancer)
  if (servers.length === 0)
    throw invalidInput({
      message: `${balancer.id}: no instance of ${balancer.upstreams.map(({ component }) => component).join(', ')} to send requests to`,
      position: context.topology.source.locate(['components', balancer.id]),
    })
  const { maxFails, failTimeoutSeconds } = balancer.health
  return [
    'upstream backend {',
    // Shared by all workers: without it each counts connections and failures alone.
    `    zone backend ${64 + 4 * servers.length}k;`,
    ...(balance === '' ? [] : [`    ${balance}`]),
    ...servers.map(
      ({ host, port, weight, instance }) =>
        `    server ${socket({ host, port })} weight=${weight} max_fails=${maxFails} fail_timeout=${wholeSeconds(failTimeoutSeconds)}; # ${instance}`,
    ),
    ...(balancer.keepalive > 0
      ? [`    keepalive ${balancer.keepalive};`, '    keepalive_requests 1000000;', '    keepalive_timeout 60s;']
      : []),
    '}',
  ]
}

const proxyDirectives = (context: ConfigContext, balancer: BalancerComponent): readonly string[] => {
  const { nextUpstream, connectTimeoutSeconds, readTimeoutSeconds } = balancer
  const largestBody = Math.max(0, ...Object.values(context.topology.requests).map(({ bytes }) => bytes.in))
  return [
    `client_max_body_size ${Math.max(1024, Math.ceil((4 * largestBody) / 1024))}k;`,
    'proxy_http_version 1.1;',
    'proxy_set_header Connection "";',
    'proxy_set_header Host $host;',
    'proxy_set_header X-Request-ID $plimsoll_request_id;',
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    'proxy_set_header X-Forwarded-Proto $scheme;',
    'proxy_hide_header X-Request-ID;',
    'add_header X-Request-ID $plimsoll_request_id always;',
    `proxy_connect_timeout ${milliseconds(connectTimeoutSeconds)};`,
    `proxy_read_timeout ${milliseconds(readTimeoutSeconds)};`,
    `proxy_send_timeout ${milliseconds(readTimeoutSeconds)};`,
    // Without non_idempotent, nginx never sends a POST again that an upstream server may have seen.
    ...(nextUpstream.for.length === 0
      ? ['proxy_next_upstream off;']
      : [
          `proxy_next_upstream ${nextUpstream.for.join(' ')};`,
          `proxy_next_upstream_tries ${nextUpstream.tries};`,
          `proxy_next_upstream_timeout ${milliseconds(nextUpstream.timeoutSeconds ?? 0)};`,
        ]),
  ]
}

const accessLogFormat = [
  "log_format plimsoll escape=json '{'",
  '    \'"time":"$time_iso8601","requestId":"$plimsoll_request_id","method":"$request_method","uri":"$request_uri",\'',
  '    \'"status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"upstream":"$upstream_addr",\'',
  '    \'"upstreamStatus":"$upstream_status","upstreamSeconds":"$upstream_response_time"\'',
  "'}';",
]

const statusLocation = (path: string, allow?: string): readonly string[] => [
  `location = ${path} {`,
  '    access_log off;',
  '    allow 127.0.0.0/8;',
  '    allow ::1;',
  ...(allow === undefined ? [] : [`    allow ${allow};`]),
  '    deny all;',
  '    stub_status;',
  '}',
]

const indented = (lines: readonly string[], depth = 1): readonly string[] =>
  lines.map((line) => (line === '' ? line : `${'    '.repeat(depth)}${line}`))

const servers = (
  context: ConfigContext,
  balancer: BalancerComponent,
  options: NginxOptions,
  limit: ReturnType<typeof rateLimitParts>,
): readonly string[] => [
  'server {',
  `    listen ${socket(context.listen)} backlog=4096;`,
  ...indented(proxyDirectives(context, balancer)),
  ...indented(limit.server),
  `    location = ${nginxHealthPath} {`,
  '        access_log off;',
  '        default_type text/plain;',
  '        return 200 "ok\\n";',
  '    }',
  ...(options.admin === undefined ? indented(statusLocation(nginxStatusPath)) : []),
  '    location / {',
  ...indented(limit.location, 2),
  '        proxy_pass http://backend;',
  '    }',
  '}',
  ...(options.admin === undefined
    ? []
    : [
        'server {',
        `    listen ${socket(options.admin)};`,
        ...indented(statusLocation(nginxStatusPath, options.admin.allow)),
        '}',
      ]),
]

/** nginx.conf as text. Throws `notYet` for a policy that nginx cannot express. */
export const nginxConf = (context: ConfigContext, options: NginxOptions = {}): string => {
  const balancer = asBalancer(context)
  const path = (name: string): string => quoted(`${context.folder.replace(/\/+$/, '')}/${name}`)
  const limit = rateLimitParts(context, balancer)
  return [
    `# ${generatedHeader(context.topology)}`,
    'daemon off;',
    `worker_processes ${balancer.workers};`,
    'worker_rlimit_nofile 16384;',
    'worker_shutdown_timeout 10s;',
    `pid ${path('nginx.pid')};`,
    'error_log stderr warn;',
    '',
    'events {',
    '    worker_connections 8192;',
    '}',
    '',
    'http {',
    ...indented([
      'default_type application/octet-stream;',
      'server_tokens off;',
      ...(options.accessLog === undefined
        ? ['access_log off;']
        : [...accessLogFormat, `access_log ${quoted(options.accessLog)} plimsoll;`]),
      'keepalive_timeout 75s;',
      'keepalive_requests 1000000;',
      'client_header_timeout 60s;',
      'client_body_timeout 60s;',
      'reset_timedout_connection on;',
      `client_body_temp_path ${path('nginx-client-body')};`,
      `proxy_temp_path ${path('nginx-proxy')};`,
      `fastcgi_temp_path ${path('nginx-fastcgi')};`,
      `uwsgi_temp_path ${path('nginx-uwsgi')};`,
      `scgi_temp_path ${path('nginx-scgi')};`,
      '',
      "# A caller's request id is passed on if it is harmless in logs; otherwise it gets one.",
      'map $http_x_request_id $plimsoll_request_id {',
      '    "~^[A-Za-z0-9._:/+=@-]{1,128}$" $http_x_request_id;',
      '    default $request_id;',
      '}',
      '',
      ...limit.http,
      ...upstreamBlock(context, balancer),
      '',
      ...servers(context, balancer, options, limit),
    ]),
    '}',
    '',
  ].join('\n')
}

export const config: ConfigFacet = { files: (context) => ({ 'nginx.conf': nginxConf(context) }) }
