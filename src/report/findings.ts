/** Findings for a reader: what, where, with which numbers, what to do. */
import type { Finding, Patch, PlainValue } from '../contract/finding.js'
import type { Cell, Section } from './document.js'

const tones = { error: 'bad', warning: 'strong', info: 'dim' } as const

/** `components.app.pools.main.size: 49`; removed: `− components.app.probes.readiness.checks`. */
export const patchText = ({ path, value }: Patch): string => {
  const place = path.join('.')
  return value === null ? `− ${place}` : `${place}: ${valueText(value)}`
}

const valueText = (value: PlainValue): string => {
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${(value as readonly PlainValue[]).map(valueText).join(', ')}]`
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${valueText(inner)}`)
    .join(', ')} }`
}

const findingLines = (finding: Finding): readonly Cell[] => {
  const { position } = finding
  const where = position === undefined ? '' : ` ${position.file}:${position.line}:${position.column}`
  return [
    { text: `${finding.severity} ${finding.rule}:${where} ${finding.message}`, tone: tones[finding.severity] },
    ...(finding.arithmetic === undefined ? [] : [`· ${finding.arithmetic}`]),
    ...(finding.fix === undefined ? [] : [`· fix: ${finding.fix}`]),
    ...(finding.patches === undefined ? [] : [`· --fix writes ${finding.patches.map(patchText).join('; ')}`]),
    ...(finding.decision === undefined ? [] : [`· needs a decision: ${finding.decision}`]),
  ]
}

const counts = (findings: readonly Finding[]): string =>
  (['error', 'warning', 'info'] as const)
    .map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}${count === 1 || severity === 'info' ? '' : 's'}`)
    .join(', ')

export const findingSection = (findings: readonly Finding[], title = 'Findings'): Section => ({
  title: `${title}: ${findings.length === 0 ? 'none' : counts(findings)}`,
  lines: findings.flatMap(findingLines),
})

/** What `plan --fix` has written, finding by finding. */
export const mendedSection = (applied: readonly Finding[]): Section => ({
  title: `Mended: ${applied.length === 0 ? 'nothing' : counts(applied)}`,
  lines: applied.flatMap((finding): readonly Cell[] => [
    { text: `${finding.rule}: ${finding.message}`, tone: 'good' },
    `· ${(finding.patches ?? []).map(patchText).join('; ')}`,
  ]),
})
