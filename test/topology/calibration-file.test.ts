import { describe, expect, it } from 'vitest'
import { PlimsollError } from '../../src/lib/errors.js'
import type { Calibration } from '../../src/topology/calibration.js'
import { formatCalibration, parseCalibration } from '../../src/topology/calibration-file.js'

const measured: Omit<Calibration, 'digest'> = {
  origin: { runs: ['a/1', 'b "2"'], measuredAt: '2026-01-01T00:00:00Z', topologyDigest: 'abc', machine: '2 × Xeon' },
  components: {
    app: {
      demand: { law: 'power', seconds: 0.00031, atRatePerSecond: 200, exponent: -0.12 },
      turns: 2.4,
      kinds: { get: { factor: 0.9 }, put: { factor: 1.8, turns: 1 } },
      samples: 12000,
    },
    edge: { demand: { law: 'constant', seconds: 0.00006 }, halfWidthSeconds: 0.000002, samples: 24000 },
    cache: { demand: { law: 'inverse', a: 0.00002, b: 0.015 }, samples: 10 },
    generator: {
      demand: {
        law: 'table',
        points: [
          { ratePerSecond: 10, seconds: 0.002 },
          { ratePerSecond: 100, seconds: 0.001 },
        ],
      },
      samples: 100,
    },
  },
  steps: {
    'get/0': { cpu: { demand: { law: 'constant', seconds: 0.002 }, samples: 5 } },
    'get/1.miss.0': { wait: { demand: { law: 'constant', seconds: 0.0025 }, samples: 7 } },
  },
  hitRatios: { 'get/1': 0.825 },
}
const ids = {
  file: 'calibration.yaml',
  components: ['app', 'edge', 'cache'],
  requests: ['get', 'put'],
  steps: ['get/0', 'get/1', 'get/1.miss.0'],
}

const problemsOf = (text: string) => {
  try {
    parseCalibration(text, ids)
  } catch (error) {
    if (error instanceof PlimsollError) {
      return error.problems.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`)
    }
    throw error
  }
  return []
}

describe('calibration.yaml', () => {
  it('reads what it writes, law by law, and gives it a digest', () => {
    const { digest, ...read } = parseCalibration(formatCalibration(measured), ids)
    expect(read).toEqual(measured)
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
  })

  it('writes the same bytes for the same estimates', () => {
    expect(formatCalibration(measured)).toBe(formatCalibration(structuredClone(measured)))
  })

  it('refuses steps and components that the topology does not have, at their keys', () => {
    const text = formatCalibration(measured)
      .replace('"get/0":', '"get/9":')
      .replace('"put":', '"pat":')
      .replace('app:', 'ap:')
    expect(problemsOf(text)).toEqual([
      '11:3 the topology has no component "ap"',
      '11:124 the topology has no request class and no step "pat"',
      '17:3 the topology has no step "get/9"',
    ])
  })

  it('names the law that does not exist and the unit that is missing', () => {
    const text = formatCalibration(measured)
      .replace('law: power', 'law: powder')
      .replace('samples: 5', 'samples: -5')
      .replace('82.5%', '82.5')
    expect(problemsOf(text)).toEqual([
      '11:25 law: unknown value "powder": expected one of constant, power, inverse, table',
      '18:34 samples: expected a whole number of at least 0, got -5',
      '23:12 get/1: "82.5" has no unit: expected a percentage such as 80%',
    ])
  })
})
