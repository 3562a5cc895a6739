/** Single stations with known answers: published, printed by PDQ 7.0, or calculated exactly. */
import { describe, expect, it } from 'vitest'
import { erlangB, erlangC, serversForWaitProbability } from '../../src/sim/analytic/erlang.js'
import { forkJoinResponse } from '../../src/sim/analytic/fork-join.js'
import { allenCunneen, erlangArrivalsM1, ggc, kingmanBoundSeconds } from '../../src/sim/analytic/gg.js'
import { erlangA, mmcTimeout } from '../../src/sim/analytic/impatience.js'
import { mg1, mgc } from '../../src/sim/analytic/mg.js'
import { mm1, mmc, mmcResponseQuantile, mmcWaitQuantile } from '../../src/sim/analytic/mmc.js'
import { mmck } from '../../src/sim/analytic/mmck.js'
import {
  mmcPreemptiveResponses,
  mmcPriorityWaits,
  preemptiveResponses,
  priorityWaits,
} from '../../src/sim/analytic/priority.js'
import {
  sharedResponseSeconds,
  sharedResponseVariance,
  sharingStretch,
} from '../../src/sim/analytic/processor-sharing.js'

const station = (arrivalRatePerSecond: number, serviceSeconds: number, servers: number) => ({
  arrivalRatePerSecond,
  serviceSeconds,
  servers,
})

describe('M/M/1', () => {
  it('oracle 1: λ = 8/s, S = 0.1 s', () => {
    const { responseSeconds, waitSeconds, inSystem, utilization } = mm1(8, 0.1)
    expect(responseSeconds).toBeCloseTo(0.5, 12)
    expect(waitSeconds).toBeCloseTo(0.4, 12)
    expect(inSystem).toBeCloseTo(4, 12)
    expect(utilization).toBeCloseTo(0.8, 12)
    expect(mmcResponseQuantile(station(8, 0.1, 1), 0.95)).toBeCloseTo(1.49787, 5)
    expect(mmcResponseQuantile(station(8, 0.1, 1), 0.99)).toBeCloseTo(Math.LN10, 9)
  })

  it('oracle 2: λ = 75/s, S = 10 ms', () => {
    const { responseSeconds, inSystem, utilization } = mm1(75, 0.01)
    expect(responseSeconds).toBeCloseTo(0.04, 12)
    expect(inSystem).toBeCloseTo(3, 12)
    expect(utilization).toBeCloseTo(0.75, 12)
  })
})

describe('M/M/c', () => {
  it('oracle 3: three servers, λ = 2/s, S = 1 s', () => {
    const { waitProbability, responseSeconds, inSystem } = mmc(station(2, 1, 3))
    expect(waitProbability).toBeCloseTo(0.444444, 6)
    expect(responseSeconds).toBeCloseTo(1.444444, 6)
    expect(inSystem).toBeCloseTo(2.888889, 6)
  })

  it('oracle 4: ten servers, λ = 90/s, S = 0.1 s', () => {
    const { waitProbability, waitSeconds } = mmc(station(90, 0.1, 10))
    expect(waitProbability).toBeCloseTo(0.668732, 6)
    expect(waitSeconds * 1000).toBeCloseTo(66.8732, 4)
  })

  it("oracle 5: Erlang's B and C", () => {
    expect(erlangC(10, 8)).toBeCloseTo(0.40918, 6)
    expect(erlangB(10, 5)).toBeCloseTo(0.018385, 6)
    expect(erlangB(30, 20)).toBeCloseTo(0.008457, 6)
  })

  it.each([
    { size: 11, waitProbability: 0.6821, waitMs: 13.642, p99Ms: 84.45 },
    { size: 14, waitProbability: 0.1741, waitMs: 0.871, p99Ms: 14.29 },
  ])('oracle 6: a pool of $size connections at 500/s, held 20 ms', ({ size, waitProbability, waitMs, p99Ms }) => {
    const answer = mmc(station(500, 0.02, size))
    expect(answer.waitProbability).toBeCloseTo(waitProbability, 4)
    expect(answer.waitSeconds * 1000).toBeCloseTo(waitMs, 3)
    expect(mmcWaitQuantile(station(500, 0.02, size), 0.99) * 1000).toBeCloseTo(p99Ms, 2)
  })

  it('oracle 6: the smallest pool for an offered load of 20', () => {
    expect([0.2, 0.05, 0.01].map((bound) => serversForWaitProbability(20, bound))).toEqual([26, 29, 32])
  })
})

