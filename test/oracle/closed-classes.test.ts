/** Closed networks of several classes: published examples (books; Schwetman's reports, as the queueing package for Octave corrects them). */
import { describe, expect, it } from 'vitest'
import { mixedNetwork, openNetwork, visitCounts } from '../../src/sim/analytic/classes/open.js'
import { closedNetwork } from '../../src/sim/analytic/classes/solve.js'

const delay = Number.POSITIVE_INFINITY

const rounded = (values: readonly number[], digits: number): readonly number[] =>
  values.map((value) => Number(value.toFixed(digits)))

describe('exact mean value analysis of several classes', () => {
  it('Lazowska et al., p. 142: two classes of one user at a CPU and a disk', () => {
    const answer = closedNetwork({
      classes: [
        { users: 1, thinkSeconds: 0 },
        { users: 1, thinkSeconds: 0 },
      ],
      stations: [
        { servers: 1, demandSeconds: [1, 2] },
        { servers: 1, demandSeconds: [3, 4] },
      ],
    })
    expect(answer.method).toBe('mva')
    expect(answer.throughputPerSecond[0]).toBeCloseTo(3 / 19, 12)
    expect(answer.throughputPerSecond[1]).toBeCloseTo(2 / 19, 12)
    expect(answer.stations[0]?.residenceSeconds[0]).toBeCloseTo(4 / 3, 12)
    expect(answer.stations[0]?.residenceSeconds[1]).toBeCloseTo(5 / 2, 12)
    expect(answer.stations[1]?.inSystem[0]).toBeCloseTo(15 / 19, 12)
    expect(answer.stations[1]?.inSystem[1]).toBeCloseTo(14 / 19, 12)
  })

  it('Bolch et al., example 9.5: two servers, one server and a delay', () => {
    const answer = closedNetwork({
      classes: [
        { users: 2, thinkSeconds: 0 },
        { users: 1, thinkSeconds: 0 },
      ],
      stations: [
        { servers: 2, demandSeconds: [0.2, 0.2] },
        { servers: 1, demandSeconds: [0.24, 0.18] },
        { servers: delay, demandSeconds: [0.4, 1.4] },
      ],
    })
    expect(answer.method).toBe('convolution')
    expect(rounded(answer.throughputPerSecond, 3)).toEqual([2.113, 0.524])
    expect(answer.stations.map(({ inSystem }) => rounded(inSystem, 3))).toEqual([
      [0.428, 0.108],
      [0.726, 0.158],
      [0.845, 0.734],
    ])
  })

  it('Bolch et al., example 8.3: one class of six at four stations', () => {
    const answer = closedNetwork({
      classes: [{ users: 6, thinkSeconds: 0 }],
      stations: [0.02, 0.08, 0.08, 0.06].map((demand) => ({ servers: 1, demandSeconds: [demand] })),
    })
    expect(answer.throughputPerSecond[0]).toBeCloseTo(9.92, 2)
    expect(answer.stations.map(({ inSystem }) => Number(inSystem[0]?.toFixed(3)))).toEqual([0.244, 2.261, 2.261, 1.234])
  })

  it('Schwetman, CSD-TR-330, example 5(b): fifteen and five users who think 1 s and 15 s', () => {
    const answer = closedNetwork({
      classes: [
        { users: 15, thinkSeconds: 1 },
        { users: 5, thinkSeconds: 15 },
      ],
      stations: [{ servers: 1, demandSeconds: [0.025, 0.5] }],
    })
    expect(rounded(answer.throughputPerSecond, 3)).toEqual([14.323, 0.314])
    expect(rounded(answer.responseSeconds, 3)).toEqual([0.047, 0.934])
    expect(rounded(answer.stations[0]?.inSystem ?? [], 3)).toEqual([0.677, 0.293])
  })

  it('Schwetman, CSD-TR-330, figure 7: three and two users at four stations', () => {
    const answer = closedNetwork({
      classes: [
        { users: 3, thinkSeconds: 0 },
        { users: 2, thinkSeconds: 0 },
      ],
      stations: [
        { servers: 1, demandSeconds: [0.01, 0.05] },
        { servers: 1, demandSeconds: [0.0405, 0] },
        { servers: 1, demandSeconds: [0.05, 0.05] },
        { servers: 1, demandSeconds: [0, 0.0392] },
      ],
    })
    // Printed to four digits that were cut off, not rounded.
    const expected = [
      [0.2131, 0.5011],
      [0.7539, 0],
      [2.0328, 1.1839],
      [0, 0.3149],
    ]
    const close = (found: number | undefined, printed: number | undefined): void =>
      expect(Math.abs((found ?? 0) - (printed ?? 0))).toBeLessThan(1.5e-4)
    close(answer.throughputPerSecond[0], 12.1517)
    close(answer.throughputPerSecond[1], 6.8669)
    for (const [k, row] of expected.entries())
      for (const [r, printed] of row.entries()) close(answer.stations[k]?.inSystem[r], printed)
  })

  it('Schwetman, CSD-TR-330, figure 6: forty terminals and four batch jobs', () => {
    const { throughputPerSecond, stations } = closedNetwork({
      classes: [
        { users: 40, thinkSeconds: 5 },
        { users: 4, thinkSeconds: 10 },
      ],
      stations: [
        { servers: 1, demandSeconds: [0.01 / 0.9, 0.1 / 0.05] },
        ...[1, 2, 3, 4].map(() => ({ servers: 1, demandSeconds: [0.035 / 0.9 / 4, 0.035 / 0.05 / 4] })),
      ],
    })
    expect(throughputPerSecond[0]).toBeCloseTo(7.891588, 5)
    expect(throughputPerSecond[1]).toBeCloseTo(0.27727, 5)
    expect(rounded(stations[0]?.residenceSeconds ?? [], 5)).toEqual([0.02436, 3.63615])
    expect(rounded(stations[1]?.inSystem ?? [], 5)).toEqual([0.08745, 0.05477])
  })
})

