/** What holds of every station and network, checked on many of them. */
import { describe, expect, it } from 'vitest'
import { randomStream } from '../../../src/lib/random.js'
import {
  asymptoticBounds,
  balancedJobBounds,
  type ClosedNetwork,
  meanField,
  meanValueAnalysis,
} from '../../../src/sim/analytic/closed.js'
import { ggc } from '../../../src/sim/analytic/gg.js'
import { mmcTimeout } from '../../../src/sim/analytic/impatience.js'
import { loadDependent, serversPace } from '../../../src/sim/analytic/load-dependent.js'
import { mgc } from '../../../src/sim/analytic/mg.js'
import { mmc, mmcResponseQuantile, type StationAnswer } from '../../../src/sim/analytic/mmc.js'
import { mmck } from '../../../src/sim/analytic/mmck.js'

const loads = [0.01, 0.2, 0.5, 0.8, 0.95, 0.999]
const counts = [1, 2, 5, 16, 100]
const at = (servers: number, utilization: number, serviceSeconds = 0.02) => ({
  arrivalRatePerSecond: (utilization * servers) / serviceSeconds,
  serviceSeconds,
  servers,
})

describe('every open station', () => {
  const formulas: readonly [string, (station: ReturnType<typeof at>) => StationAnswer][] = [
    ['M/M/c', mmc],
    ['M/D/c', (station) => mgc(station, 0)],
    ['M/G/c, cv² = 4', (station) => mgc(station, 4)],
    ['G/G/c', (station) => ggc(station, 0.5, 2)],
  ]

  it.each(formulas)("%s obeys Little's law, and answers slower the more arrives", (_, formula) => {
    for (const servers of counts) {
      let before = 0
      for (const load of loads) {
        const station = at(servers, load)
        const answer = formula(station)
        expect(answer.inSystem).toBeCloseTo(station.arrivalRatePerSecond * answer.responseSeconds, 9)
        expect(answer.inSystem - answer.inQueue).toBeCloseTo(load * servers, 9)
        expect(answer.responseSeconds).toBeGreaterThanOrEqual(before * (1 - 1e-12))
        expect(answer.responseSeconds).toBeGreaterThanOrEqual(station.serviceSeconds)
        before = answer.responseSeconds
      }
    }
  })

  it('waits more the more its service varies, and less the more servers share the load', () => {
    for (const load of loads)
      for (const servers of counts) {
        const waits = [0, 0.5, 1, 2, 4].map((scv) => mgc(at(servers, load), scv).waitSeconds)
        for (let i = 1; i < waits.length; i++) expect(waits[i]).toBeGreaterThanOrEqual(waits[i - 1] ?? 0)
        expect(mmc(at(servers * 2, load)).waitSeconds).toBeLessThanOrEqual(mmc(at(servers, load)).waitSeconds)
      }
  })

  it('with room for ever more is M/M/c, with servers for all a delay, with endless patience M/M/c', () => {
    for (const load of [0.3, 0.8]) {
      const station = at(4, load)
      const roomy = mmck(station, 2000)
      expect(roomy.blockedProbability).toBeCloseTo(0, 12)
      expect(roomy.responseSeconds).toBeCloseTo(mmc(station).responseSeconds, 12)
      expect(mmcTimeout(station, 1e4).waitSeconds).toBeCloseTo(mmc(station).waitSeconds, 12)
      expect(mmc({ ...station, servers: 10_000 }).responseSeconds).toBeCloseTo(station.serviceSeconds, 12)
      expect(mmcResponseQuantile({ ...station, servers: 10_000 }, 0.95)).toBeCloseTo(
        station.serviceSeconds * Math.log(20),
        9,
      )
    }
  })

  it('as births and deaths is M/M/c for whole servers, and lies between its neighbours for 1.5 cores', () => {
    for (const load of loads)
      for (const servers of counts) {
        const station = at(servers, load)
        const answer = loadDependent(station.arrivalRatePerSecond, serversPace(station.serviceSeconds, servers))
        const exact = mmc(station)
        expect(answer.inSystem / exact.inSystem).toBeCloseTo(1, 9)
        expect(answer.crowdProbability / exact.waitProbability).toBeCloseTo(1, 9)
        expect(answer.beyond).toBeCloseTo(exact.inQueue, 6)
      }
    const number = (servers: number): number => loadDependent(40, serversPace(0.02, servers)).inSystem
    expect(number(1.5)).toBeLessThan(number(1))
    expect(number(1.5)).toBeGreaterThan(number(2))
  })
})

const randomNetwork = (seed: number, servers: readonly number[]): ClosedNetwork => {
  const stream = randomStream(seed, 'closed network')
  const below = (n: number): number => Math.floor(stream.uniform() * n)
  return {
    users: 1 + below(80),
    thinkSeconds: below(2) * stream.uniform() * 20,
    stations: Array.from({ length: 1 + below(6) }, () => ({
      demandSeconds: 0.001 + stream.uniform() ** 3,
      servers: servers[below(servers.length)] ?? 1,
    })),
  }
}

