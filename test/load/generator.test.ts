import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { LoadSecond } from '../../src/contract/load.js'
import { now } from '../../src/load/clock.js'
import { type Generator, startGenerator } from '../../src/load/generator.js'
import type { WorkerPlan } from '../../src/load/worker-plan.js'
import { classPlan, closedLoad, deadPort, httpServer, openLoad, planFor, tcpServer, timerAlarm } from './support.js'

/** The generator in this thread, with what it reported and when it began. */
const start = (plan: WorkerPlan): { generator: Generator; seconds: LoadSecond[]; startsAt: () => number } => {
  const seconds: LoadSecond[] = []
  let startsAt = Number.NaN
  const generator = startGenerator(plan, {
    now,
    makeAlarm: timerAlarm,
    threadCpuSeconds: () => process.cpuUsage().user / 1e6,
    onStarted: (at) => {
      startsAt = at
    },
    onSecond: (second) => seconds.push(second),
    requestIdPrefix: 'test-',
  })
  return { generator, seconds, startsAt: () => startsAt }
}

const later = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

const isWarmUp = (path: string | undefined): boolean => path === '/healthz'

describe('open load', () => {
  it('offers each arrival once, at its time, and accounts for every one', async () => {
    const port = await httpServer((_, response) => response.end())
    const { generator, seconds } = start(planFor(port, openLoad(200, 1.5, 'constant')))
    const { requests, durationSeconds, faults } = await generator.done
    expect(requests.all).toMatchObject({ offered: 300, completed: 300, ok: 300, errors: {}, attempts: 300 })
    expect(requests.get).toEqual(requests.all)
    expect(durationSeconds).toBe(1.5)
    expect(seconds.map(({ at }) => at)).toEqual([1, 2])
    expect(seconds.map(({ requests: { all } }) => all?.offered)).toEqual([200, 100])
    expect(faults.cohorts.offered).toEqual([200, 100])
  })

  it('keeps its pace while the server stalls: latency counts from when a request was due, not from when it could be sent', async () => {
    // One connection and a server that stalls once for 200 ms: a generator that waited for its answer before it looked at
    // the clock again would see one slow request of a hundred, and its p95 would be that of a healthy server.
    const stall = { at: Number.NaN, seconds: 0.2 }
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) return response.end()
      if (Number.isNaN(stall.at)) stall.at = performance.now() / 1000 + 0.3
      const wait = stall.at + stall.seconds - performance.now() / 1000
      if (wait > 0 && wait <= stall.seconds) setTimeout(() => response.end(), wait * 1000)
      else response.end()
      return undefined
    })
    const plan = planFor(port, openLoad(100, 1, 'constant'), { maxConnections: 1, warmConnections: 1 })
    const { requests, generator } = await start(plan).generator.done
    const { latency, serviceLatency } = requests.all ?? {}
    expect(requests.all?.ok).toBe(100)
    // Due during the stall: a fifth of all, uniformly between 0 and 200 ms late.
    expect(latency?.p95).toBeGreaterThan(0.1)
    expect(latency?.p99).toBeGreaterThan(0.15)
    // Only the one that hung saw it from its send; the rest is lag, and said to be.
    expect(serviceLatency?.p95).toBeLessThan(0.1)
    expect(generator.lag.max).toBeGreaterThan(0.15)
    expect(generator.lag.p99).toBeGreaterThan(0.1)
  })

  it('says that it was late when its own thread was busy', async () => {
    const port = await httpServer((_, response) => response.end())
    const { generator, seconds, startsAt } = start(planFor(port, openLoad(100, 1, 'constant')))
    setTimeout(() => {
      const end = Math.max(now(), startsAt()) + 0.15
      while (now() < end);
    }, 400)
    const { generator: own, requests } = await generator.done
    expect(requests.all?.ok).toBe(100)
    expect(own.lag.max).toBeGreaterThan(0.12)
    expect(own.unsent).toBe(0)
    expect(own.busy).toBeGreaterThan(0.1)
    expect(seconds[0]?.generator.lagMaxSeconds).toBe(own.lag.max)
  })

  it('counts what no connection was left to send', async () => {
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) response.end()
    })
    const classes = [classPlan({ timeoutSeconds: undefined })]
    const { generator } = start(planFor(port, openLoad(50, 1, 'constant'), { maxConnections: 5, classes }))
    await later(0.5)
    generator.stop(0.05)
    const { requests, generator: own } = await generator.done
    const { offered, completed, errors } = requests.all ?? { offered: 0, completed: 0, errors: {} }
    expect(offered).toBeGreaterThan(10)
    expect(completed).toBe(offered)
    expect(errors).toEqual({ unanswered: 5, unsent: offered - 5 })
    expect(own.unsent).toBe(offered - 5)
  })

  it('waits at its end for the answers that are still due', async () => {
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) response.end()
      else setTimeout(() => response.end(), 300)
    })
    const { generator, seconds } = start(planFor(port, openLoad(20, 1, 'constant')))
    const { requests, durationSeconds } = await generator.done
    expect(requests.all).toMatchObject({ offered: 20, ok: 20 })
    expect(durationSeconds).toBe(1)
    const total = seconds.reduce((sum, second) => sum + (second.requests.all?.completed ?? 0), 0)
    expect(total).toBe(20)
  })

  it('fails with a message and exit code 6 when nothing answers before it begins', async () => {
    const port = await deadPort()
    await expect(start(planFor(port, openLoad(1, 1, 'constant'))).generator.done).rejects.toMatchObject({
      exitCode: 6,
      message: `nothing to load at http://127.0.0.1:${port} ("edge")`,
      problems: [{ why: 'the connection was refused: nothing listens there' }],
    })
  })

  it('fails likewise where something else than HTTP answers', async () => {
    const port = await tcpServer((socket) => socket.write('220 mail.example ESMTP\r\n'))
    await expect(start(planFor(port, openLoad(1, 1, 'constant'))).generator.done).rejects.toMatchObject({
      exitCode: 6,
      problems: [{ why: 'what answers there does not speak HTTP' }],
    })
  })
})