describe('open and mixed networks', () => {
  it('Jackson: visits follow from routing, and each station is an M/M/c of its own', () => {
    // A CPU that leads to two disks and back, or out with probability 0.2.
    const visits = visitCounts(
      [1, 0, 0],
      [
        [0, 0.5, 0.3],
        [1, 0, 0],
        [1, 0, 0],
      ],
    )
    expect(visits?.map((value) => Number(value.toFixed(12)))).toEqual([5, 2.5, 1.5])
    expect(
      visitCounts(
        [1, 0],
        [
          [0, 1],
          [1, 0],
        ],
      ),
    ).toBeUndefined()
    const answer = openNetwork(
      [2],
      [
        { servers: 1, demandSeconds: [5 * 0.08] },
        { servers: 3, demandSeconds: [1] },
      ],
    )
    expect(answer.stations[0]?.residenceSeconds[0]).toBeCloseTo(0.4 / 0.2, 12)
    expect(answer.stations[1]?.residenceSeconds[0]).toBeCloseTo(1.444444, 6)
    expect(answer.responseSeconds[0]).toBeCloseTo(2 + 1.444444, 6)
  })

  it('two open classes at one server: D/(1 − ρ) each', () => {
    const answer = openNetwork([1, 2], [{ servers: 1, demandSeconds: [0.3, 0.1] }])
    expect(answer.responseSeconds[0]).toBeCloseTo(0.6, 12)
    expect(answer.responseSeconds[1]).toBeCloseTo(0.2, 12)
    expect(openNetwork([4, 2], [{ servers: 1, demandSeconds: [0.3, 0.1] }]).responseSeconds[0]).toBe(
      Number.POSITIVE_INFINITY,
    )
  })

  it('mixed: a closed user beside open arrivals, whose queue is that of the birth-and-death chain', () => {
    // One user of 1 s who never thinks at a shared server with ρ = 0.5 of open work of 1 s: X = 1 − ρ, open R = S(1 + 1)/(1 − ρ).
    const { closed, openResponseSeconds } = mixedNetwork(
      [0.5],
      { classes: [{ users: 1, thinkSeconds: 0 }], stations: [{ servers: 1, demandSeconds: [1] }] },
      [[1]],
    )
    expect(closed.throughputPerSecond[0]).toBeCloseTo(0.5, 12)
    expect(openResponseSeconds[0]).toBeCloseTo(4, 12)
  })
})