describe('M/M/c/K', () => {
  it('oracle 7: M/M/1/5 at ρ = 0.8, S = 1 s', () => {
    const { blockedProbability, inSystem, responseSeconds } = mmck(station(0.8, 1, 1), 5)
    expect(blockedProbability).toBeCloseTo(0.088819, 6)
    expect(inSystem).toBeCloseTo(1.868332, 6)
    expect(responseSeconds).toBeCloseTo(2.563065, 6)
  })

  it('oracle 7: M/M/10/30 at λ = 120/s, μ = 10/s', () => {
    const { blockedProbability, throughputPerSecond, responseSeconds } = mmck(station(120, 0.1, 10), 30)
    expect(blockedProbability).toBeCloseTo(0.168637, 6)
    expect(throughputPerSecond).toBeCloseTo(99.7635, 4)
    expect(responseSeconds).toBeCloseTo(0.253456, 6)
  })
})

describe('M/G/1 and its relatives', () => {
  it.each([
    [0, 0.2],
    [1, 0.4],
    [4, 1.0],
  ])('oracle 8: ρ = 0.8, S = 0.1 s, cv² = %d waits %d s', (scv, waitSeconds) => {
    expect(mg1(8, 0.1, scv).waitSeconds).toBeCloseTo(waitSeconds, 12)
  })

  it('oracle 9: two priorities that do not interrupt', () => {
    const one = { arrivalRatePerSecond: 4, serviceSeconds: 0.1, scv: 1 }
    const [high, low] = priorityWaits([one, one])
    expect(high).toBeCloseTo(0.133333, 6)
    expect(low).toBeCloseTo(0.666667, 6)
  })

  it('oracle 9: a two-way fork and join', () => {
    expect(forkJoinResponse(2, 8, 0.1)).toBeCloseTo(0.7, 12)
  })
})

/** Wait of M/D/c by iterating the number in system from one service time to the next: N' = max(0, N − c) + Poisson. Crommelin 1932. */
const constantServiceWait = (servers: number, utilization: number): number => {
  const offered = servers * utilization
  const size = Math.ceil(servers + 60 / (1 - utilization))
  const arrivals: number[] = []
  let term = Math.exp(-offered)
  for (let k = 0; k < 12 * Math.sqrt(offered) + offered + 20; k++) {
    arrivals.push(term)
    term *= offered / (k + 1)
  }
  let states = new Float64Array(size)
  states[0] = 1
  for (let round = 0; round < 5000; round++) {
    const next = new Float64Array(size)
    for (const [n, probability] of states.entries())
      for (let k = 0; k < Math.min(arrivals.length, size - Math.max(0, n - servers)); k++) {
        const at = Math.max(0, n - servers) + k
        next[at] = (next[at] ?? 0) + probability * (arrivals[k] ?? 0)
      }
    const moved = next.reduce((sum, value, n) => sum + Math.abs(value - (states[n] ?? 0)), 0)
    states = next
    if (moved < 1e-13) break
  }
  return (states.reduce((sum, value, n) => sum + n * value, 0) - offered) / offered
}

