import { describe, expect, it } from 'vitest'
import type { LoadPlan } from '../../src/contract/load.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { startLoad } from '../../src/load/start.js'
import { topologyFrom } from '../support/topology.js'
import { deadPort, httpServer } from './support.js'

const topology = topologyFrom(`
data: { product: { keys: 50, popularity: zipf(1), bytes: 1KiB } }
components: { app: { engine: service } }
requests:
  view: { share: 100%, serve: app, route: 'GET /products/{product}', client: { timeout: 2s }, flow: [{ compute: 1ms }] }
`)

const planOf = (port: number, load: string, changes: Partial<LoadPlan> = {}): LoadPlan => ({
  topology,
  experiment: parseExperiment(`apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t.yaml\nload: ${load}\n`, {
    file: 'experiment.yaml',
    topology,
  }),
  seed: 3,
  entries: { app: `http://127.0.0.1:${port}` },
  ...changes,
})

const steady = '{ mode: open, arrivals: constant, stages: [{ hold: 100/s, for: 2s }] }'

/** What would keep this process alive. */
const handles = (): readonly string[] => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort')

describe('the load in its own thread', () => {
  it('tells when it begins on the clock of this thread, reports each second, and ends with the totals', async () => {
    const paths: string[] = []
    const port = await httpServer((request, response) => {
      paths.push(request.url ?? '')
      response.end()
    })
    const before = handles()
    const load = startLoad(planOf(port, steady))
    const seconds: number[] = []
    load.onSecond(({ at }) => seconds.push(at))
    const startedAt = await load.started
    expect(Math.abs(performance.now() / 1000 - startedAt)).toBeLessThan(1)
    const { at, inFlight } = await load.mark(0)
    expect(at).toBeCloseTo(performance.now() / 1000 - startedAt, 0)
    expect(inFlight).toBeLessThan(200)
    expect((await load.markInForce(0)).at).toBeGreaterThanOrEqual(at)
    const { requests, generator, durationSeconds, faults } = await load.done
    expect(requests.all).toMatchObject({ offered: 200, ok: 200 })
    expect(durationSeconds).toBe(2)
    expect(seconds.slice(0, 2)).toEqual([1, 2])
    expect(faults.marks).toHaveLength(1)
    expect(generator.unsent).toBe(0)
    expect(generator.cpuSeconds).toBeGreaterThan(0)
    expect(generator.cpuSeconds).toBeLessThan(2 * 2)
    expect(generator.busy).toBeGreaterThan(0)
    expect(paths.filter((path) => /^\/products\/\d+$/.test(path))).toHaveLength(200)
    expect(handles()).toEqual(before)
    await expect(load.mark(1)).rejects.toThrow('the load is over')
    await load.stop(0)
  })

  it('asks for the same keys in the same order with the same seed', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const paths: string[] = []
      const port = await httpServer((request, response) => {
        paths.push(request.url ?? '')
        response.end()
      })
      const load = '{ mode: closed, thinkTime: 0s, stages: [{ hold: 1, for: 1s }] }'
      await startLoad(planOf(port, load, { seed })).done
      return paths.filter((path) => path !== '/healthz').slice(0, 100)
    }
    const first = await run(1)
    expect(first).toHaveLength(100)
    expect(await run(1)).toEqual(first)
    expect(await run(2)).not.toEqual(first)
  })

  it('stops early: what is in flight gets its grace, nothing new begins, no handle is left', async () => {
    let requests = 0
    const port = await httpServer((request, response) => {
      if (request.url !== '/healthz') requests++
      setTimeout(() => response.end(), 50)
    })
    const load = startLoad(planOf(port, '{ mode: open, stages: [{ hold: 100/s, for: 60s }] }'))
    await load.started
    while (requests < 20) await new Promise((resolve) => setTimeout(resolve, 5))
    await load.stop(2)
    const { requests: counted, durationSeconds } = await load.done
    expect(durationSeconds).toBeLessThan(30)
    expect(counted.all?.ok).toBe(counted.all?.offered)
    expect(counted.all?.ok).toBe(requests)
    expect(handles()).toEqual([])
  })

  it('fails with exit code 6 when nothing answers', async () => {
    const load = startLoad(planOf(await deadPort(), steady))
    await expect(load.done).rejects.toMatchObject({ name: 'PlimsollError', exitCode: 6 })
    await expect(load.started).rejects.toMatchObject({ exitCode: 6 })
    await load.stop(0)
    expect(handles()).toEqual([])
  })

  it('refuses other machines before it starts anything', () => {
    expect(() => startLoad(planOf(80, steady, { entries: { app: 'http://192.0.2.1' } }))).toThrow(
      'refused to send load to 192.0.2.1:80 ("app"): it is not this machine',
    )
  })

  it('that dies says so', async () => {
    const broken = {
      ...topology,
      data: { product: { ...topology.data.product, keys: -1, popularity: { law: 'zipf', exponent: 1 } } },
    } as typeof topology
    const load = startLoad(planOf(80, steady, { topology: broken }))
    const marked = load.mark(0)
    await expect(load.done).rejects.toThrow('the load generator failed: Invalid typed array length: -1')
    await expect(marked).rejects.toThrow('the load generator failed')
  })
})
