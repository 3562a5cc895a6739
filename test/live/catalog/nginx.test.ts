import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nginxArgs, nginxConf } from '../../../src/catalog/nginx/config.js'
import type { BalancerComponent } from '../../../src/topology/types.js'
import { balancer, contextOf } from '../../support/config-context.js'

/** Root tests as `nobody`: the configuration must need no path that only root may write to. */
const unprivileged = process.getuid?.() === 0 ? { uid: Number(execFileSync('id', ['-u', 'nobody'])) } : {}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll nginx-'))
  chmodSync(folder, 0o777)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const test = (text: string): { readonly status: number | null; readonly said: string } => {
  writeFileSync(join(folder, 'nginx.conf'), text)
  const result = spawnSync('/usr/sbin/nginx', ['-t', ...nginxArgs(join(folder, 'nginx.conf'))], {
    encoding: 'utf8',
    ...unprivileged,
  })
  return { status: result.status, said: result.stderr }
}

const variants: Readonly<Record<string, Partial<BalancerComponent>>> = {
  'least connections': {},
  'round robin': { balance: 'round_robin' },
  'ip hash': { balance: 'ip_hash' },
  'random two': { balance: 'random_two' },
  weights: { balance: 'weighted' },
  'four workers, no keepalive': { workers: 4, keepalive: 0 },
  'no passive health check': { health: { maxFails: 0, failTimeoutSeconds: 0 } },
  'every cause for a retry': {
    nextUpstream: {
      for: ['error', 'timeout', 'http_500', 'http_502', 'http_503', 'http_504', 'http_429'],
      tries: 0,
      timeoutSeconds: 2,
    },
  },
  'a limit per address': {
    rateLimit: { per: 'address', algorithm: 'token-bucket', ratePerSecond: 50, burst: 100 },
  },
  'a limit for all': { rateLimit: { per: 'all', algorithm: 'leaky-bucket', ratePerSecond: 0.3, burst: 0 } },
  'a limit per key': { rateLimit: { per: 'api-key', algorithm: 'leaky-bucket', ratePerSecond: 2.5, burst: 7 } },
}

describe('nginx -t as an unprivileged user', () => {
  it.each(Object.entries(variants))('accepts %s', (_, over) => {
    const context = contextOf(balancer(over), { folder })
    for (const options of [{}, { admin: { host: '127.0.0.1', port: 18099 }, accessLog: join(folder, 'access.log') }]) {
      const { status, said } = test(nginxConf(context, options))
      expect(said).not.toMatch(/\[(warn|alert|emerg)\]/)
      expect(said).toContain('test is successful')
      expect(status).toBe(0)
    }
  })
})