describe('closed load', () => {
  /** Answers only when told to, and knows who waits. */
  const holding = async () => {
    const held: ServerResponse[] = []
    let most = 0
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) {
        response.end()
        return
      }
      held.push(response)
      most = Math.max(most, held.length)
    })
    return { port, held, most: () => most }
  }

  it('keeps exactly N requests in flight when users do not think', async () => {
    const { port, held, most } = await holding()
    const { generator } = start(planFor(port, closedLoad([{ fromLevel: 7, toLevel: 7, durationSeconds: 1 }])))
    const timer = setInterval(() => {
      if (held.length === 7) held.shift()?.end()
    }, 1)
    await later(0.6)
    const { inFlight } = generator.mark(0)
    expect(inFlight).toBe(7)
    const { durationSeconds } = await Promise.race([
      generator.done,
      later(0.7).then(() => {
        clearInterval(timer)
        for (const response of held) response.end()
        return generator.done
      }),
    ])
    expect(durationSeconds).toBe(1)
    expect(most()).toBe(7)
  })

  it('lets users come and go with the stages', async () => {
    const port = await httpServer((_, response) => setTimeout(() => response.end(), 5))
    const { generator } = start(
      planFor(
        port,
        closedLoad([
          { fromLevel: 2, toLevel: 2, durationSeconds: 0.6 },
          { fromLevel: 2, toLevel: 6, durationSeconds: 0.2 },
          { fromLevel: 6, toLevel: 6, durationSeconds: 0.6 },
          { fromLevel: 1, toLevel: 1, durationSeconds: 0.8 },
        ]),
      ),
    )
    const seen: number[] = []
    for (const wait of [0.3, 0.6, 0.8]) {
      await later(wait)
      seen.push(generator.mark(seen.length).inFlight)
    }
    await generator.done
    expect(seen).toEqual([2, 6, 1])
  })

  it('lets users think between an answer and the next request', async () => {
    const port = await httpServer((_, response) => response.end())
    const plan = planFor(port, closedLoad([{ fromLevel: 4, toLevel: 4, durationSeconds: 1 }]), {
      thinkTime: { shape: 'constant', seconds: 0.1 },
    })
    const { requests } = await start(plan).generator.done
    // Each user thinks first: at most 9 requests in a second, fewer by what the answers take.
    expect(requests.all?.ok).toBeGreaterThanOrEqual(4 * 7)
    expect(requests.all?.ok).toBeLessThanOrEqual(4 * 9)
  })
})