describe('M/G/c', () => {
  it('is M/M/c for exponential service and M/G/1 for one server', () => {
    for (const servers of [1, 3, 20])
      expect(mgc(station(0.8 * servers, 1, servers), 1)).toEqual(mmc(station(0.8 * servers, 1, servers)))
    expect(mgc(station(0.8, 1, 1), 0.3).waitSeconds).toBeCloseTo((0.8 * 1.3) / (2 * 0.2), 12)
  })

  it.each([
    [2, 0.5, 0.007],
    [2, 0.9, 0.002],
    [4, 0.7, 0.005],
    [10, 0.7, 0.005],
    [10, 0.9, 0.005],
    [30, 0.9, 0.01],
    [10, 0.3, 0.1],
  ])('M/D/%d at ρ = %d is within %d of the exact wait', (servers, utilization, error) => {
    const exact = constantServiceWait(servers, utilization)
    expect(Math.abs(mgc(station(servers * utilization, 1, servers), 0).waitSeconds / exact - 1)).toBeLessThan(error)
  })

  // Simulated (Kiefer–Wolfowitz, 1.5 million customers): gamma service of cv² = 4, mean 1 s.
  it.each([
    [2, 0.7, 2.347],
    [4, 0.5, 0.1965],
    [10, 0.7, 0.1658],
    [10, 0.9, 1.627],
  ])('M/G/%d at ρ = %d and cv² = 4 is within 5 %% of the simulated wait of %d s', (servers, utilization, seconds) => {
    expect(Math.abs(mgc(station(servers * utilization, 1, servers), 4).waitSeconds / seconds - 1)).toBeLessThan(0.05)
  })
})

describe('G/G/c', () => {
  it('Allen and Cunneen: (ca² + cs²)/2 of M/M/c; Whitt agrees where both are exact', () => {
    const four = station(3.2, 1, 4)
    expect(allenCunneen(four, 0.5, 2).waitSeconds).toBeCloseTo(1.25 * mmc(four).waitSeconds, 12)
    expect(ggc(four, 1, 1).waitSeconds).toBeCloseTo(mmc(four).waitSeconds, 12)
    expect(ggc(station(0.7, 1, 1), 1, 3).waitSeconds).toBeLessThanOrEqual(mg1(0.7, 1, 3).waitSeconds)
  })

  it("Kingman's bound holds, and is tight under heavy traffic", () => {
    for (const utilization of [0.3, 0.7, 0.95]) {
      const exact = mg1(utilization, 1, 2).waitSeconds
      const bound = kingmanBoundSeconds(utilization, 1, 1, 2)
      expect(bound).toBeGreaterThanOrEqual(exact)
      if (utilization === 0.95) expect(bound / exact).toBeLessThan(1.06)
    }
  })

  it('Erlang arrivals: one stage is M/M/1; two at ρ = 0.5 wait as the root of the quadratic says; many approach D/M/1', () => {
    expect(erlangArrivalsM1(8, 0.1, 1).waitSeconds).toBeCloseTo(0.4, 10)
    // σ = (1 + (1 − σ)/(2ρ))^−2 at ρ = ½: σ³ − 4σ² + 4σ − 1 = 0, σ = (3 − √5)/2.
    const sigma = (3 - Math.sqrt(5)) / 2
    expect(erlangArrivalsM1(0.5, 1, 2).waitProbability).toBeCloseTo(sigma, 12)
    expect(erlangArrivalsM1(0.5, 1, 2).waitSeconds).toBeCloseTo(sigma / (1 - sigma), 12)
    // D/M/1 at ρ = 0.8: σ = e^(−(1 − σ)/0.8) = 0.62863.
    expect(erlangArrivalsM1(0.8, 1, 1_000_000).waitProbability).toBeCloseTo(0.62863, 4)
  })
})

