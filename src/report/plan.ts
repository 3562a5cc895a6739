/** A capacity plan for a reader: what is busy, what limits first, what each class costs, what was found. */
import type { CapacityPlan } from '../plan/types.js'
import { type Cell, type Document, renderText, type Section, type Table } from './document.js'
import type { Paint } from './problems.js'
import { formatNumber, formatRate, formatRatio, formatSeconds, missing } from './quantity.js'

const right = (name: string, optional = false) => ({ name, align: 'right', optional }) as const
const left = (name: string, optional = false) => ({ name, align: 'left', optional }) as const

const barWidth = 10

/** Ten cells; full from 100 % on, and at least an eighth of one for what is not idle. */
export const bar = (ratio: number): string => {
  const eighths = Math.min(barWidth * 8, Math.max(ratio > 0 ? 1 : 0, Math.round(ratio * barWidth * 8)))
  const full = Math.floor(eighths / 8)
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? ''
  return `${'█'.repeat(full)}${part}`.padEnd(barWidth, '·')
}

const busy = (ratio: number, wanted: number): Cell =>
  ratio >= 1
    ? { text: formatRatio(ratio), tone: 'bad' }
    : ratio > 1 - wanted
      ? { text: formatRatio(ratio), tone: 'strong' }
      : formatRatio(ratio)

const resourceTable = (plan: CapacityPlan, headroom: number): Table => ({
  columns: [
    left('resource'),
    left('utilization'),
    right(''),
    right('demand'),
    right('in it'),
    right('time there', true),
    right('max req/s'),
  ],
  rows: [
    ...Object.entries(plan.components).map(([id, component]) => [
      id,
      bar(component.utilization),
      busy(component.utilization, headroom),
      formatSeconds(component.demandSeconds),
      formatNumber(component.concurrency),
      formatSeconds(component.residenceSeconds),
      formatNumber(component.maxThroughputPerSecond),
    ]),
    ...Object.entries(plan.pools).map(([id, pool]) => [
      id,
      bar(pool.utilization),
      busy(pool.utilization, headroom),
      missing,
      formatNumber(pool.holdSeconds === null ? null : pool.arrivalRatePerSecond * pool.holdSeconds),
      formatSeconds(pool.holdSeconds),
      formatNumber(pool.maxThroughputPerSecond),
    ]),
    ...Object.entries(plan.hosts).map(([id, host]) => [
      `host:${id}`,
      bar(host.utilization),
      busy(host.utilization, headroom),
      formatSeconds(host.demandSeconds),
      missing,
      missing,
      formatNumber(host.maxThroughputPerSecond),
    ]),
  ],
})

const requestTable = (plan: CapacityPlan): Table => ({
  columns: [left('request'), right('rate'), right('CPU'), right('wait'), right('alone'), right('at this load')],
  rows: Object.entries(plan.requests).map(([id, request]) => [
    id,
    formatRate(request.arrivalRatePerSecond),
    formatSeconds(request.demandSeconds),
    formatSeconds(request.waitSeconds),
    formatSeconds(request.minResidenceSeconds),
    request.residenceSeconds === null ? { text: 'unbounded', tone: 'bad' } : formatSeconds(request.residenceSeconds),
  ]),
})

const traffic = ({ demand }: CapacityPlan): string => {
  if (demand.traffic === 'none') return 'no traffic declared'
  if (demand.traffic === 'open') return `${formatRate(demand.throughputPerSecond)} offered`
  return `${demand.users} users who think ${formatSeconds(demand.thinkSeconds)}: ${formatRate(demand.throughputPerSecond)}, answered in ${formatSeconds(demand.responseSeconds)} (${demand.method})`
}

const limitSection = (plan: CapacityPlan): Section => ({
  title: 'What limits',
  lines:
    plan.bottleneck === null
      ? ['nothing: no demand is known']
      : [
          {
            text: `${plan.bottleneck} at ${formatRate(plan.maxThroughputPerSecond)}: ${plan.bottleneckLimit}`,
            tone: 'strong',
          },
          ...plan.limits
            .filter(({ maxThroughputPerSecond }) => maxThroughputPerSecond !== null)
            .slice(1, 4)
            .map(
              (limit): Cell => ({
                text: `then ${limit.id} at ${formatRate(limit.maxThroughputPerSecond)}: ${limit.sentence}`,
                tone: 'dim',
              }),
            ),
          ...(plan.headroomRatio === null ? [] : [`headroom ${formatRatio(plan.headroomRatio)}; ${traffic(plan)}`]),
        ],
})

const findingSection = (plan: CapacityPlan): Section => ({
  title: `Findings: ${plan.findings.length === 0 ? 'none' : plan.findings.length}`,
  lines: plan.findings.flatMap((finding): readonly Cell[] => {
    const { position } = finding
    const where = position === undefined ? '' : ` ${position.file}:${position.line}:${position.column}`
    return [
      {
        text: `${finding.severity} ${finding.rule}:${where} ${finding.message}`,
        tone: finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'strong' : 'dim',
      },
      ...(finding.arithmetic === undefined ? [] : [`· ${finding.arithmetic}`]),
      ...(finding.fix === undefined ? [] : [`· fix: ${finding.fix}`]),
    ]
  }),
})

export const planDocument = (plan: CapacityPlan, headroom: number): Document => ({
  title: `${plan.topology.name}: ${traffic(plan)}`,
  sections: [
    { table: resourceTable(plan, headroom) },
    { table: requestTable(plan) },
    limitSection(plan),
    findingSection(plan),
  ],
})

/** `headroom`: the share of capacity that the policy wants free; what is above it is set off. */
export const renderPlan = (
  plan: CapacityPlan,
  options: { readonly columns: number; readonly paint: Paint; readonly headroom: number },
): string => renderText(planDocument(plan, options.headroom), options)