describe('clients', () => {
  it('try again as often as declared, with the same request id', async () => {
    const ids: (string | string[] | undefined)[] = []
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) return response.end()
      ids.push(request.headers['x-request-id'])
      response.statusCode = ids.length % 3 === 0 ? 200 : 503
      return response.end()
    })
    const retry = { attempts: 3, backoffSeconds: 0.01, maxBackoffSeconds: undefined, jitter: 'none', budget: undefined }
    const classes = [classPlan({ retry: { ...retry, jitter: 'none' } })]
    const plan = planFor(port, closedLoad([{ fromLevel: 1, toLevel: 1, durationSeconds: 0.5 }]), { classes })
    const { requests } = await start(plan).generator.done
    const { offered, ok, attempts, errors, latency } = requests.all ?? {}
    expect(errors).toEqual({})
    expect(ok).toBe(offered)
    expect(attempts).toBe(3 * (offered ?? 0))
    expect(new Set(ids).size).toBe(offered)
    // 10 ms before the second attempt and 20 ms before the third.
    expect(latency?.p50).toBeGreaterThan(0.029)
  })

  it('do not repeat a request that was itself at fault', async () => {
    const port = await httpServer((_, response) => {
      response.statusCode = 404
      response.end()
    })
    const retry = {
      attempts: 5,
      backoffSeconds: 0,
      maxBackoffSeconds: undefined,
      jitter: 'none',
      budget: undefined,
    } as const
    const plan = planFor(port, openLoad(100, 0.2, 'constant'), { classes: [classPlan({ retry })] })
    const { requests } = await start(plan).generator.done
    expect(requests.all).toMatchObject({ ok: 0, attempts: 20, errors: { '404': 20 }, unknown: 0 })
  })

  it('give up after their timeout, not knowing what became of the request', async () => {
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) response.end()
    })
    const plan = planFor(port, openLoad(100, 0.2, 'constant'), { classes: [classPlan({ timeoutSeconds: 0.1 })] })
    const { requests } = await start(plan).generator.done
    expect(requests.all).toMatchObject({ offered: 20, ok: 0, errors: { timeout: 20 }, unknown: 20, latency: null })
  })

  it('retry no more than their budget allows', async () => {
    const port = await httpServer((_, response) => {
      response.statusCode = 500
      response.end()
    })
    const retry = {
      attempts: 10,
      backoffSeconds: 0,
      maxBackoffSeconds: undefined,
      jitter: 'none',
      budget: 0.1,
    } as const
    const plan = planFor(port, openLoad(500, 0.4, 'constant'), { classes: [classPlan({ retry })] })
    const { requests } = await start(plan).generator.done
    expect(requests.all).toMatchObject({ offered: 200, errors: { '500': 200 } })
    expect(requests.all?.attempts).toBe(220)
  })
})

describe('a fault', () => {
  it('is marked with the requests in flight then, and counted with those that began until it was in force', async () => {
    const waiting: ServerResponse[] = []
    const port = await httpServer((request, response) => {
      if (isWarmUp(request.url)) response.end()
      else waiting.push(response)
    })
    const { generator, startsAt } = start(planFor(port, openLoad(100, 0.5, 'constant')))
    const until = async (n: number): Promise<void> => {
      while (waiting.length < n) await later(0.001)
    }
    await until(10)
    for (const response of waiting.splice(0, 4)) response.end()
    await later(0.002)
    const before = generator.mark(3)
    const offeredThen = before.inFlight + 4
    const held = waiting.length
    await until(held + 5)
    for (const response of waiting.splice(0, 2)) response.socket?.destroy()
    const after = generator.markInForce(3)
    expect(after.inFlight).toBeGreaterThanOrEqual(before.inFlight + 5)
    expect(before.at).toBeCloseTo(offeredThen / 100, 0)
    expect(before.at).toBeLessThan(now() - startsAt())
    generator.stop(0)
    const { faults, requests } = await generator.done
    expect(faults.marks).toMatchObject([{ fault: 3, at: before.at, inFlight: after.inFlight }])
    expect(requests.all?.errors.closed ?? requests.all?.errors.reset).toBe(2)
    expect(faults.marks[0]?.failedRequests).toBeLessThanOrEqual(after.inFlight)
  })
})
