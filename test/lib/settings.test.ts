import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { parseSetting, settingBelow } from '../../src/lib/document/settings.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { formatProblem } from '../../src/report/problems.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'

const text = `apiVersion: plimsoll/v1
kind: Topology
name: shop
data: { item: { keys: 100, counters: { stock: 5 } } }
hosts: { web: { count: 2, cpu: 4 } }
components:
  edge: { engine: nginx, upstream: app }
  app: &service
    engine: service
    replicas: 2
    host: web
    pools: { main: { to: db, size: 10 } }
  worker:
    <<: *service
    replicas: 3
  db: { engine: postgres }
requests:
  view:
    share: 100%
    enter: edge
    serve: app
    route: GET /items/{item}
    flow:
      - compute: 0.4ms
      - query: app.main
        time: { cpu: 1ms }
traffic: { rate: 100/s }
`

const parse = (...settings: string[]): Topology =>
  parseTopology(text, { file: 't.yaml', registry: engineRegistry, settings: settings.map((one) => parseSetting(one)) })

const refused = (...settings: string[]): string[] => {
  try {
    parse(...settings)
  } catch (error) {
    if (error instanceof PlimsollError) return error.problems.map((problem) => formatProblem(problem))
    throw error
  }
  throw new Error('nothing was refused')
}

const app = (topology: Topology) => {
  const component = topology.components.app
  if (component?.role !== 'service') throw new Error('no service')
  return component
}