describe('priorities', () => {
  const one = { arrivalRatePerSecond: 4, serviceSeconds: 0.1, scv: 1 }

  it('that interrupt: the first class never notices the second', () => {
    const [high, low] = preemptiveResponses([one, one])
    expect(high).toBeCloseTo(mm1(4, 0.1).responseSeconds, 12)
    // 0.1/0.6 + 0.08/(0.6 · 0.2); together they hold as many as M/M/1 of 8/s: 4.
    expect(low).toBeCloseTo(0.1 / 0.6 + 0.08 / 0.12, 12)
    expect(4 * (high ?? 0) + 4 * (low ?? 0)).toBeCloseTo(4, 10)
  })

  it('at several servers: one server is Cobham, interrupting ones hold what M/M/c holds, waits conserve', () => {
    expect(mmcPriorityWaits([4, 4], 0.1, 1)[1]).toBeCloseTo(0.666667, 6)
    expect(mmcPreemptiveResponses([4, 4], 0.1, 1)[1]).toBeCloseTo(0.1 / 0.6 + 0.08 / 0.12, 10)
    const rates = [10, 20, 50]
    const all = mmc(station(80, 0.1, 10))
    const waits = mmcPriorityWaits(rates, 0.1, 10)
    expect(rates.reduce((sum, rate, k) => sum + rate * (waits[k] ?? 0), 0)).toBeCloseTo(all.inQueue, 10)
    const responses = mmcPreemptiveResponses(rates, 0.1, 10)
    expect(rates.reduce((sum, rate, k) => sum + rate * (responses[k] ?? 0), 0)).toBeCloseTo(all.inSystem, 10)
    expect(mmcPriorityWaits([50, 60], 0.1, 10)[1]).toBe(Number.POSITIVE_INFINITY)
    expect(mmcPriorityWaits([50, 60], 0.1, 10)[0]).toBeLessThan(1)
  })
})

describe('customers who give up', () => {
  it('Erlang A: patience without end is M/M/c, none is Erlang B, equal to service M/M/∞', () => {
    const busy = station(9, 1, 10)
    expect(erlangA(busy, 1e9).waitSeconds).toBeCloseTo(mmc(busy).waitSeconds, 5)
    expect(erlangA(busy, 1e-9).abandonProbability).toBeCloseTo(erlangB(10, 9), 6)
    // θ = μ: the number there is Poisson of mean λ/μ whatever c is.
    const equal = erlangA(station(9, 1, 4), 1)
    const poisson = Array.from({ length: 60 }, (_, n) => Math.exp(-9 + n * Math.log(9) - lnFactorial(n)))
    expect(equal.inQueue).toBeCloseTo(
      poisson.reduce((sum, p, n) => sum + Math.max(0, n - 4) * p, 0),
      10,
    )
    // What is not served has given up: λ = X + θ·Lq.
    expect(equal.throughputPerSecond + equal.inQueue).toBeCloseTo(9, 10)
  })

  it('a timeout: M/M/1+D at ρ = 1 loses 1/(1 + (1 + τ/S)), and no or endless patience are Erlang B and M/M/c', () => {
    // δ = 0: p(0) = 1/λ·λ… all states in units: idle 1, waiting τ/S, beyond 1.
    const even = mmcTimeout(station(1, 1, 1), 3)
    expect(even.abandonProbability).toBeCloseTo(1 / (1 + 3 + 1), 9)
    expect(mmcTimeout(station(9, 1, 10), 1e6).waitSeconds).toBeCloseTo(mmc(station(9, 1, 10)).waitSeconds, 9)
    expect(mmcTimeout(station(9, 1, 10), 0).abandonProbability).toBeCloseTo(erlangB(10, 9), 10)
    // Overload: the loss is what capacity leaves over, however far beyond.
    expect(mmcTimeout(station(1e5, 1, 100), 30).throughputPerSecond).toBeCloseTo(100, 6)
    expect(mmcTimeout(station(1e5, 1, 100), 30).waitSeconds).toBeCloseTo(30, 1)
  })
})

describe('processor sharing', () => {
  it('stretches every job by 1/(1 − ρ), and by that of M/M/c on c cores', () => {
    expect(sharedResponseSeconds(0.3, 0.75)).toBeCloseTo(1.2, 12)
    expect(sharingStretch(station(8, 0.1, 1))).toBeCloseTo(5, 12)
    expect(sharingStretch(station(2, 1, 3))).toBeCloseTo(1.444444, 6)
    // M/M/1-PS: Var = R²(2 + ρ)/(2 − ρ).
    expect(sharedResponseVariance(0.5, 5, 1)).toBeCloseTo((0.25 * 2.8) / 1.2, 12)
  })
})

const lnFactorial = (n: number): number => (n <= 1 ? 0 : Math.log(n) + lnFactorial(n - 1))
