import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Host, Output } from '../../src/commands/host.js'
import { run } from '../../src/commands/simulate.js'
import type { RunResult } from '../../src/result/run-result.js'
import type { Sweep } from '../../src/result/sweep.js'
import type { TheoryCheck } from '../../src/sim/analytic/check.js'

const scenario = resolve('scenarios/optimization-api')
const folder = mkdtempSync(join(tmpdir(), 'plimsoll-simulate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const simulate = async (
  options: Readonly<Record<string, string | boolean | readonly string[]>>,
  more: { readonly tty?: boolean; readonly signal?: AbortSignal; readonly topology?: string } = {},
) => {
  const written = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write: (text) => {
      written[name] += text
    },
    isTTY: more.tty === true,
    columns: 80,
    color: false,
  })
  let seconds = 0
  const host: Host = {
    cwd: folder,
    env: {},
    stdout: output('stdout'),
    stderr: output('stderr'),
    signal: more.signal ?? new AbortController().signal,
    // Each look at the clock is a second later: every step gets its progress.
    now: () => ++seconds,
    packageFolder: resolve('.'),
  }
  const topology = more.topology ?? join(scenario, 'topology.yaml')
  const code = await run({ host, args: [topology], options })
  return { code, ...written }
}

let experiments = 0
const experiment = (text: string): string => {
  const path = join(folder, `experiment-${experiments++}.yaml`)
  writeFileSync(
    path,
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: ${join(scenario, 'topology.yaml')}\n${text}`,
  )
  return path
}

describe('plimsoll simulate', () => {
  it('without an experiment runs the declared traffic and exits 0; everything fits 80 columns', async () => {
    const { code, stdout, stderr } = await simulate({ duration: '10s' })
    expect(code).toBe(0)
    expect(stderr).toBe('')
    for (const word of ['get-route', 'optimize', 'edge', 'cache', 'app.main']) expect(stdout).toContain(word)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('--json prints one document, the same bytes for the same seed', async () => {
    const first = await simulate({ duration: '5s', json: true, seed: '3' })
    const again = await simulate({ duration: '5s', json: true, seed: '3' })
    const other = await simulate({ duration: '5s', json: true, seed: '4' })
    expect(again.stdout).toBe(first.stdout)
    expect(other.stdout).not.toBe(first.stdout)
    const result = JSON.parse(first.stdout) as RunResult
    expect(result).toMatchObject({ kind: 'RunResult', engine: 'sim', seed: 3, startedAt: null, durationSeconds: 5 })
    expect(result.series).toHaveLength(5)
  })

  it('with an experiment tells of faults, and exits 4 when what had to hold did not', async () => {
    const kill = await simulate({ experiment: join(scenario, 'experiments/lose-an-app-server.yaml') })
    expect(kill.code).toBe(0)
    expect(kill.stdout).toContain('kill app/0')
    const strict = experiment(`load: { mode: open, stages: [{ hold: 100/s, for: 10s }] }
steadyState: [{ expect: all.latency.p95 < 1us, window: 5s }]
`)
    expect((await simulate({ experiment: strict })).code).toBe(4)
  })

  it('exits 4 for an SLO only when an experiment put it to the test', async () => {
    const overloaded = experiment('load: { mode: open, stages: [{ hold: 8000/s, for: 5s }] }\n')
    expect((await simulate({ experiment: overloaded })).code).toBe(4)
  })

  it('an aborted experiment does not hold', async () => {
    const hopeless = experiment(`load: { mode: open, stages: [{ hold: 100/s, for: 20s }] }
faults: [{ at: 2s, stop: edge }]
abort: { when: all.errors > 60%, for: 3s }
`)
    const { code, stdout } = await simulate({ experiment: hopeless, json: true })
    expect(code).toBe(4)
    const result = JSON.parse(stdout) as RunResult
    expect(result.status).toBe('aborted')
    expect(result.durationSeconds).toBeLessThan(8)
  })

  it('draws progress on a terminal only, and wipes it away', async () => {
    const { stdout, stderr } = await simulate({ duration: '10s', json: true }, { tty: true })
    expect(stderr).toContain('simulated 5 s of 10')
    expect(stderr.endsWith('\u001b[K')).toBe(true)
    JSON.parse(stdout)
  })

  it('gives up at the first signal without printing half a result', async () => {
    const { code, stdout } = await simulate({ duration: '1h' }, { signal: AbortSignal.abort('SIGINT') })
    expect(code).toBe(130)
    expect(stdout).toBe('')
  })

  it('refuses a duration beside an experiment, which has its own, rather than ignoring it', async () => {
    await expect(simulate({ duration: '5s', experiment: 'experiments/steady.yaml' })).rejects.toMatchObject({
      exitCode: 2,
      problems: [{ message: expect.stringContaining('--duration and --experiment exclude each other') }],
    })
  })

  it('refuses a duration without a unit, a seed that is no whole number, and a topology without traffic', async () => {
    await expect(simulate({ duration: '60' })).rejects.toMatchObject({ exitCode: 2 })
    await expect(simulate({ duration: '0s' })).rejects.toMatchObject({ exitCode: 2 })
    await expect(simulate({ seed: '1.5' })).rejects.toMatchObject({ exitCode: 2 })
    const topology = join(folder, 'silent.yaml')
    writeFileSync(
      topology,
      'apiVersion: plimsoll/v1\nkind: Topology\nname: silent\ncomponents: { app: { engine: service } }\nrequests: { r: { share: 100%, serve: app, route: GET /, flow: [] } }\n',
    )
    await expect(simulate({}, { topology })).rejects.toMatchObject({ exitCode: 3 })
  })

  it('refuses what it cannot simulate by name and place, all at once', async () => {
    const faulty = experiment(`load: { mode: open, stages: [{ hold: 1/s, for: 1s }] }
faults: [{ at: 0s, exhaust-connections: app }, { at: 0s, disk-full: cache }]
`)
    await expect(simulate({ experiment: faulty })).rejects.toMatchObject({
      exitCode: 3,
      problems: [
        { message: 'fault exhaust-connections app cannot be simulated: app has no maxConnections' },
        { message: 'fault disk-full cache cannot be simulated: cache: nothing there is kept on a disk' },
      ],
    })
  })
})

describe('plimsoll simulate --set', () => {
  it('simulates what is set instead of what the files say, and the digest tells', async () => {
    const plain = JSON.parse((await simulate({ duration: '2s', json: true })).stdout) as RunResult
    const set = ['components.app.replicas=5', 'traffic.rate=50/s']
    const changed = JSON.parse((await simulate({ duration: '2s', json: true, set })).stdout) as RunResult
    expect(changed.components.app?.replicas).toBe(5)
    expect(changed.requests.all?.offered).toBeLessThan(160)
    expect(changed.topology.digest).not.toBe(plain.topology.digest)
  })

  it('reaches the experiment below "experiment.", and its seed', async () => {
    const path = experiment('load: { stages: [{ hold: 10/s, for: 3s }] }\n')
    const set = ['experiment.load.stages.0.hold=300/s', 'experiment.seed=9', 'experiment.warmup=1s']
    const result = JSON.parse((await simulate({ experiment: path, json: true, set })).stdout) as RunResult
    expect(result).toMatchObject({ seed: 9, warmupSeconds: 1 })
    expect(result.requests.all?.offered).toBeGreaterThan(400)
  })

  it('refuses what nothing would come of', async () => {
    const path = experiment('load: { stages: [{ hold: 10/s, for: 3s }] }\n')
    const refusal = (options: Parameters<typeof simulate>[0]) =>
      simulate(options).then(
        () => 'accepted',
        (error: Error) => error.message,
      )
    expect(await refusal({ set: ['experiment.seed=1'] })).toContain('there is no experiment')
    expect(await refusal({ experiment: path, set: ['experiment.topology=x'] })).toContain('is the one that is given')
    expect(await refusal({ experiment: path, seed: '3', set: ['experiment.seed=1'] })).toContain('--seed is the seed')
    expect(await refusal({ experiment: path, set: ['traffic.rate=9/s'] })).toContain('its stages say the load')
    expect(await refusal({ set: ['components.app.replica=9'] })).toContain('unknown key "replica"')
    expect(await refusal({ set: ['replicas'] })).toContain('expected path=value')
  })
})

describe('plimsoll simulate --replications', () => {
  it('prints one document of all of them, the same on any number of threads', async () => {
    const options = { duration: '2s', json: true, replications: '3' }
    const one = await simulate({ ...options, threads: '1' })
    const two = await simulate({ ...options, threads: '2' })
    expect(two.stdout).toBe(one.stdout)
    const result = JSON.parse(one.stdout) as RunResult
    expect(result).toMatchObject({ kind: 'RunResult', replications: 3, durationSeconds: 2 })
    expect(result.series).toHaveLength(2)
    const single = JSON.parse((await simulate({ duration: '2s', json: true })).stdout) as RunResult
    expect(result.requests.all?.offered).toBeGreaterThan(2 * (single.requests.all?.offered ?? 0))
  })

  it('draws a bar on a terminal only', async () => {
    const options = { duration: '2s', replications: '4', threads: '1' }
    expect((await simulate(options)).stderr).toBe('')
    const { stderr } = await simulate(options, { tty: true })
    expect(stderr).toMatch(/█+░+ +\d+ % {2}\d of 4 simulations/)
    expect(stderr.endsWith('\u001b[K')).toBe(true)
  })

  it('refuses numbers that are none', async () => {
    for (const bad of [{ replications: '0' }, { replications: '1.5' }, { threads: 'all' }, { threads: '1000' }])
      await expect(simulate(bad)).rejects.toMatchObject({ exitCode: 2 })
  })
})

describe('plimsoll simulate --precision', () => {
  const ramp = experiment('load: { stages: [{ ramp: 600/s, for: 4s }] }\n')

  it('adds replications until mean and p95 are known so well, the same number on any number of threads', async () => {
    const options = { experiment: ramp, json: true, precision: '5%' }
    const one = await simulate({ ...options, threads: '1' })
    const two = await simulate({ ...options, threads: '2' })
    expect(two.stdout).toBe(one.stdout)
    const { statistics, replications = 1 } = JSON.parse(one.stdout) as RunResult
    expect(statistics?.precision?.wanted).toBe(0.05)
    expect(statistics?.precision?.reached).toBeLessThanOrEqual(0.05)
    expect(replications).toBeGreaterThanOrEqual(10)
    expect(replications).toBeLessThan(100)
  })

  it('stops at --replications, and says that it was not enough', async () => {
    const { stdout, code } = await simulate({ experiment: ramp, precision: '0.1%', replications: '3' })
    expect(code).toBe(0)
    expect(stdout.replace(/\s+/g, ' ')).toContain('precision 0.1 % was not reached with 3 replications')
  })

  it('refuses what is no share', async () => {
    for (const precision of ['2', '0%', '-1%', '200%', 'high'])
      await expect(simulate({ precision })).rejects.toMatchObject({ exitCode: 2 })
  })
})

describe('plimsoll simulate --check', () => {
  const topology = join(folder, 'mm1.yaml')
  writeFileSync(
    topology,
    `apiVersion: plimsoll/v1
kind: Topology
name: mm1
components: { app: { engine: service, execution: { model: event-loop, processes: 1 } } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 10ms }] } }
traffic: { rate: 50/s }
`,
  )

  it('sets theory beside the result: M/M/1 at half load takes 20 ms', async () => {
    const { code, stdout } = await simulate({ check: true, duration: '5m' }, { topology })
    expect(code).toBe(0)
    expect(stdout).toContain('mm1: theory beside simulation, open, 50/s')
    expect(stdout).toMatch(/^r +mean +20\.0 ms +=/m)
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80)
  })

  it('--json is the check alone, of what was set', async () => {
    const options = { check: true, json: true, duration: '5m', replications: '2', set: ['traffic.rate=80/s'] }
    const check = JSON.parse((await simulate(options, { topology })).stdout) as TheoryCheck
    expect(check).toMatchObject({ kind: 'TheoryCheck', load: 'open, 80/s' })
    const mean = check.rows.find(({ subject, quantity }) => subject === 'r' && quantity === 'latency.mean')
    expect(mean?.theory).toBeCloseTo(0.05, 12)
    expect(mean).toMatchObject({ basis: 'exact', formula: 'M/M/1' })
    expect(Math.abs(mean?.difference ?? 1)).toBeLessThan(0.3)
  })

  it('goes with one simulation and its tables only', async () => {
    await expect(simulate({ check: true, sweep: ['traffic.rate=1/s,2/s'] })).rejects.toMatchObject({ exitCode: 2 })
    await expect(simulate({ check: true, csv: true })).rejects.toMatchObject({ exitCode: 2 })
  })
})

describe('plimsoll simulate --sweep', () => {
  const sweep = (options: Parameters<typeof simulate>[0]) => simulate({ duration: '2s', ...options })

  it('prints a table and curves of at most 80 columns, and judges nothing by its exit code', async () => {
    const { code, stdout, stderr } = await sweep({ sweep: ['traffic.rate=1000/s..9000/s:4000/s'] })
    expect(code).toBe(0)
    expect(stderr).toBe('')
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80)
    for (const text of ['1000/s', '5000/s', '9000/s', 'p95 of all requests', 'successes per second', 'traffic.rate'])
      expect(stdout).toContain(text)
    expect(stdout).toMatch(/9000\/s .* no$/m)
    expect(stdout).toMatch(/1000\/s .* yes$/m)
    expect(stdout).toMatch(/[\u2801-\u28ff]/)
  })

  it('--json is one document with a point for each pair of values, the last varying fastest', async () => {
    const { stdout } = await sweep({
      json: true,
      replications: '2',
      sweep: ['components.app.replicas=1..2:1', 'components.edge.balance=round_robin,least_conn'],
    })
    const document = JSON.parse(stdout) as Sweep
    expect(document).toMatchObject({
      apiVersion: 'plimsoll/v1',
      kind: 'Sweep',
      seed: 1,
      parameters: [
        { path: 'components.app.replicas', values: ['1', '2'], numbers: [1, 2], unit: '' },
        { path: 'components.edge.balance', values: ['round_robin', 'least_conn'] },
      ],
    })
    expect(document.points.map(({ values }) => values.join())).toEqual([
      '1,round_robin',
      '1,least_conn',
      '2,round_robin',
      '2,least_conn',
    ])
    for (const { result } of document.points) {
      expect(result.replications).toBe(2)
      expect(result).not.toHaveProperty('series')
    }
    expect(new Set(document.points.map(({ result }) => result.topology.digest)).size).toBe(4)
    // Common random numbers: the same requests are asked for at every point.
    expect(new Set(document.points.map(({ result }) => result.requests.all?.offered)).size).toBe(1)
  })

  it('tells what is wrong at any of its points before anything is simulated', async () => {
    await expect(sweep({ sweep: ['components.app.replicas=1,2,x'] })).rejects.toMatchObject({
      exitCode: 3,
      problems: [{ message: 'replicas: expected a whole number, got "x"', position: { file: '--sweep' } }],
    })
    await expect(sweep({ sweep: ['a=1,2', 'b=1,2', 'c=1,2'] })).rejects.toMatchObject({
      exitCode: 2,
      problems: [{ message: expect.stringContaining('at most two') }],
    })
    await expect(
      sweep({ sweep: ['components.app.replicas=1,2'], set: ['components.app.replicas=3'] }),
    ).rejects.toMatchObject({ exitCode: 2 })
    await expect(sweep({ sweep: ['traffic.rate=1/s..100/s:1/s', 'seed=1..100'] })).rejects.toMatchObject({
      exitCode: 2,
    })
  })
})

describe('plimsoll simulate --csv', () => {
  const rows = (text: string): string[][] =>
    text
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','))

  it('on stdout has a row for each class, component and host and metric', async () => {
    const { stdout } = await simulate({ duration: '2s', csv: true })
    const [head, ...body] = rows(stdout)
    expect(head).toEqual(['kind', 'name', 'metric', 'value', 'halfWidth', 'unit'])
    for (const row of body) expect(row).toHaveLength(6)
    const p95 = body.find(([, name, metric]) => name === 'all' && metric === 'latency.p95')
    expect(Number(p95?.[3])).toBeGreaterThan(0.001)
    expect(p95?.[5]).toBe('s')
    for (const of of ['get-route', 'edge', 'app/0']) expect(body.some(([, name]) => name === of)).toBe(true)
  })

  it('of a sweep has a row for each point, and a file may take it while the tables are printed', async () => {
    const file = join(folder, 'sweep.csv')
    const { stdout } = await simulate({ duration: '2s', sweep: ['components.app.replicas=1..3'], csv: file })
    expect(stdout).toContain('p95 of all requests')
    const [head = [], ...body] = rows(readFileSync(file, 'utf8'))
    expect(body.map(([replicas]) => replicas)).toEqual(['1', '2', '3'])
    expect(head.slice(0, 3)).toEqual(['components.app.replicas', 'status', 'replications'])
    const column = head.indexOf('app.utilization.cpu')
    const cpu = body.map((row) => Number(row[column]))
    expect(cpu[0]).toBeGreaterThan(2 * (cpu[2] ?? 1))
    for (const row of body) expect(row).toHaveLength(head.length)
  })

  it('does not share stdout with JSON, and says when a file cannot be written', async () => {
    await expect(simulate({ csv: true, json: true })).rejects.toMatchObject({ exitCode: 2 })
    // Before it is simulated: a day would take minutes.
    for (const csv of ['/no/such/folder/x.csv', folder])
      await expect(simulate({ duration: '24h', csv })).rejects.toMatchObject({
        exitCode: 6,
        message: `cannot write ${csv}`,
      })
  })
})
