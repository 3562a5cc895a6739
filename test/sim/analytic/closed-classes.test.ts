/** Closed networks of several classes against the sum over all states, and approximations against the exact answer. */
import { describe, expect, it } from 'vitest'
import { randomStream } from '../../../src/lib/random.js'
import { linearizer, schweitzer } from '../../../src/sim/analytic/classes/approximate.js'
import { convolution } from '../../../src/sim/analytic/classes/convolution.js'
import { exactMva } from '../../../src/sim/analytic/classes/mva.js'
import type { ClassNetwork } from '../../../src/sim/analytic/classes/network.js'
import { closedNetwork } from '../../../src/sim/analytic/classes/solve.js'
import { meanValueAnalysis } from '../../../src/sim/analytic/closed.js'
import { summed } from './product-form.js'

const several: ClassNetwork = {
  classes: [
    { users: 3, thinkSeconds: 0.7 },
    { users: 2, thinkSeconds: 0 },
    { users: 2, thinkSeconds: 2 },
  ],
  stations: [
    { servers: 1, demandSeconds: [0.3, 0.1, 0.2] },
    { servers: 3, demandSeconds: [0.9, 1.5, 0] },
    { servers: 2, demandSeconds: [0.2, 0.4, 1.1] },
    { servers: Number.POSITIVE_INFINITY, demandSeconds: [0.05, 0.2, 0.1] },
  ],
}

const single: ClassNetwork = {
  ...several,
  stations: several.stations.map((station, k) => (k === 3 ? station : { ...station, servers: 1 })),
}

const expectEqual = (found: ReturnType<typeof closedNetwork>, truth: ReturnType<typeof summed>): void => {
  for (const [r, throughput] of truth.throughputPerSecond.entries())
    expect(found.throughputPerSecond[r]).toBeCloseTo(throughput, 10)
  for (const [k, row] of truth.inSystem.entries())
    for (const [r, number] of row.entries()) expect(found.stations[k]?.inSystem[r]).toBeCloseTo(number, 10)
}

describe('exact answers for several classes', () => {
  it('mean value analysis of single servers and delays is the sum over all states', () => {
    expectEqual(exactMva(single), summed(single))
  })

  it('convolution of stations with several servers is the sum over all states', () => {
    expectEqual(convolution(several), summed(several))
    expectEqual(convolution(single), summed(single))
  })

  it('one class is what the solver of chains says, also with thousands of users', () => {
    for (const users of [1, 7, 60, 3000]) {
      const stations = [
        { servers: 1, demandSeconds: 0.01 },
        { servers: 12, demandSeconds: 0.1 },
        { servers: 3, demandSeconds: 0.02 },
      ]
      const chain = meanValueAnalysis({ users, thinkSeconds: 20, stations })
      const classes = convolution({
        classes: [{ users, thinkSeconds: 20 }],
        stations: stations.map(({ servers, demandSeconds }) => ({ servers, demandSeconds: [demandSeconds] })),
      })
      expect(chain.method).toBe('exact')
      expect(classes.throughputPerSecond[0]).toBeCloseTo(chain.throughputPerSecond, 8)
      for (const [k, station] of chain.stations.entries())
        expect(classes.stations[k]?.inSystem[0]).toBeCloseTo(station.inSystem, 6)
    }
  })

  it('two equal classes are one class of both', () => {
    const stations = [1, 4].map((servers, k) => ({ servers, demandSeconds: [0.2 + k, 0.2 + k] }))
    const both = closedNetwork({
      classes: [
        { users: 6, thinkSeconds: 3 },
        { users: 9, thinkSeconds: 3 },
      ],
      stations,
    })
    const one = meanValueAnalysis({
      users: 15,
      thinkSeconds: 3,
      stations: stations.map(({ servers, demandSeconds }) => ({ servers, demandSeconds: demandSeconds[0] ?? 0 })),
    })
    expect((both.throughputPerSecond[0] ?? 0) + (both.throughputPerSecond[1] ?? 0)).toBeCloseTo(
      one.throughputPerSecond,
      10,
    )
    expect(both.responseSeconds[0]).toBeCloseTo(one.responseSeconds, 9)
  })
})