describe('--set', () => {
  it('puts values in place of what the file says: keys, list indices, rates, maps', () => {
    const changed = parse(
      'components.app.replicas=4',
      'requests.view.flow.0.compute=2ms',
      'requests.view.flow.1.time.cpu={ mean: 3ms, cv: 0.5 }',
      'traffic.rate=500/s',
    )
    expect(app(changed).replicas).toBe(4)
    expect(changed.requests.view?.flow).toMatchObject([
      { cpu: { shape: 'exponential', meanSeconds: 0.002 } },
      { time: { cpu: { shape: 'gamma', meanSeconds: 0.003, cv: 0.5 } } },
    ])
    expect(changed.traffic).toEqual({ mode: 'open', ratePerSecond: 500 })
  })

  it('is what the edited file would have been: the digest is the same', () => {
    const edited = parseTopology(text.replace('rate: 100/s', 'rate: 0.5/s'), { file: 't', registry: engineRegistry })
    expect(parse('traffic.rate=30/m').digest).toBe(edited.digest)
    expect(parse().digest).not.toBe(edited.digest)
    expect(parse('traffic.rate=100/s').digest).toBe(parse().digest)
  })

  it('creates a legal key that is absent, with the maps on the way', () => {
    expect(parse('policy.headroom=30%').policy.headroom).toBeCloseTo(0.3, 12)
    expect(parse('requests.view.client.timeout=1s').requests.view?.client.timeoutSeconds).toBe(1)
    expect(parse('data.order={ keys: 5 }').data.order?.keys).toBe(5)
    expect(parse('requests.view.flow.2={ wait: 1ms }').requests.view?.flow).toHaveLength(3)
  })

  it('changes one place only, not what an alias or a merge shares with it', () => {
    const changed = parse('components.app.pools.main.size=20')
    expect(app(changed).pools.main?.size).toBe(20)
    expect(changed.components.worker).toMatchObject({ pools: { main: { size: 10 } } })
    const worker = parse('components.worker.pools.main.size=30')
    expect(worker.components.worker).toMatchObject({ pools: { main: { size: 30 } } })
    expect(app(worker).pools.main?.size).toBe(10)
  })

  it('the last of two settings of one path holds', () => {
    expect(app(parse('components.app.replicas=4', 'components.app.replicas=5')).replicas).toBe(5)
  })

  it('shows what is wrong with a value where it was given', () => {
    expect(refused('components.app.replicas=many')).toEqual([
      '--set: error: replicas: expected a whole number, got "many"\n   | components.app.replicas=many\n   |                         ^^^^',
    ])
    const [unit] = refused('traffic.rate=500')
    expect(unit).toContain('--set: error: rate: "500" has no unit: expected a rate such as 300/s')
    expect(refused('traffic.rate={')[0]).toContain('--set: error: not valid YAML')
    expect(refused('traffic.rate=')[0]).toContain('there is no value after "="')
    expect(refused('policy={ headroom: 10%, headroom: 20% }')[0]).toContain('duplicate key "headroom"')
    expect(refused('policy.headroom=*share')[0]).toContain('no anchor "&share" before this')
  })

  it('refuses a misspelt path with what was meant', () => {
    expect(refused('components.app.replica=4')[0]).toMatch(
      /unknown key "replica" in component "app" \(service\)\n {3}\| components\.app\.replica=4\n {3}\| {16}\^{7}\n {2}hint: did you mean "replicas"\?/,
    )
    expect(refused('polcy.headroom=3%')[0]).toContain('did you mean "policy"?')
    expect(refused('components.ap.replicas=4')).toEqual([
      '--set: error: there is no "ap" in "components"\n   | components.ap.replicas=4\n   |            ^^\n  hint: did you mean "app"?',
    ])
    expect(refused('hosts.application.cpu=8')[0]).toContain('there is no "application" in "hosts"')
    const noHosts = text.replace(/^hosts:.*\n/m, '').replace('    host: web\n', '')
    const settings = [parseSetting('hosts.web.cpu=8')]
    expect(() => parseTopology(noHosts, { file: 't.yaml', registry: engineRegistry, settings })).toThrow(
      expect.objectContaining({
        problems: [
          expect.objectContaining({
            message: 'there is no "web" in "hosts"',
            hint: 'to add it, set it whole: hosts.web={…}',
          }),
        ],
      }),
    )
    expect(refused('data.item.counters.stok=8')[0]).toContain('did you mean "stock"?')
    expect(refused('requests.veiw.flow.0.compute=1ms')[0]).toContain('did you mean "view"?')
  })

  it('refuses an index that is not there, and a path through what is no map', () => {
    expect(refused('requests.view.flow.2.compute=1ms')[0]).toContain('there are 2, counted from 0')
    expect(refused('requests.view.flow.first.compute=1ms')[0]).toContain(
      'expected an index of the list "flow", got "first"',
    )
    expect(refused('requests.view.flow.0.compute.mean=1ms')[0]).toContain(
      'set it whole: requests.view.flow.0.compute={mean: …}',
    )
  })

  it('tells everything that is wrong at once, the file’s own mistakes too', () => {
    const broken = text.replace('share: 100%', 'share: 90%')
    const settings = ['components.app.replicas=x', 'components.db.maxConnections=y'].map((one) => parseSetting(one))
    expect(() => parseTopology(broken, { file: 't.yaml', registry: engineRegistry, settings })).toThrow(
      expect.objectContaining({ problems: expect.objectContaining({ length: 3 }) }),
    )
  })

  it('reaches into an experiment, below "experiment."', () => {
    const topology = parse()
    const source = `apiVersion: plimsoll/v1
kind: Experiment
name: e
topology: t.yaml
load: { stages: [{ hold: 100/s, for: 10s }, { ramp: 200/s, for: 5s }] }
`
    const given = (one: string) => settingBelow(parseSetting(one), 'experiment')
    const settings = [
      'experiment.load.stages.0.hold=300/s',
      'experiment.seed=9',
      'experiment.abort.when=all.errors > 5%',
    ]
    const experiment = parseExperiment(source, {
      file: 'e.yaml',
      topology,
      settings: settings.flatMap((one) => given(one) ?? []),
    })
    expect(experiment.load.stages[0]?.fromLevel).toBe(300)
    expect(experiment.load.stages[1]?.fromLevel).toBe(300)
    expect(experiment.seed).toBe(9)
    const wrong = () =>
      parseExperiment(source, {
        file: 'e.yaml',
        topology,
        settings: ['experiment.abort.when=all.erors > 5%'].flatMap((one) => given(one) ?? []),
      })
    expect(wrong).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ position: { file: '--set', line: 0, column: 27 } })],
      }),
    )
    expect(given('components.app.replicas=4')).toBeUndefined()
  })

  it('is a usage error when it is no setting', () => {
    for (const bad of ['replicas', '=4', 'a..b=4', 'a b=4'])
      expect(() => parseSetting(bad)).toThrow(expect.objectContaining({ exitCode: 2 }))
  })
})
