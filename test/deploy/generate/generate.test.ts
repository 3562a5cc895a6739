import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { generate, generateTarget, isGenerated } from '../../../src/deploy/generate/generate.js'
import { PlimsollError } from '../../../src/lib/errors.js'
import { topologyFile, topologyFrom } from '../../support/topology.js'

interface Compose {
  readonly name: string
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string
        readonly command?: readonly string[]
        readonly networks: { readonly plimsoll: { readonly ipv4_address: string } }
        readonly ports?: readonly string[]
        readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
        readonly labels: Readonly<Record<string, string>>
        readonly [key: string]: unknown
      }
    >
  >
  readonly networks: {
    readonly plimsoll: { readonly ipam: { readonly config: readonly { readonly subnet: string }[] } }
  }
}

const composeOf = (text: string): Compose =>
  parse(generate(topologyFrom(text), ['compose']).get('docker-compose.yml') ?? '') as Compose

const base = (extra = '', service = '', requests = '') => `
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, replicas: 2${service}, pools: { main: { to: db, size: 5 } } }
  db: { engine: postgres }
${extra}
requests:
  r: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ query: app.main, table: t, time: 1ms }] }
${requests}`

const problemOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof PlimsollError) {
      const [problem] = error.problems
      return `${problem?.position?.line}:${problem?.position?.column} ${problem?.message}`
    }
    throw error
  }
  return 'nothing was thrown'
}

describe('generate', () => {
  it('gives the same bytes for the same topology, sorted by path, with line feeds only and no time', () => {
    const files = () => [...generate(topologyFile('scenarios/optimization-api/topology.yaml'))]
    expect(files()).toEqual(files())
    const paths = files().map(([path]) => path)
    expect(paths).toEqual([...paths].sort())
    for (const [, text] of files()) {
      expect(text).not.toContain('\r')
      expect(text.endsWith('\n')).toBe(true)
      expect(isGenerated(text)).toBe(true)
    }
  })

  it('names the topology and its digest in every header', () => {
    const topology = topologyFile('scenarios/optimization-api/topology.yaml')
    for (const [, text] of generate(topology)) expect(text).toContain(`sha256 ${topology.digest.slice(0, 16)}`)
  })

  it('sends nginx to the addresses that compose gives the instances', () => {
    const files = generate(topologyFrom(base()))
    const compose = parse(files.get('docker-compose.yml') ?? '') as Compose
    const upstream = [...(files.get('nginx.conf') ?? '').matchAll(/server (10\.\d+\.\d+\.\d+):8080 /g)].map(
      (match) => match[1],
    )
    expect(upstream).toEqual(['app-0', 'app-1'].map((name) => compose.services[name]?.networks.plimsoll.ipv4_address))
    expect(new Set(Object.values(compose.services).map(({ networks }) => networks.plimsoll.ipv4_address)).size).toBe(4)
  })

  it('keeps its addresses when a rate changes, and others for another name', () => {
    const subnet = (text: string): string | undefined => composeOf(text).networks.plimsoll.ipam.config[0]?.subnet
    expect(subnet(base('', '', 'traffic: { rate: 5/s }'))).toBe(subnet(base()))
    expect(generate(topologyFile('scenarios/optimization-api/topology.yaml')).get('docker-compose.yml')).not.toContain(
      String(subnet(base())),
    )
  })

  it('gives 300 instances a network that holds them', () => {
    const compose = composeOf(base('', '').replace('replicas: 2', 'replicas: 300'))
    expect(compose.networks.plimsoll.ipam.config[0]?.subnet).toMatch(/^10\.\d+\.0\.0\/16$/)
    const addresses = Object.values(compose.services).map(({ networks }) => networks.plimsoll.ipv4_address)
    expect(new Set(addresses).size).toBe(302)
    for (const address of addresses) for (const part of address.split('.')) expect(Number(part)).toBeLessThan(256)
  })

  it('publishes the entry alone, on loopback alone', () => {
    const { services } = composeOf(base())
    expect(services['edge-0']?.ports).toEqual(['127.0.0.1:8080:8080'])
    expect(Object.values(services).filter(({ ports }) => ports !== undefined)).toHaveLength(1)
  })

  it('starts each container after what it needs is healthy', () => {
    const { services } = composeOf(base())
    expect(services['edge-0']?.depends_on).toEqual({
      'app-0': { condition: 'service_healthy' },
      'app-1': { condition: 'service_healthy' },
    })
    expect(services['app-0']?.depends_on).toEqual({ 'db-0': { condition: 'service_healthy' } })
  })

  it('writes no password, and reads one from a file that stays out of the repository', () => {
    const files = generate(topologyFrom(base()))
    expect(files.get('.gitignore')).toContain('secrets.env\n')
    expect(files.has('secrets.env')).toBe(false)
    for (const [path, text] of files)
      if (path !== 'secrets.env.example') expect(text).not.toMatch(/PASSWORD[=:] *["']?\w/)
  })

  it('keeps a dollar sign of the user from being replaced by compose, and quotes what YAML would read otherwise', () => {
    const { services } = composeOf(base('', `, image: "shop:1", command: ["sh", "-c", "echo $HOME \${X} yes: # no"]`))
    expect(services['app-0']?.command).toEqual(['sh', '-c', 'echo $$HOME $${X} yes: # no'])
    expect(services['app-0']?.image).toBe('shop:1')
  })

  it.each([
    [
      'an engine without a container',
      base('  log: { engine: kafka, topics: { t: {} } }'),
      '9:18 compose: engine kafka (component log): not supported yet',
    ],
    [
      'an external dependency',
      base('  pay: { engine: external, latency: 10ms }'),
      '9:18 compose: engine external (component pay): not supported yet',
    ],
    [
      'a cache with copies',
      base('  cache: { engine: redis, mode: replicated, replicasPerMaster: 1 }'),
      '9:64 compose: redis with replicasPerMaster: 1: not supported yet',
    ],
    [
      'a monitor of which it knows no image',
      base('  logs: { engine: loki }'),
      '9:19 compose: engine loki (component logs): not supported yet',
    ],
  ])('says by name and place that it cannot do %s', (_, text, expected) => {
    expect(problemOf(() => generate(topologyFrom(text), ['compose']))).toBe(expected)
  })

  it('generates nginx alone for a topology of which compose could not do the rest', () => {
    expect([...generate(topologyFile('scenarios/flash-sale/topology.yaml'), ['nginx']).keys()]).toEqual(['nginx.conf'])
  })

  it('knows its targets, those to come, and what was probably meant', () => {
    expect(generateTarget('compose')).toBe('compose')
    expect(problemOf(() => generateTarget('kubernetes'))).toContain('generate --target kubernetes: not supported yet')
    expect(problemOf(() => generateTarget('compos'))).toContain('there is no target "compos"')
  })

  it('refuses patches of text by name', () => {
    const text = base('', '', 'generate: { nginx: { patches: [{ a: 1 }] } }')
    expect(problemOf(() => generate(topologyFrom(text), ['nginx']))).toContain(
      'generate.nginx.patches: not supported yet',
    )
  })

  it('tells which patch failed and why', () => {
    const text = base('', '', 'generate: { compose: { patches: [[{ op: remove, path: /services/nowhere }]] } }')
    expect(problemOf(() => generate(topologyFrom(text), ['compose']))).toMatch(
      /^\d+:\d+ generate\.compose\.patches 0: operation 0 \(remove \/services\/nowhere\): there is no "nowhere"$/,
    )
  })
})