describe('every closed network', () => {
  it('of single servers lies within the asymptotic and the balanced job bounds', () => {
    for (let seed = 0; seed < 300; seed++) {
      const network = randomNetwork(seed, [1])
      const { throughputPerSecond: throughput, responseSeconds } = meanValueAnalysis(network)
      const wide = asymptoticBounds(network)
      const narrow = balancedJobBounds(network)
      const slack = 1 + 1e-9
      expect(throughput).toBeLessThanOrEqual(narrow.throughputUpperPerSecond * slack)
      expect(narrow.throughputUpperPerSecond).toBeLessThanOrEqual(wide.throughputUpperPerSecond * slack)
      expect(throughput * slack).toBeGreaterThanOrEqual(narrow.throughputLowerPerSecond)
      expect(narrow.throughputLowerPerSecond * slack).toBeGreaterThanOrEqual(wide.throughputLowerPerSecond)
      expect(responseSeconds * slack).toBeGreaterThanOrEqual(wide.responseLowerSeconds)
      expect(responseSeconds).toBeLessThanOrEqual(wide.responseUpperSeconds * slack)
    }
  })

  it('conserves its users, keeps every station below its capacity, and gains from every user', () => {
    for (let seed = 0; seed < 200; seed++) {
      const network = randomNetwork(seed, [1, 2, 7, 1.5, Number.POSITIVE_INFINITY])
      const answer = meanValueAnalysis(network)
      expect(answer.method).toBe('exact')
      const present = answer.stations.reduce(
        (sum, { inSystem }) => sum + inSystem,
        answer.throughputPerSecond * network.thinkSeconds,
      )
      expect(present / network.users).toBeCloseTo(1, 9)
      for (const { utilization } of answer.stations) expect(utilization).toBeLessThanOrEqual(1 + 1e-12)
      const { throughputUpperPerSecond } = asymptoticBounds(network)
      expect(answer.throughputPerSecond).toBeLessThanOrEqual(throughputUpperPerSecond * (1 + 1e-9))
      const more = meanValueAnalysis({ ...network, users: network.users + 1 })
      expect(more.throughputPerSecond).toBeGreaterThanOrEqual(answer.throughputPerSecond * (1 - 1e-12))
      expect(more.responseSeconds).toBeGreaterThanOrEqual(answer.responseSeconds * (1 - 1e-12))
    }
  })

  it('is a birth-and-death chain where there is but one station of several servers', () => {
    // N users, Z = 5 s, c = 3 servers of 1 s: p(n) ∝ Π (N − i + 1)/(5·min(i, 3)).
    const users = 40
    let weight = 1
    let total = 1
    let number = 0
    for (let n = 1; n <= users; n++) {
      weight *= (users - n + 1) / 5 / Math.min(n, 3)
      total += weight
      number += n * weight
    }
    const answer = meanValueAnalysis({ users, thinkSeconds: 5, stations: [{ demandSeconds: 1, servers: 3 }] })
    expect(answer.stations[0]?.inSystem).toBeCloseTo(number / total, 10)
    expect(answer.throughputPerSecond).toBeCloseTo((users - number / total) / 5, 10)
  })

  it('with three hundred servers does not lose its digits, as the classical recursion does', () => {
    const users = 1500
    const answer = meanValueAnalysis({ users, thinkSeconds: 1, stations: [{ demandSeconds: 0.25, servers: 300 }] })
    let ln = 0
    const logs = [0]
    for (let n = 1; n <= users; n++) {
      ln += Math.log(((users - n + 1) * 0.25) / Math.min(n, 300))
      logs.push(ln)
    }
    const largest = Math.max(...logs)
    const weights = logs.map((each) => Math.exp(each - largest))
    const total = weights.reduce((sum, each) => sum + each, 0)
    const number = weights.reduce((sum, each, n) => sum + n * each, 0) / total
    expect(answer.method).toBe('exact')
    expect(answer.stations[0]?.inSystem).toBeCloseTo(number, 6)
  })

  it('of many users is the fixed point of its means, the closer the more there are', () => {
    const stations = [
      { demandSeconds: 0.01, servers: 1 },
      { demandSeconds: 0.07, servers: 8 },
    ]
    const error = (users: number, thinkSeconds: number): number => {
      const network = { users, thinkSeconds, stations }
      const exact = meanValueAnalysis(network)
      expect(exact.method).toBe('exact')
      return Math.abs(meanField(network).responseSeconds / exact.responseSeconds - 1)
    }
    // Utilizations of 0.7, at the knee (1.0) and far beyond it.
    for (const [users, bound] of [
      [100, 0.1],
      [1000, 0.04],
      [10_000, 0.01],
    ] as const) {
      expect(error(users, users / 70)).toBeLessThan(bound)
      expect(error(users, users / 300)).toBeLessThan(bound)
    }
    // At the knee itself queues are as large as their fluctuations: a quarter off, with a throughput that is not.
    const knee = { users: 10_000, thinkSeconds: 100, stations }
    expect(error(knee.users, knee.thinkSeconds)).toBeLessThan(0.25)
    const throughput = meanField(knee).throughputPerSecond
    expect(Math.abs(throughput / meanValueAnalysis(knee).throughputPerSecond - 1)).toBeLessThan(0.005)
  })

  it('of nothing but delays lets everybody go at once', () => {
    const answer = meanValueAnalysis({
      users: 12,
      thinkSeconds: 2,
      stations: [
        { demandSeconds: 1, servers: Number.POSITIVE_INFINITY },
        { demandSeconds: 3, servers: 50 },
      ],
    })
    expect(answer.throughputPerSecond).toBeCloseTo(2, 12)
    expect(answer.responseSeconds).toBeCloseTo(4, 12)
  })
})
