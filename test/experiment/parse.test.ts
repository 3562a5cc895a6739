import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { classMix, recordedChoices } from '../../src/experiment/load.js'
import { experimentTopologyPath, parseExperiment, problemsWithoutTopology } from '../../src/experiment/parse.js'
import type { Experiment } from '../../src/experiment/types.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { parseTopology } from '../../src/topology/parse.js'

const folder = new URL('../../scenarios/optimization-api/', import.meta.url)
const topology = parseTopology(readFileSync(new URL('topology.yaml', folder), 'utf8'), {
  file: 'topology.yaml',
  registry: engineRegistry,
})
const closedTopology = {
  ...topology,
  traffic: { mode: 'closed', users: 5, thinkTime: { shape: 'constant', seconds: 1 } },
} as const

const head = 'apiVersion: plimsoll/v1\nkind: Experiment\nname: x\ntopology: ../topology.yaml\n'
const load = 'load: { stages: [{ hold: 100/s, for: 30s }] }\n'

const parse = (
  text: string,
  of = topology as typeof topology,
  readTrace?: (file: string) => string | undefined,
): Experiment =>
  parseExperiment(text, { file: 'x.yaml', topology: of, ...(readTrace === undefined ? {} : { readTrace }) })

/** `line:column message (hint)` of each problem. */
const problems = (text: string, of = topology as typeof topology): string[] => {
  try {
    parse(text, of)
  } catch (error) {
    if (!(error instanceof PlimsollError)) throw error
    expect(error.exitCode).toBe(3)
    return error.problems.map(
      ({ position, message, hint }) => `${position?.line}:${position?.column} ${message}${hint ? ` (${hint})` : ''}`,
    )
  }
  return []
}
/** Of a body below the head: lines count from the body's first. */
const flaws = (body: string, of = topology as typeof topology): string[] =>
  problems(head + body, of).map((problem) => problem.replace(/^\d+/, (line) => String(Number(line) - 4)))

