/** `docker compose config` accepts what is generated, as it stands: without a daemon, an .env file or a secret. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { generate } from '../../src/deploy/generate/generate.js'
import { topologyFile } from '../support/topology.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-compose-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Resolved {
  readonly name: string
  readonly services: Readonly<
    Record<
      string,
      { readonly command: readonly string[] | null; readonly networks: Record<string, { ipv4_address: string }> }
    >
  >
}

const resolved = (topology: string): Resolved => {
  for (const [path, text] of generate(topologyFile(topology))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const stdout = execFileSync('docker', ['compose', 'config', '--format', 'json'], { cwd: folder, encoding: 'utf8' })
  return JSON.parse(stdout) as Resolved
}

it('accepts optimization-api, one container per instance at a fixed address', () => {
  const { name, services } = resolved('scenarios/optimization-api/topology.yaml')
  expect(name).toBe('optimization-api')
  expect(Object.keys(services).sort()).toEqual(['app-0', 'app-1', 'cache-0', 'db-0', 'edge-0'])
  for (const service of Object.values(services)) expect(service.networks.plimsoll?.ipv4_address).toMatch(/^10\./)
})

it('accepts limits, patches and a foreign image, and gives its command the dollar sign that was written', () => {
  const { services } = resolved('test/golden/generate/topology.yaml')
  expect(services['canary-0']?.command).toEqual(['./shop', '--price', '$$5', '--name', 'it\'s "new"'])
})