/** Random networks of single servers and delays, small enough to be solved exactly. */
const randomNetwork = (seed: number, mostUsers: number, servers: readonly number[]): ClassNetwork => {
  const stream = randomStream(seed, 'network')
  const below = (n: number): number => Math.floor(stream.uniform() * n)
  const classes = Array.from({ length: 1 + below(3) }, () => ({
    users: 1 + below(mostUsers),
    thinkSeconds: below(2) * stream.uniform() * 5,
  }))
  return {
    classes,
    stations: Array.from({ length: 1 + below(4) }, () => ({
      servers: servers[below(servers.length)] ?? 1,
      demandSeconds: classes.map(() => 0.01 + stream.uniform()),
    })),
  }
}

describe('approximations', () => {
  it('Linearizer is within 2 % of the exact throughputs of random networks, Schweitzer within 26 %', () => {
    let worst = { linearizer: 0, schweitzer: 0 }
    for (let seed = 0; seed < 200; seed++) {
      const network = randomNetwork(seed, 12, [1, 1, Number.POSITIVE_INFINITY])
      const truth = exactMva(network)
      const error = (found: ReturnType<typeof linearizer>): number =>
        Math.max(
          ...truth.throughputPerSecond.map((exact, r) => Math.abs((found.throughputPerSecond[r] ?? 0) / exact - 1)),
        )
      worst = {
        linearizer: Math.max(worst.linearizer, error(linearizer(network))),
        schweitzer: Math.max(worst.schweitzer, error(schweitzer(network))),
      }
    }
    expect(worst.linearizer).toBeLessThan(0.02)
    expect(worst.schweitzer).toBeLessThan(0.26)
    expect(worst.linearizer).toBeLessThan(worst.schweitzer)
  })

  it("Seidmann's servers are within 12 % in random networks, and exact for one user and at saturation", () => {
    let worst = 0
    for (let seed = 0; seed < 100; seed++) {
      const network = randomNetwork(seed, 6, [1, 2, 4])
      const truth = convolution(network)
      const found = linearizer(network)
      for (const [r, exact] of truth.throughputPerSecond.entries())
        worst = Math.max(worst, Math.abs((found.throughputPerSecond[r] ?? 0) / exact - 1))
    }
    expect(worst).toBeLessThan(0.12)
    const servers = (users: number): ClassNetwork => ({
      classes: [{ users, thinkSeconds: 1 }],
      stations: [{ servers: 4, demandSeconds: [2] }],
    })
    expect(linearizer(servers(1)).throughputPerSecond[0]).toBeCloseTo(1 / 3, 9)
    expect(linearizer(servers(400)).throughputPerSecond[0]).toBeCloseTo(2, 3)
  })

  it('takes over where the exact answer would cost too much', () => {
    const stations = [
      { servers: 1, demandSeconds: [0.01, 0.02, 0.03] },
      { servers: 8, demandSeconds: [0.05, 0.02, 0.08] },
    ]
    const big = closedNetwork({ classes: [300, 300, 300].map((users) => ({ users, thinkSeconds: 10 })), stations })
    expect(big.method).toBe('linearizer')
    for (const { utilization } of big.stations) expect(utilization).toBeLessThanOrEqual(1 + 1e-9)
  })

  it('classes without users have no throughput and disturb nobody', () => {
    const network = { ...single, classes: single.classes.map((each, r) => (r === 1 ? { ...each, users: 0 } : each)) }
    for (const solve of [exactMva, convolution, linearizer, schweitzer]) {
      const answer = solve(network)
      expect(answer.throughputPerSecond[1]).toBe(0)
      expect(answer.throughputPerSecond.every(Number.isFinite)).toBe(true)
    }
    expectEqual(exactMva(network), summed(network))
  })
})
