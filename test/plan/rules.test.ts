/** Every rule has a file, a page and a pair of topologies that differ in the one thing that it is about. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { type RuleId, rules } from '../../src/plan/rules/index.js'
import { topologyFrom } from '../support/topology.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

const system = (
  over: {
    rate?: string
    traffic?: string
    headroom?: string
    size?: number
    replicas?: number
    maxConnections?: number
  } = {},
) => `
components:
  app: { engine: service, replicas: ${over.replicas ?? 2}, pools: { main: { to: db, size: ${over.size ?? 10} } } }
  db: { engine: postgres, maxConnections: ${over.maxConnections ?? 100} }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 10ms }, { query: app.main, table: t, time: 1ms }] }
traffic: ${over.traffic ?? `{ rate: ${over.rate ?? '100/s'} }`}
policy: { headroom: ${over.headroom ?? '25%'} }
`

const calibration = `
apiVersion: plimsoll/v1
kind: Calibration
origin: { runs: [a], measuredAt: "2026-01-01T00:00:00Z", topologyDigest: "00", machine: m }
components:
  app: { demand: 0.1ms, samples: 100 }
`

interface Twin {
  readonly bad: string
  readonly good: string
  readonly calibratedTwin?: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly subject: string
  /** In the message or the arithmetic. */
  readonly says: string
}

const twins: Readonly<Record<RuleId, Twin>> = {
  saturated: {
    bad: system({ rate: '250/s' }),
    good: system({ rate: '100/s' }),
    severity: 'error',
    subject: 'app',
    says: '250/s are offered, it carries 200/s',
  },
  headroom: {
    bad: system({ rate: '160/s' }),
    good: system({ rate: '160/s', headroom: '15%' }),
    severity: 'warning',
    subject: 'app',
    says: '1 − 160/s / 200/s = 20 %',
  },
  'pool-oversubscription': {
    bad: system({ size: 49 }),
    good: system({ size: 48 }),
    severity: 'error',
    subject: 'db',
    says: '2 × 49 = 98 > 100 − 3 reserved = 97',
  },
  uncalibrated: {
    bad: system(),
    good: system(),
    calibratedTwin: calibration,
    severity: 'info',
    subject: 'calibration',
    says: 'no demand is calibrated',
  },
}

const found = (rule: string, text: string, measured?: string) =>
  capacityPlan(topologyFrom(text, measured)).findings.filter((finding) => finding.rule === rule)

describe.each(Object.entries(twins))('%s', (rule, twin) => {
  it('is found, with the arithmetic in the numbers of the topology', () => {
    const findings = found(rule, twin.bad)
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({ severity: twin.severity, subject: twin.subject })
    expect(`${findings[0]?.message} ${findings[0]?.arithmetic}`).toContain(twin.says)
  })

  it('is not found in its twin', () => {
    expect(found(rule, twin.good, twin.calibratedTwin)).toEqual([])
  })
})

describe('the registry', () => {
  it('has a file and a page for each rule, and no page without a rule', () => {
    const ids = Object.keys(rules)
    const files = readdirSync(`${root}src/plan/rules`).map((name) => name.replace(/\.ts$/, ''))
    expect(files.filter((name) => !['index', 'rule'].includes(name)).sort()).toEqual([...ids].sort())
    expect(
      readdirSync(`${root}docs/rules`)
        .map((name) => name.replace(/\.md$/, ''))
        .sort(),
    ).toEqual([...ids].sort())
    for (const id of ids) {
      const page = `${root}docs/rules/${id}.md`
      expect(existsSync(page)).toBe(true)
      expect(readFileSync(page, 'utf8')).toContain(`# ${id}\n`)
    }
  })

  it('tells errors first', () => {
    const severities = capacityPlan(topologyFrom(system({ rate: '250/s', size: 200 }))).findings.map((f) => f.severity)
    expect(severities).toEqual(['error', 'error', 'info'])
  })

  it('points at the line that has to change', () => {
    const [finding] = found('pool-oversubscription', system({ size: 49 }))
    expect(finding?.position).toMatchObject({ file: 'topology.yaml', line: 6 })
  })

  it('calls a closed loop saturated that never leaves its bottleneck alone, and not one that thinks enough', () => {
    expect(found('saturated', system({ traffic: '{ users: 500, thinkTime: 0s }' }))).toHaveLength(1)
    expect(found('saturated', system({ traffic: '{ users: 500, thinkTime: 10s }' }))).toEqual([])
  })
})
