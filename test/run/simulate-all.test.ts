import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSetting } from '../../src/lib/document/settings.js'
import type { RunResult } from '../../src/result/run-result.js'
import { type ReplicationPlan, Replications, replicationSeed } from '../../src/run/replications.js'
import { simulateAll } from '../../src/run/simulate-all.js'
import { parseSource, type SimulationSource } from '../../src/run/source.js'
import { simulate } from '../../src/sim/des/simulate.js'

const source = (experiment?: string): SimulationSource => ({
  topology: { file: 't.yaml', text: readFileSync('scenarios/optimization-api/topology.yaml', 'utf8') },
  experiment:
    experiment === undefined
      ? undefined
      : {
          file: 'e.yaml',
          text: `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t.yaml\n${experiment}`,
          traces: { 'arrivals.csv': '0.1\n0.2\n0.3\n' },
        },
  durationSeconds: 2,
})

const fixed = (count: number): ReplicationPlan => ({ fewest: count, most: count, enough: () => true })
const at = (...settings: string[]) => ({ settings: settings.map((one) => parseSetting(one)), seed: 7 })

const all = (
  threads: number,
  more: Partial<Parameters<typeof simulateAll>[0]> = {},
): Promise<readonly RunResult[] | undefined> =>
  simulateAll({
    source: source(),
    points: [at()],
    plan: fixed(3),
    threads,
    signal: new AbortController().signal,
    now: () => performance.now() / 1000,
    onProgress: () => {},
    ...more,
  })

describe('replications and points', () => {
  it('give the same bytes on one thread, on two, and on three', async () => {
    const points = [at('traffic.rate=100/s'), at('traffic.rate=300/s', 'components.app.replicas=3')]
    const [one, two, three] = await Promise.all([1, 2, 3].map((threads) => all(threads, { points })))
    expect(one).toHaveLength(2)
    expect(JSON.stringify(two)).toBe(JSON.stringify(one))
    expect(JSON.stringify(three)).toBe(JSON.stringify(one))
    expect(one?.[1]?.components.app?.replicas).toBe(3)
    expect(one?.[1]?.replications).toBe(3)
  })

  it('a single run is the first replication, which has the seed itself', async () => {
    const [single] = (await all(2, { plan: fixed(1) })) ?? []
    const { topology, experiment } = parseSource(source())
    expect(JSON.stringify(single)).toBe(JSON.stringify(simulate({ topology, experiment, seed: 7 })))
    expect(replicationSeed(7, 0)).toBe(7)
  })

  it('seeds differ by replication and by seed, and are whole numbers', () => {
    const seeds = [1, 2].flatMap((seed) => Array.from({ length: 500 }, (_, i) => replicationSeed(seed, i)))
    expect(new Set(seeds).size).toBe(1000)
    for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true)
  })

  it('points are compared under the same chance: arrivals differ by what was set, not by the seed', async () => {
    const points = [at('components.app.replicas=2'), at('components.app.replicas=4')]
    const [two, four] = (await all(2, { points })) ?? []
    expect(four?.requests.all?.offered).toBe(two?.requests.all?.offered)
    expect(four?.requests.optimize?.offered).toBe(two?.requests.optimize?.offered)
  })

  it('progress grows to the number of simulations', async () => {
    for (const threads of [1, 2]) {
      const seen: number[] = []
      await all(threads, { onProgress: (played) => seen.push(played) })
      expect(seen.at(-1)).toBeCloseTo(3, 9)
      for (let i = 1; i < seen.length; i++) expect(seen[i]).toBeGreaterThanOrEqual(seen[i - 1] ?? 0)
    }
  })

  it('an error in a thread arrives as it was thrown', async () => {
    const faulty = source('load: { stages: [{ hold: 1/s, for: 1s }] }\nfaults: [{ at: 0s, flush: db }]\n')
    const thrown = await Promise.all(
      [1, 2].map((threads) =>
        all(threads, { source: faulty }).then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    )
    expect(thrown[0]).toMatchObject({ name: 'PlimsollError', exitCode: 3 })
    expect(thrown[1]).toMatchObject({
      name: 'PlimsollError',
      exitCode: 3,
      problems: (thrown[0] as { problems: unknown }).problems,
    })
  })

  it('traces are played in threads, too', async () => {
    const recorded = source('load: { arrivals: { trace: arrivals.csv } }\n')
    const [result] = (await all(2, { source: recorded, plan: fixed(2) })) ?? []
    expect(result?.requests.all?.offered).toBe(6)
  })

  it('an interruption ends every thread and gives nothing', async () => {
    for (const threads of [1, 2]) {
      const abort = new AbortController()
      const long = { ...source(), durationSeconds: 3600 }
      const playing = all(threads, { source: long, signal: abort.signal, onProgress: () => abort.abort('SIGINT') })
      expect(await playing).toBeUndefined()
    }
  })
})

describe('a stopping rule', () => {
  const result = (seed: number) => ({ seed }) as RunResult
  /** Plays jobs that come back in the order that `pick` chooses among those under way. */
  const played = (pick: (under: readonly number[]) => number, ahead: number): readonly string[] => {
    const merged: string[] = []
    const work = new Replications({
      points: [at('x=1'), at('x=2')],
      plan: {
        fewest: 2,
        most: 6,
        // The first point is precise after 4, the second never.
        enough: (results) => results.length >= 4 && results[0]?.seed === 0,
      },
      merge: (results) => {
        merged.push(results.map(({ seed }) => seed).join())
        return result(-1)
      },
      keepSeries: false,
    })
    const under = new Map<number, RunResult>()
    const replications = new Map<string, number>()
    for (;;) {
      while (under.size < ahead) {
        const next = work.next()
        if (next === undefined) break
        const point = next.job.settings[0]?.text ?? ''
        const replication = replications.get(point) ?? 0
        replications.set(point, replication + 1)
        under.set(next.id, result(point === 'x=1' ? replication : 100 + replication))
      }
      if (work.done || under.size === 0) break
      const id = pick([...under.keys()])
      work.take(id, under.get(id) as RunResult)
      under.delete(id)
    }
    expect(work.done).toBe(true)
    return merged.toSorted()
  }

  it('takes the same replications however many run at once, and in whatever order they end', () => {
    const expected = ['0,1,2,3', '100,101,102,103,104,105']
    expect(played(([first = 0]) => first, 1)).toEqual(expected)
    expect(played(([first = 0]) => first, 5)).toEqual(expected)
    expect(played((under) => under.at(-1) ?? 0, 8)).toEqual(expected)
    expect(played((under) => under[Math.floor(under.length / 2)] ?? 0, 3)).toEqual(expected)
  })
})