describe('scenario experiments', () => {
  it.each(readdirSync(new URL('experiments/', folder)))('%s parses', (name) => {
    const text = readFileSync(new URL(`experiments/${name}`, folder), 'utf8')
    expect(experimentTopologyPath(text, name)).toBe('../topology.yaml')
    const experiment = parse(text)
    expect(`${experiment.name}.yaml`).toBe(name)
    expect(experiment.digest).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('an experiment', () => {
  it('has defaults where nothing is written', () => {
    expect(parse(head + load)).toMatchObject({
      seed: 1,
      warmupSeconds: 0,
      load: { mode: 'open', arrivals: { kind: 'poisson' }, mix: undefined },
      steadyState: [],
      faults: [],
      abort: undefined,
      placement: undefined,
    })
  })

  it('is read whole: stages, mix, expectations, faults, abort, placement', () => {
    const experiment = parse(`${head}seed: 7
load:
  mode: open
  arrivals: { bursty: { factor: 3, on: 2s, off: 8s } }
  mix: { get-route: 25%, optimize: 75% }
  stages: [{ hold: 100/s, for: 10s }, { ramp: 400/s, for: 30s }, { ramp: 60/m, for: 1m }]
warmup: 5s
steadyState: [{ expect: "get-route.latency.p95 < 80ms", window: 10s, tolerate: 3s }]
faults:
  - { at: 40s, kill: cache, restart: { after: 10s } }
  - { at: 50s, latency: app -> db, add: 50ms, jitter: 10ms, for: 15s }
  - { at: 51s, restart: app/1 }
  - { at: 52s, lose-host: app/1 }
  - { at: 53s, traffic-spike: all, factor: 300%, for: 5s }
abort: { when: all.errors >= 60%, for: 10s }
placement: { hosts: { local: { cpu: 2, memory: 4GiB } }, all: local, pin: { generator: [1], stack: [0] } }
`)
    expect(experiment.load).toEqual({
      mode: 'open',
      arrivals: { kind: 'bursty', factor: 3, onSeconds: 2, offSeconds: 8 },
      mix: { 'get-route': 0.25, optimize: 0.75 },
      stages: [
        { fromLevel: 100, toLevel: 100, durationSeconds: 10 },
        { fromLevel: 100, toLevel: 400, durationSeconds: 30 },
        { fromLevel: 400, toLevel: 1, durationSeconds: 60 },
      ],
      thinkTime: undefined,
    })
    expect(experiment.steadyState).toEqual([
      {
        text: 'get-route.latency.p95 < 80ms',
        subject: 'get-route',
        path: ['latency', 'p95'],
        op: '<',
        bound: 0.08,
        windowSeconds: 10,
        tolerateSeconds: 3,
      },
    ])
    expect(experiment.abort).toMatchObject({ when: { path: ['errors'], op: '>=', bound: 0.6 }, forSeconds: 10 })
    expect(experiment.faults.map(({ position: _, ...fault }) => fault)).toEqual([
      {
        kind: 'kill',
        atSeconds: 40,
        target: { kind: 'component', component: 'cache' },
        forSeconds: undefined,
        restartAfterSeconds: 10,
        parameters: {},
      },
      {
        kind: 'latency',
        atSeconds: 50,
        target: { kind: 'edge', from: 'app', to: 'db' },
        forSeconds: 15,
        restartAfterSeconds: undefined,
        parameters: { add: 0.05, jitter: 0.01 },
      },
      {
        kind: 'restart',
        atSeconds: 51,
        target: { kind: 'instance', component: 'app', index: 1 },
        forSeconds: undefined,
        restartAfterSeconds: undefined,
        parameters: {},
      },
      {
        kind: 'lose-host',
        atSeconds: 52,
        target: { kind: 'host', host: 'app/1' },
        forSeconds: undefined,
        restartAfterSeconds: undefined,
        parameters: {},
      },
      {
        kind: 'traffic-spike',
        atSeconds: 53,
        target: { kind: 'all' },
        forSeconds: 5,
        restartAfterSeconds: undefined,
        parameters: { factor: 3 },
      },
    ])
    expect(experiment.faults[1]?.position).toEqual({ file: 'x.yaml', line: 15, column: 25 })
    expect(experiment.placement).toEqual({
      hosts: { local: { cpu: 2, memoryBytes: 4 * 1024 ** 3 } },
      all: 'local',
      components: {},
      pin: { generator: [1], stack: [0] },
    })
    expect(Object.isFrozen(experiment.load.stages)).toBe(true)
  })

  it('closed: counts users, who think as the topology says unless the experiment does', () => {
    const body = 'load: { mode: closed, stages: [{ ramp: 20, for: 10s }] }\n'
    expect(parse(head + body, closedTopology).load).toMatchObject({
      stages: [{ fromLevel: 0, toLevel: 20 }],
      thinkTime: { shape: 'constant', seconds: 1 },
    })
    expect(
      parse(`${head}load: { mode: closed, thinkTime: 0s, stages: [{ hold: 3, for: 1s }] }`).load.thinkTime,
    ).toEqual({
      shape: 'exponential',
      meanSeconds: 0,
    })
    expect(flaws(body)).toEqual([
      '1:1 a closed load needs "thinkTime": the topology declares none (0s: every user always has a request in flight)',
    ])
  })

  it('a trace brings its own times and duration', () => {
    const text = `${head}load: { arrivals: { trace: t.csv } }`
    const { load: made } = parse(text, topology, (file) =>
      file === 't.csv' ? 'at,client\n0.25,x\n# c\n\n1.5\n' : undefined,
    )
    expect(made.arrivals).toEqual({ kind: 'trace', file: 't.csv', times: Float64Array.of(0.25, 1.5) })
    expect(made.stages).toEqual([{ fromLevel: 1, toLevel: 1, durationSeconds: 2 }])
    expect(problems(text)).toEqual(['5:28 trace: cannot read t.csv (its path is relative to this file)'])
    expect(() => parse(text, topology, () => '2\n1')).toThrow(/line 2: 1 comes before/)
  })

  it('a trace may tell the class of each arrival, which then is its mix', () => {
    const text = `${head}load: { arrivals: { trace: t.csv } }`
    const csv = 'class;time\noptimize;0.5\nget-route;0.5\noptimize;2\n'
    const made = parse(text, topology, () => csv).load
    const mix = classMix(topology, made)
    expect(mix.ids).toEqual(['get-route', 'optimize'])
    expect(mix.shares[0]).toBeCloseTo(1 / 3, 12)
    expect([...(recordedChoices(made, mix) ?? [])]).toEqual([1, 0, 1])
    expect(recordedChoices(parse(text, topology, () => '0.5\n').load, mix)).toBeUndefined()
    const digest = (trace: string) => parse(text, topology, () => trace).digest
    expect(digest(csv)).not.toBe(digest(csv.replace('get-route', 'optimize')))
    expect(() => parse(text, topology, () => 'at,class\n1,optimise\n')).toThrow(
      expect.objectContaining({
        problems: [
          expect.objectContaining({
            message: 'trace: t.csv: line 2: no request class "optimise"',
            hint: 'did you mean "optimize"?',
          }),
        ],
      }),
    )
    expect(() => parse(text, topology, () => 'at,class\n1\n')).toThrow(/line 2: no request class ""/)
    expect(() =>
      parse(`${head}load: { arrivals: { trace: t.csv }, mix: { optimize: 100% } }`, topology, () => csv),
    ).toThrow(/has a column "class"/)
  })

  it('means the same whatever its name, comments and spelling of units, and something else otherwise', () => {
    const digest = (text: string): string => parse(text).digest
    expect(digest(`${head}${load}# c\n`)).toBe(
      digest(`${head.replace('name: x', 'name: y')}load: { stages: [{ for: 30000ms, hold: 6000/m }] }`),
    )
    expect(digest(head + load)).not.toBe(digest(head + load.replace('100/s', '101/s')))
  })
})

describe('mistakes in an experiment', () => {
  it('twelve in one file are twelve problems at their places', () => {
    const text = `apiVersion: plimsoll/v1
kind: Experiment
name: x
topology: ../topology.yaml
seed: -1
load:
  mode: opne
  mix: { get-rout: 50%, optimize: 40% }
  stages: [{ hold: 100, for: 30s }, { ramp: 1e12/s, for: 5 }]
warmup: 10
steadyState:
  - { expect: all.latncy.p95 < 80ms, window: 5s }
  - { expect: all.errors < 1 }
faults:
  - { at: 10s, kill: app/7 }
  - { at: 10s, explode: app }
abort: { when: al.errors > 60% }
`
    expect(problems(text).map((problem) => problem.split(' ', 1)[0])).toEqual([
      '5:7', // seed
      '7:9', // mode
      '8:3', // the mix sums to 90 %
      '8:10', // no such class
      '9:20', // users in an open load
      '9:45', // 1e12/s
      '9:58', // no unit
      '10:9', // no unit
      '12:19', // latncy
      '13:28', // no unit
      '15:26', // app/7
      '16:16', // explode
      '17:16', // al
    ])
  })

  it.each([
    ['load: { stages: [] }\n', '1:9 stages: there is no stage'],
    ['load: { stages: [{ hold: 0/s, for: 3s }] }\n', '1:9 stages: the stages ask for nothing: every level is 0'],
    [
      'load: { stages: [{ hold: 1000000/s, for: 40d }] }\n',
      '1:9 stages: the stages last 40 d in all; at most 31 d are run',
    ],
    [
      'load: { stages: [{ hold: 1000000/s, for: 1h }] }\n',
      '1:9 stages: the stages ask for 3 600 000 000 requests in all; at most 1 000 000 000 are run',
    ],
    [
      'load: { stages: [{ hold: .nan, for: 3s }] }\n',
      /^1:26 hold: expected a rate such as 400\/s, or a whole number of users/,
    ],
    ['load: { stages: [{ hold: -5/s, for: 3s }] }\n', /^1:26 hold: "-5\/s" is negative/],
    ['load: { stages: [{ hold: 1/s, for: 1e999s }] }\n', /^1:36 for: "1e999s" is larger than anything/],
    ['load: { stages: [{ hold: 1/s, ramp: 2/s, for: 1s }] }\n', /^1:31 a stage either holds, ramps or follows a day/],
    ['load: {}\n', /^1:1 "load" needs "stages"/],
    [
      'load: { mode: closed, thinkTime: 1s, arrivals: poisson, stages: [{ hold: 3, for: 1s }] }\n',
      /^1:38 a closed load has no arrivals/,
    ],
    ['load: { thinkTime: 1s, stages: [{ hold: 3/s, for: 1s }] }\n', /^1:9 an open load has no users who think/],
    [
      'load: { arrivals: { bursty: { factor: 11 } }, stages: [{ hold: 3/s, for: 1s }] }\n',
      /^1:21 bursty: bursts of 11 times the rate exceed the whole load/,
    ],
    ['load: { arrivals: poison, stages: [{ hold: 3/s, for: 1s }] }\n', /^1:19 arrivals: .*did you mean "poisson"\?/],
    [`${load}warmup: 30s\n`, /^2:9 warmup: nothing is left to measure/],
    [`${load}steadyState: [{ expect: all.errors < 1%, window: 2500ms }]\n`, /^2:50 window: expected whole seconds/],
    [
      `${load}steadyState: [{ expect: all.errors < 1%, window: 0s }]\n`,
      /^2:50 window: expected whole seconds, at least 1s/,
    ],
    [`${load}faults: [{ at: 30s, kill: app }]\n`, /^2:16 at: the load ends after 30 s, before this fault strikes/],
    [`${load}faults: [{ kill: app }]\n`, /^2:10 fault "kill" needs "at"/],
    [`${load}faults: [{ at: 1s }]\n`, /^2:10 a fault needs a kind and its target/],
    [`${load}faults: [{ at: 1s, kil: app }]\n`, /^2:20 unknown kind of fault "kil" \(did you mean "kill"\?\)/],
    [`${load}faults: [{ at: 1s, kill: app, stop: db }]\n`, /^2:31 a fault is of one kind, and this is "kill" already/],
    [`${load}faults: [{ at: 1s, kill: ap }]\n`, /^2:26 .*did you mean "app"\?/],
    [`${load}faults: [{ at: 1s, kill: ap/0 }]\n`, /^2:26 no component "ap" \(did you mean "app"\?\)/],
    [`${load}faults: [{ at: 1s, kill: app/2 }]\n`, '2:30 there is no app/2 (there is app/0 to app/1)'],
    [`${load}faults: [{ at: 1s, kill: cache/1 }]\n`, '2:32 there is no cache/1 (there is only cache/0)'],
    [`${load}faults: [{ at: 1s, kill: app/x }]\n`, /^2:30 expected the index of an instance/],
    [`${load}faults: [{ at: 1s, kill: app, for: 1s, restart: { after: 2s } }]\n`, /^2:31 "for" and "restart" both say/],
    [`${load}faults: [{ at: 1s, kill: app, factor: 2 }]\n`, /^2:31 fault "kill" takes no "factor"/],
    [`${load}faults: [{ at: 1s, pause: app, restart: { after: 1s } }]\n`, /^2:32 fault "pause" ends nothing/],
    [`${load}faults: [{ at: 1s, restart: app, for: 1s }]\n`, /^2:34 fault "restart" happens at once/],
    [`${load}faults: [{ at: 1s, latency: app -> db }]\n`, /^2:10 fault "latency" needs "add"/],
    [
      `${load}faults: [{ at: 1s, latency: db -> app, add: 1ms }]\n`,
      /^2:29 nothing goes from db to app \(did you mean "app -> db"\?\)/,
    ],
    [`${load}faults: [{ at: 1s, latency: app -> bd, add: 1ms }]\n`, /^2:36 no component "bd" \(did you mean "db"\?\)/],
    [`${load}faults: [{ at: 1s, latency: db, add: 1ms }]\n`, /^2:29 "latency" strikes an edge .*such as app -> db/],
    [`${load}faults: [{ at: 1s, lose-host: stat }]\n`, /^2:31 no host "stat" \(did you mean "state"\?\)/],
    [`${load}faults: [{ at: 1s, lose-host: app/2 }]\n`, /^2:35 there is no machine app\/2/],
    [`${load}faults: [{ at: 1s, lose-zone: a }]\n`, '2:31 no zone "a" (the topology names no zones)'],
    [
      `${load}placement: { hosts: { box: { cpu: 2 } }, all: local }\n`,
      /^2:47 all: no host "local" in "placement.hosts"/,
    ],
    [
      `${load}placement: { pin: { generatr: [0] } }\n`,
      /^2:21 no component "generatr" to pin \(did you mean "generator"\?\)/,
    ],
    [`${load}placement: { hosts: { box: { cpu: 0 } } }\n`, /^2:35 cpu: expected a number above 0/],
    [`${load}on: yes\n`, /unknown key "on"/],
  ])('%s', (body, expected) => {
    const told = flaws(body)
    expect(told).toHaveLength(1)
    if (typeof expected === 'string') expect(told[0]).toBe(expected)
    else expect(told[0]).toMatch(expected)
  })

  it.each([
    ['all.latency.p95', /^28 expected one of < <= > >= after "all.latency.p95"/],
    ['< 80ms', /^13 expected a quantity such as all.latency.p95 first/],
    ['all.latency.p95 == 80ms', /^29 "==" does not compare/],
    ['all.latency.p95 < 80', /^31 "80" has no unit/],
    ['all.latency.p95 < 80%', /^31 unknown unit "%"/],
    ['all.latency.p95 <', /^30 expected a bound after the comparison/],
    ['all.errors < 101%', /^26 "101%" is more than 100%/],
    ['all.errors < 0.01', /^26 "0.01" has no unit/],
    ['all < 1%', /^13 "all" alone is no quantity/],
    ['all.latency < 1ms', /^17 "all" has no quantity "latency"/],
    ['all.hitRatio > 80%', /^17 "all" has no quantity "hitRatio" \("hitRatio" is a quantity of a component/],
    ['app.errors < 1%', /^17 "app" has no quantity "errors" \("errors" is a quantity of requests/],
    ['app.pools.mian.waiting < 3', /^17 .*did you mean "pools.main.waiting"\?/],
    ['get-rout.errors < 1%', /^13 nothing is named "get-rout" .*did you mean "get-route"\?/],
    ['app.queue.max < lots', /^29 expected a number of at least 0, got "lots"/],
  ])('%s is shown where it goes wrong', (condition, expected) => {
    const told = flaws(`${load}steadyState:\n  - expect: ${condition}\n`)
    expect(told).toHaveLength(1)
    expect(told[0]?.replace(/^3:/, '')).toMatch(expected)
    const quoted = flaws(`${load}steadyState:\n  - expect: "${condition}"\n`)
    const shifted = told[0]?.replace(/^3:(\d+)/, (_, column: string) => `3:${Number(column) + 1}`)
    expect(quoted).toEqual([shifted])
  })

  it.each([
    'all.latency.p999 <= 1s',
    'all.errors.503 < 1%',
    'optimize.ratePerSecond >= 10/s',
    'get-route.outcomes.hit.latency.p95 < 5ms',
    'cache.hitRatio > 70%',
    'app.utilization.cpu < 80%',
    'app.queue.max < 100',
    'app.pools.main.waiting < 5',
    'app.memoryBytes < 512MiB',
    'app.ready >= 1',
    'all.degraded < 20%',
  ])('%s can be expected', (condition) => {
    expect(flaws(`${load}steadyState: [{ expect: "${condition}" }]\n`)).toEqual([])
  })

  it('an abort condition must be known second by second', () => {
    expect(flaws(`${load}abort: { when: get-route.outcomes.hit.latency.p95 > 1s }\n`)).toEqual([
      '2:16 "get-route.outcomes.hit.latency.p95" is known only when the run has ended (such as all.errors > 60% or all.latency.p99 > 2s)',
    ])
  })

  it('a file that names no topology tells everything else that is wrong as well', () => {
    const text = 'apiVersion: plimsoll/v1\nkind: Experiment\nname: x\nload: { stages: [{ hold: 1, for: 1s }] }\n'
    const told = (() => {
      try {
        return experimentTopologyPath(text, 'x.yaml')
      } catch (error) {
        return error instanceof PlimsollError ? error.problems.map(({ message }) => message) : []
      }
    })()
    expect(told).toEqual(['an experiment needs "topology"', 'hold: an open load counts requests per second'])
  })

  it('a trace is not looked for while its topology is unknown', () => {
    const text = `${head}load: { arrivals: { trace: t.csv } }\nwarmup: 1`
    expect(problemsWithoutTopology(text, 'x.yaml', { message: 'gone' }).map(({ message }) => message)).toEqual([
      'gone',
      'warmup: "1" has no unit: expected a duration such as 250ms',
    ])
  })

  it('a topology given as an experiment is told by its kind', () => {
    expect(problems(head.replace('Experiment', 'Topology') + load)[0]).toMatch(/^2:7 kind: unknown value "Topology"/)
  })
})
