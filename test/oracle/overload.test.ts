/** Oracle 21: a metastable retry storm. M/M/1, μ = 10/s, client timeout 1 s, three immediate retries, abandoned work is served. */
import { describe, expect, it } from 'vitest'
import { run, topologyOf } from '../sim/des/support.js'

const server = (onAbort: string) =>
  topologyOf(`
name: storm
components: { server: { engine: service, onAbort: ${onAbort} } }
requests:
  get:
    share: 100%
    serve: server
    route: GET /
    client: { timeout: 1s, retry: { attempts: 4 } }
    flow: [{ compute: 0.1s }]
`)

const stages = (base: number, spikeSeconds: number, afterSeconds: number) => [
  { fromLevel: base, toLevel: base, durationSeconds: 60 },
  { fromLevel: 30, toLevel: 30, durationSeconds: spikeSeconds },
  { fromLevel: base, toLevel: base, durationSeconds: afterSeconds },
]

describe('oracle 21: a retry storm', () => {
  it('beyond the boundary λ(1 + k) = μ a spike of 20 s leaves no goodput for 480 s', () => {
    const result = run(server('continue'), { seconds: 560, stages: stages(5, 20, 480) })
    const after = result.series.filter(({ at }) => at > 90)
    const before = result.series.filter(({ at }) => at <= 60)
    expect(before.reduce((sum, { requests }) => sum + (requests.all?.ok ?? 0), 0) / 60).toBeGreaterThan(4)
    expect(after.reduce((sum, { requests }) => sum + (requests.all?.ok ?? 0), 0)).toBe(0)
  })

  it('cancelling abandoned work restores it', () => {
    const result = run(server('cancel'), { seconds: 560, stages: stages(5, 20, 480) })
    const late = result.series
      .filter(({ at }) => at > 460)
      .reduce((sum, { requests }) => sum + (requests.all?.ok ?? 0), 0)
    expect(late / 100).toBeGreaterThan(4.5)
  })

  it('below the boundary it recovers by itself: λ = 1/s within 900 s of a spike of 10 s', () => {
    const result = run(server('continue'), { seconds: 1070, stages: stages(1, 10, 1000) })
    const late = result.series.filter(({ at }) => at > 970)
    const ok = late.reduce((sum, { requests }) => sum + (requests.all?.ok ?? 0), 0)
    const offered = late.reduce((sum, { requests }) => sum + (requests.all?.offered ?? 0), 0)
    expect(ok / offered).toBeGreaterThan(0.95)
  })
})
