/** A replicated PostgreSQL and its watchers in docker-compose.yml; what the entry point of a member does, done by a real shell. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Members } from '../../../src/contract/engine.js'
import type { ServiceConfig } from '../../../src/contract/workload.js'
import { addressPlan } from '../../../src/deploy/generate/address-plan.js'
import { composeFiles } from '../../../src/deploy/generate/compose.js'
import type { RunFacts } from '../../../src/deploy/generate/container.js'
import { generate } from '../../../src/deploy/generate/generate.js'
import { topologyFile, topologyFrom } from '../../support/topology.js'

interface Service {
  readonly image: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly profiles?: readonly string[]
  readonly network_mode?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly env_file?: unknown
  readonly labels: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

const scenario = topologyFile('scenarios/optimization-api/replicated/topology.yaml')
const plan = addressPlan(scenario, [99, 7])

const made = (run?: RunFacts, topology = scenario, its = plan) => {
  const { document, files } = composeFiles(topology, its, run)
  return { services: (document as unknown as { services: Readonly<Record<string, Service>> }).services, files }
}

const facts = (members: Members, anew: Readonly<Record<string, number>> = {}): RunFacts => ({
  seed: 1,
  prepared: new Map(),
  roles: new Map([['db', members]]),
  anew: new Map(Object.entries(anew)),
})

const addressOf = (name: string): string => plan.units.find((unit) => unit.name === name)?.address.host ?? ''

describe('PostgreSQL with standbys', () => {
  it('has a configuration for each member; the first makes the data, the others wait for it and follow it', () => {
    const { services, files } = made()
    expect(services['db-0']?.volumes).toContain('./postgres/db.sql:/docker-entrypoint-initdb.d/10-schema.sql:ro')
    expect(services['db-0']).not.toHaveProperty('depends_on')
    for (const standby of ['db-1', 'db-2']) {
      expect(services[standby]?.depends_on).toEqual({ 'db-0': { condition: 'service_healthy' } })
      expect(services[standby]?.volumes).toEqual([
        `./postgres/${standby}:/etc/postgresql:ro`,
        `${standby}-data:/var/lib/postgresql/data`,
      ])
      expect(files.get(`postgres/${standby}/postgresql.conf`)).toContain(`host=''${addressOf('db-0')}''`)
    }
    expect(files.get('postgres/db-0/postgresql.conf')).not.toContain('primary_conninfo')
    expect(files.get('postgres/db-2/postgresql.conf')).toContain("primary_slot_name = 'plimsoll_member_2'")
    expect(services['app-0']?.depends_on).toMatchObject({
      'db-0': { condition: 'service_healthy' },
      'db-2': { condition: 'service_healthy' },
    })
  })

  it('binds services to all members, and says which of them each pool is for', () => {
    const { bindings } = JSON.parse(made().files.get('service/app-0.json') ?? '') as ServiceConfig
    expect(Object.keys(bindings).filter((name) => name.startsWith('db'))).toEqual(['db', 'db.primary', 'db.replica'])
    expect(bindings['db.replica']).toMatchObject({
      session: 'replica',
      addresses: ['db-0', 'db-1', 'db-2'].map((name) => ({ host: addressOf(name), port: 5432 })),
    })
    expect(bindings['db.primary']).toMatchObject({ session: 'primary', user: 'plimsoll' })
  })

  it('asks each member whether it is what its configuration says', () => {
    const { services } = made()
    const [kind, command] = services['db-1']?.healthcheck?.test ?? []
    expect(kind).toBe('CMD-SHELL')
    expect(command).toContain("pg_stat_wal_receiver WHERE status = 'streaming'")
    expect(command).toContain('-h 127.0.0.1')
    // Compose would take a single dollar sign for a variable of its own.
    expect(command).toMatch(/^\[ "\$\$\(psql /)
    expect(services['db-0']?.healthcheck?.test).toEqual(services['db-1']?.healthcheck?.test)
  })

  it('follows whoever is primary now, when a runtime knows better than the file', () => {
    const { files } = made(facts({ primary: 1, following: [2] }, { 'db/0': 1 }))
    for (const standby of ['db-0', 'db-2'])
      expect(files.get(`postgres/${standby}/postgresql.conf`)).toContain(`host=''${addressOf('db-1')}''`)
    expect(files.get('postgres/db-1/postgresql.conf')).toContain(`synchronous_standby_names = 'ANY 1 ("db/2")'`)
    expect(files.get('postgres/db-1/postgresql.conf')).not.toContain('primary_conninfo')
    expect(files.get('postgres/db-0/member.sh')).toContain(`host='\\''${addressOf('db-1')}'\\''`)
  })

  it('takes passwords from the environment alone', () => {
    const sql = made().files.get('postgres/db.sql') ?? ''
    expect(sql).toContain('\\getenv password PGPASSWORD\n')
    expect(sql).toContain(`ALTER ROLE "plimsoll_monitor" PASSWORD :'password';`)
    expect(sql.split('\n')[1]).toBe('SET synchronous_commit = local;')
    const example = generate(scenario).get('secrets.env.example')
    for (const name of ['POSTGRES_PASSWORD', 'PGPASSWORD', 'DATA_SOURCE_PASS'])
      expect(example).toContain(`\n${name}=\n`)
  })
})

describe('the entry point of a member', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plimsoll-member-'))
    mkdirSync(join(folder, 'bin'))
    // What the image has, as far as the script sees: each notes that it was called, and with what.
    const program = (name: string, body: string): void =>
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
    program('docker-entrypoint.sh', `echo "server $* PGOPTIONS=$PGOPTIONS" >>"${folder}/calls"`)
    program(
      'pg_basebackup',
      `echo "copy $2" >>"${folder}/calls"
[ ! -e "${folder}/refuse" ] || { rm "${folder}/refuse"; : >"$4/half"; exit 1; }
echo 17 >"$4/PG_VERSION"; echo 'db/1 0' >"$4/plimsoll-made"`,
    )
    program('sleep', ':')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const data = (): string => join(folder, 'data')
  /** What was called, in order. */
  const start = (member: string, run?: RunFacts): readonly string[] => {
    writeFileSync(join(folder, 'member.sh'), made(run).files.get(`postgres/${member}/member.sh`) ?? '')
    rmSync(join(folder, 'calls'), { force: true })
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, PGDATA: data() }
    const { status, stderr } = spawnSync('sh', [join(folder, 'member.sh'), 'postgres', '-c', 'x=y'], { env })
    expect(status, String(stderr)).toBe(0)
    return readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
  }
  const copyOf = (name: string): unknown => expect.stringMatching(`^copy host='${addressOf(name)}' .*base backup of`)
  const server = 'server postgres -c x=y PGOPTIONS='

  it('of a standby copies the primary once, and starts as what it is from then on', () => {
    expect(start('db-2')).toEqual([copyOf('db-0'), server])
    expect(existsSync(join(data(), 'standby.signal'))).toBe(true)
    expect(start('db-2')).toEqual([server])
  })

  it('of a standby begins again when the copy fails, without what was left of it', () => {
    writeFileSync(join(folder, 'refuse'), '')
    expect(start('db-2')).toEqual([copyOf('db-0'), copyOf('db-0'), server])
    expect(readdirSync(data()).sort()).toEqual(['PG_VERSION', 'plimsoll-made', 'standby.signal'])
  })

  it('of a former primary copies the new one when it is made anew, and gives up what it had', () => {
    mkdirSync(data())
    for (const name of ['PG_VERSION', 'lost-write']) writeFileSync(join(data(), name), '17')
    expect(start('db-0')).toEqual([server])
    const later = facts({ primary: 1, following: [2] }, { 'db/0': 1 })
    expect(start('db-0', later)).toEqual([copyOf('db-1'), server])
    expect(existsSync(join(data(), 'lost-write'))).toBe(false)
    expect(start('db-0', later)).toEqual([server])
    expect(start('db-0', facts({ primary: 2, following: [] }, { 'db/0': 2 }))).toEqual([copyOf('db-2'), server])
  })

  it('of a primary keeps its making from waiting for standbys, and nothing later', () => {
    expect(start('db-0')).toEqual([`${server}-c synchronous_commit=local`])
    mkdirSync(data())
    writeFileSync(join(data(), 'PG_VERSION'), '17')
    expect(start('db-0')).toEqual([server])
  })
})

