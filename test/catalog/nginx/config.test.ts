import { describe, expect, it } from 'vitest'
import { nginxConf } from '../../../src/catalog/nginx/config.js'
import type { Address } from '../../../src/contract/engine.js'
import { PlimsollError } from '../../../src/lib/errors.js'
import type { RateLimit } from '../../../src/topology/types.js'
import { balancer, contextOf } from '../../support/config-context.js'

const instances = (component: string, count: number, port: number): readonly Address[] =>
  Array.from({ length: count }, (_, i) => ({ instance: `${component}/${i}`, host: '127.0.0.1', port: port + i }))

const limit = (over: Partial<RateLimit>): RateLimit => ({
  per: 'address',
  algorithm: 'token-bucket',
  ratePerSecond: 50,
  burst: 100,
  ...over,
})

describe('nginx.conf of a balancer', () => {
  it('lists every process of the upstream with the passive health check of the topology', () => {
    const text = nginxConf(contextOf(balancer(), { upstream: { app: instances('app', 2, 4000) } }))
    expect(text).toContain('server 127.0.0.1:4000 weight=1 max_fails=3 fail_timeout=10s; # app/0')
    expect(text).toContain('server 127.0.0.1:4001 weight=1 max_fails=3 fail_timeout=10s; # app/1')
    expect(text).toContain('least_conn;')
  })

  it('gives a canary of 5 % on one process a nineteenth of what app has on two', () => {
    const canary = balancer({
      upstreams: [
        { component: 'app', weight: 0.95 },
        { component: 'canary', weight: 0.05 },
      ],
    })
    const text = nginxConf(
      contextOf(canary, { upstream: { app: instances('app', 2, 4000), canary: instances('canary', 1, 5000) } }),
    )
    const weights = [...text.matchAll(/weight=(\d+)/g)].map((match) => Number(match[1]))
    expect(weights).toEqual([19, 19, 2])
  })

  it('bounds retries as declared and never resends what is not idempotent', () => {
    const text = nginxConf(
      contextOf(balancer({ nextUpstream: { for: ['error', 'http_503'], tries: 3, timeoutSeconds: 1.5 } })),
    )
    expect(text).toContain('proxy_next_upstream error http_503;')
    expect(text).toContain('proxy_next_upstream_tries 3;')
    expect(text).toContain('proxy_next_upstream_timeout 1500ms;')
    expect(text).not.toContain('non_idempotent;')
    expect(
      nginxConf(contextOf(balancer({ nextUpstream: { for: [], tries: 0, timeoutSeconds: undefined } }))),
    ).toContain('proxy_next_upstream off;')
  })

  it('rounds a failTimeout up to whole seconds and keeps a timeout under a millisecond from meaning none', () => {
    const text = nginxConf(
      contextOf(balancer({ health: { maxFails: 1, failTimeoutSeconds: 0.5 }, connectTimeoutSeconds: 0.0001 })),
    )
    expect(text).toContain('fail_timeout=1s')
    expect(text).toContain('proxy_connect_timeout 1ms;')
  })

  it('answers 429 with Retry-After beyond a rate limit, a burst at once for a token bucket and paced for a leaky one', () => {
    const bucket = nginxConf(contextOf(balancer({ rateLimit: limit({}) })))
    expect(bucket).toContain('limit_req_zone $binary_remote_addr zone=limit:10m rate=50r/s;')
    expect(bucket).toContain('limit_req zone=limit burst=100 nodelay;')
    expect(bucket).toContain('add_header Retry-After 1 always;')
    const leaky = nginxConf(
      contextOf(balancer({ rateLimit: limit({ algorithm: 'leaky-bucket', ratePerSecond: 0.5 }) })),
    )
    expect(leaky).toContain('rate=30r/m;')
    expect(leaky).toContain('limit_req zone=limit burst=100;')
    expect(leaky).toContain('add_header Retry-After 2 always;')
  })

  it('counts callers without an API key by their address', () => {
    const text = nginxConf(contextOf(balancer({ rateLimit: limit({ per: 'api-key' }) })))
    expect(text).toMatch(/map \$http_x_api_key \$plimsoll_limit_key \{\n\s+"" \$binary_remote_addr;/)
  })

  it.each(['geo', 'failover'] as const)('says by name that nginx has no balance: %s', (balance) => {
    expect(() => nginxConf(contextOf(balancer({ balance })))).toThrow(PlimsollError)
    expect(() => nginxConf(contextOf(balancer({ balance })))).toThrow(
      `balance: ${balance} with nginx: not supported yet`,
    )
  })

  it('refuses an upstream without a single instance, which nginx would not start with', () => {
    expect(() => nginxConf(contextOf(balancer(), { upstream: { app: [] } }))).toThrow('no instance of app')
  })

  it('quotes a folder that holds quotes and blanks', () => {
    expect(nginxConf(contextOf(balancer(), { folder: '/tmp/a "b' }))).toContain('pid "/tmp/a \\"b/nginx.pid";')
  })

  it('gives stub_status a listener of its own when there is an admin address, and the main port otherwise', () => {
    const own = nginxConf(contextOf(balancer()), { admin: { host: '127.0.0.1', port: 18099 } })
    expect(own).toContain('listen 127.0.0.1:18099;')
    expect(own.match(/stub_status;/g)).toHaveLength(1)
    expect(nginxConf(contextOf(balancer())).match(/stub_status;/g)).toHaveLength(1)
  })
})
