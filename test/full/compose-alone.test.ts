/** What `plimsoll generate` writes, started by docker compose alone. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpGet } from '../../src/catalog/common/live-http.js'
import { images } from '../../src/deploy/generate/container.js'
import { ensureServiceImage } from '../../src/deploy/runtime/compose/image.js'
import { machine } from '../../src/system/machine.js'
import { until } from '../live/servers.js'
import { packageFolder, workplace } from '../live/support/cli.js'
import { added, docker, holdings, nothingAdded } from './support/docker.js'

const place = workplace()
const had = holdings()
const folder = join(place.folder, 'generated')

const composeIn =
  (name: string) =>
  (...args: readonly string[]): string =>
    execFileSync('docker', ['compose', ...args], { cwd: join(place.folder, name), encoding: 'utf8', stdio: 'pipe' })
const compose = composeIn('generated')

beforeAll(async () => {
  const { signal } = new AbortController()
  await ensureServiceImage({ engine: machine.containers(), packageFolder: packageFolder.replace(/\/$/, ''), signal })
  expect(await place.run('generate', 'api/topology.yaml', '--out', 'generated')).toMatchObject({ code: 0 })
  writeFileSync(join(folder, 'secrets.env'), 'POSTGRES_PASSWORD=a1b2c3\nPGPASSWORD=a1b2c3\n')
})
afterAll(() => {
  compose('down', '--volumes', '--timeout', '3')
  place.remove()
})

test('up --wait makes a system that takes requests, and down --volumes leaves nothing of it', async () => {
  compose('up', '--wait', '--detach', '--quiet-pull')
  const states = compose('ps', '--format', '{{.Service}} {{.Health}}').trim().split('\n').sort()
  expect(states).toEqual(['app-0 healthy', 'app-1 healthy', 'cache-0 healthy', 'db-0 healthy', 'edge-0 healthy'])
  const answer = await httpGet('127.0.0.1', 8080, '/routes/3', 5)
  expect(answer.status).toBe(200)
  // A drain, not an end by force.
  compose('stop', '--timeout', '8', 'app-0')
  expect(compose('ps', '--all', '--format', '{{.ExitCode}}', 'app-0').trim()).toBe('0')
  compose('down', '--volumes', '--timeout', '3')
  expect(added(had)).toEqual(nothingAdded)
})

test('with read replicas and Prometheus, too: standbys attach, and are told from their primary by their health', async () => {
  const where = 'replicated'
  expect(await place.run('generate', 'api/replicated/topology.yaml', '--out', where)).toMatchObject({ code: 0 })
  const example = readFileSync(join(place.folder, where, 'secrets.env.example'), 'utf8')
  writeFileSync(join(place.folder, where, 'secrets.env'), example.replaceAll('=\n', '=d4e5f6\n'))
  const replicated = composeIn(where)
  try {
    replicated('up', '--wait', '--detach', '--quiet-pull')
    const states = replicated('ps', '--format', '{{.Service}} {{.Health}}').trim().split('\n')
    const healthy = states.filter((state) => state.endsWith(' healthy')).map((state) => state.split(' ')[0])
    // Exporters tell no health of their own; Grafana is behind a profile.
    expect(healthy.sort()).toEqual(['app-0', 'app-1', 'cache-0', 'db-0', 'db-1', 'db-2', 'edge-0', 'prometheus-0'])
    expect(states).toHaveLength(13)
    const ask = (member: string, sql: string): string =>
      replicated('exec', '-T', member, 'psql', '-U', 'plimsoll', '-tAXc', sql).trim()
    const streaming = `SELECT string_agg(application_name, ' ' ORDER BY application_name) FROM pg_stat_replication WHERE state = 'streaming'`
    expect(ask('db-0', streaming)).toBe('db/1 db/2')
    for (const member of ['db-1', 'db-2']) expect(ask(member, 'SELECT count(*) FROM route')).toBe('5000')
    expect((await httpGet('127.0.0.1', 8080, '/routes/3', 5)).status).toBe(200)
    await until('every target is up', async () => {
      const { body } = await httpGet(
        '127.0.0.1',
        9090,
        `/api/v1/query?query=${encodeURIComponent('count(up == 1)')}`,
        5,
      )
      return body.includes('"8"')
    })
  } finally {
    replicated('down', '--volumes', '--timeout', '3')
  }
  expect(added(had)).toEqual(nothingAdded)
})

test('the image of the service runs as nobody in particular, with production packages alone and no secret', () => {
  const inspect = (format: string): string => docker('image', 'inspect', '--format', format, images.service)
  expect(inspect('{{.Config.User}}')).toBe('node')
  expect(inspect('{{json .Config.Entrypoint}}')).toContain('"node"')
  expect(inspect('{{json .Config.Healthcheck.Test}}')).toContain('/readyz')
  expect(inspect('{{index .Config.Labels "org.opencontainers.image.licenses"}}')).toBe('MIT')
  const inside = (script: string): string => docker('run', '--rm', '--entrypoint', 'sh', images.service, '-c', script)
  expect(inside('ls node_modules | grep -cE "^(vitest|typescript|fast-check)$" || true')).toBe('0')
  expect(inside('touch dist/x 2>/dev/null && echo writable || echo read-only')).toBe('read-only')
  expect(inside('ls -A | sort | xargs')).toBe('dist node_modules package.json')
})