describe('what watches', () => {
  it('is an exporter in the network of each server that needs one, on the account of Prometheus', () => {
    const { services } = made()
    expect(Object.keys(services).filter((name) => name.endsWith('-exporter'))).toEqual(
      ['edge-0', 'cache-0', 'db-0', 'db-1', 'db-2'].map((server) => `${server}-exporter`),
    )
    const exporter = services['db-1-exporter']
    expect(exporter).toMatchObject({
      network_mode: 'service:db-1',
      environment: { DATA_SOURCE_URI: '127.0.0.1:5432/postgres?sslmode=disable', DATA_SOURCE_USER: 'plimsoll_monitor' },
      labels: { 'dev.plimsoll.instance': 'prometheus/0' },
      read_only: true,
    })
    expect(exporter).toHaveProperty('env_file')
    expect(services['cache-0-exporter']).not.toHaveProperty('env_file')
    // nginx shows its status on another port in a system that a runtime starts.
    const scraped = (run?: RunFacts) => made(run).services['edge-0-exporter']?.command?.[0]
    expect(scraped()).toBe('--nginx.scrape-uri=http://127.0.0.1:8080/nginx_status')
    expect(scraped(facts({ primary: 0, following: [] }))).toBe('--nginx.scrape-uri=http://127.0.0.1:8081/nginx_status')
  })

  it('is asked at the addresses of the containers: exporters at those of their servers', () => {
    const yml = made().files.get('prometheus/prometheus.yml') ?? ''
    expect(yml).toContain(`${addressOf('db-2')}:9187`)
    expect(yml).toContain(`${addressOf('app-1')}:8080`)
  })

  it('is looked at on loopback, Grafana behind a profile', () => {
    const { services, files } = made()
    expect(services['prometheus-0']?.ports).toEqual(['127.0.0.1:9090:9090'])
    expect(services['grafana-0']).toMatchObject({ profiles: ['grafana'], ports: ['127.0.0.1:3000:3000'] })
    for (const name of ['datasources', 'dashboards'])
      expect(files.has(`grafana/provisioning/${name}/plimsoll.yaml`)).toBe(true)
  })

  it('changes no address of what it watches', () => {
    const without = topologyFrom(`
components: { app: { engine: service }, cache: { engine: redis } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ lookup: cache }] } }`)
    const watched = topologyFrom(`
components: { metrics: { engine: prometheus }, app: { engine: service }, cache: { engine: redis } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ lookup: cache }] } }`)
    const addresses = (topology: typeof watched) =>
      addressPlan(topology).units.map(({ name, address }) => [name, address])
    expect(addresses(watched).slice(0, 2)).toEqual(addresses(without))
  })

  it('may be two that share the exporters, each with a port of its own to look at', () => {
    const twice = topologyFrom(`
components: { app: { engine: service }, cache: { engine: redis }, a: { engine: prometheus }, b: { engine: prometheus } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ lookup: cache }] } }`)
    const { services } = made(undefined, twice, addressPlan(twice))
    expect(Object.keys(services)).toEqual(['app-0', 'cache-0', 'a-0', 'b-0', 'cache-0-exporter'])
    expect(['a-0', 'b-0'].map((name) => services[name]?.ports)).toEqual([
      ['127.0.0.1:9090:9090'],
      ['127.0.0.1:9091:9090'],
    ])
  })
})
