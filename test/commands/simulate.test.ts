import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Host, Output } from '../../src/commands/host.js'
import { run } from '../../src/commands/simulate.js'
import type { RunResult } from '../../src/result/run-result.js'

const scenario = resolve('scenarios/optimization-api')
const folder = mkdtempSync(join(tmpdir(), 'plimsoll-simulate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const simulate = async (
  options: Readonly<Record<string, string | boolean>>,
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

const experiment = (text: string): string => {
  const path = join(folder, 'experiment.yaml')
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
faults: [{ at: 0s, latency: app -> db, add: 5ms }, { at: 0s, flush: cache }]
`)
    await expect(simulate({ experiment: faulty })).rejects.toMatchObject({
      exitCode: 3,
      problems: [
        { message: 'fault latency in the simulator: not supported yet' },
        { message: 'fault flush in the simulator: not supported yet' },
      ],
    })
  })
})
