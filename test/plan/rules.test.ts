/** Every rule has a file, a page and a pair of topologies that differ in the one thing that it is about. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { mend } from '../../src/plan/fix/fix.js'
import { isRuleId, type RuleId, ruleIds, rules } from '../../src/plan/rules/index.js'
import type { Rule } from '../../src/plan/rules/rule.js'
import { topologyFrom } from '../support/topology.js'
import { twins } from './rules/twins.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

const found = (rule: string, text: string, measured?: string) =>
  capacityPlan(topologyFrom(text, measured)).findings.filter((finding) => finding.rule === rule)

const bad = (rule: RuleId): string => {
  const { good, planted } = twins[rule]
  expect(good).toContain(planted[0])
  return good.replace(...planted)
}

describe.each(ruleIds)('%s', (rule) => {
  const twin = twins[rule]

  it('finds the planted error, with the arithmetic in the numbers of the file, and where it stands', () => {
    const findings = found(rule, bad(rule))
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({ severity: twin.severity, subject: twin.subject })
    expect(findings[0]?.arithmetic).toContain(twin.says)
    expect(findings[0]?.arithmetic).toMatch(/\d|∞/)
    expect(findings[0]?.position).toMatchObject({ file: 'topology.yaml' })
    expect(findings[0]?.position?.line).toBeGreaterThan(0)
    expect(findings[0]?.position?.column).toBeGreaterThan(0)
  })

  it('raises nothing in the mended twin', () => {
    expect(found(rule, twin.good, twin.calibration)).toEqual([])
  })

  it(twin.mended === true ? 'is mended by --fix' : 'is not mended by --fix, and an error names the decision', () => {
    const text = `apiVersion: plimsoll/v1\nkind: Topology\nname: under-test\n${bad(rule)}`
    const parse = (from: string) => topologyFrom(from.split('\n').slice(3).join('\n'))
    const { plan, applied } = mend(text, { parse, accept: (finding) => finding.rule === rule })
    const left = plan.findings.filter((finding) => finding.rule === rule)
    if (twin.mended === true) {
      expect(applied.map((finding) => finding.rule)).toEqual([rule])
      expect(left).toEqual([])
    } else {
      expect(applied).toEqual([])
      for (const { severity, decision } of left) if (severity === 'error') expect(decision).toMatch(/\w{3}/)
    }
  })

  it('has a page that shows its severity, its explanation and its formula', () => {
    const path = `${root}docs/rules/${rule}.md`
    expect(existsSync(path)).toBe(true)
    const page = readFileSync(path, 'utf8')
    const { severity, explanation, formula }: Rule = rules[rule]
    const word = { error: 'Error', warning: 'Warning', info: 'Information' }[severity]
    expect(page.startsWith(`# ${rule}\n`)).toBe(true)
    expect(page).toContain(`**${word}.** ${explanation}`)
    expect(page).toContain(`\`${formula}\``)
    expect(page).toContain('## Example')
    expect(page).toContain(twin.says)
    expect(page).toContain('## What to do')
  })
})

describe('the registry', () => {
  it('has a file for each rule, and no file or page without a rule', () => {
    const names = (folder: string, end: RegExp) => readdirSync(`${root}${folder}`).map((name) => name.replace(end, ''))
    const sorted = [...ruleIds].sort()
    expect(
      names('src/plan/rules', /\.ts$/)
        .filter((name) => !['index', 'rule'].includes(name))
        .sort(),
    ).toEqual(sorted)
    expect(
      names('docs/rules', /\.md$/)
        .filter((name) => name !== 'README')
        .sort(),
    ).toEqual(sorted)
    expect(isRuleId('saturated') && !isRuleId('toString')).toBe(true)
  })

  it('is listed whole in docs/rules/README.md', () => {
    const index = readFileSync(`${root}docs/rules/README.md`, 'utf8')
    for (const [id, { severity }] of Object.entries<Rule>(rules))
      expect(index).toContain(`| [${id}](${id}.md) | ${severity} |`)
  })

  it('tells errors first', () => {
    const { good } = twins.saturated
    const text = good.replace('100/s', '250/s').replace('size: 10', 'size: 200')
    const severities = capacityPlan(topologyFrom(text)).findings.map(({ severity }) => severity)
    expect(severities).toEqual(['error', 'error', 'info'])
  })

  it('points at the value that has to change', () => {
    const [finding] = found('pool-oversubscription', bad('pool-oversubscription'))
    const lines = `apiVersion: plimsoll/v1\nkind: Topology\nname: under-test\n${bad('pool-oversubscription')}`.split(
      '\n',
    )
    const line = lines.findIndex((text) => text.includes('size: 17')) + 1
    const column = (lines[line - 1] ?? '').indexOf('17') + 1
    expect(finding?.position).toEqual({ file: 'topology.yaml', line, column })
  })

  it('gives a rule the severity that policy.rules says, and leaves out what is off', () => {
    const text = (level: string) =>
      `${bad('saturated').replace('headroom: 25%', `headroom: 25%, rules: { saturated: ${level} }`)}`
    expect(found('saturated', text('warning'))[0]?.severity).toBe('warning')
    expect(found('saturated', text('off'))).toEqual([])
  })

  it('refuses a rule that there is not, at its place and with what was meant', () => {
    const text = twins.saturated.good.replace('headroom: 25%', 'rules: { saturatd: off }')
    expect(() => capacityPlan(topologyFrom(text))).toThrow('there is no review rule "saturatd"')
  })

  it('calls a closed loop saturated that never leaves its bottleneck alone, and not one that thinks enough', () => {
    const closed = (thinkTime: string) =>
      twins.saturated.good.replace('rate: 100/s', `users: 500, thinkTime: ${thinkTime}`)
    expect(found('saturated', closed('0s'))).toHaveLength(1)
    expect(found('saturated', closed('10s'))).toEqual([])
  })
})
