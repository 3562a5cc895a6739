/** A capacity plan for a reader: what is busy, what limits first, what each class costs, what was found. */
import { groupBy } from '../lib/group.js'
import { formatBytes } from '../lib/units.js'
import type { Breaking, CapacityPlan, LossPlan, TriggerPlan } from '../plan/types.js'
import { type Cell, type Document, renderText, type Section, type Table } from './document.js'
import { findingSection } from './findings.js'
import { objectiveName } from './objective.js'
import type { Paint } from './problems.js'
import {
  formatNumber,
  formatQuantity,
  formatRate,
  formatRatio,
  formatSeconds,
  missing,
  type Unit,
  unitOf,
} from './quantity.js'
import { uncertaintySections } from './uncertainty.js'

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
  columns: [
    left('request'),
    right('rate'),
    right('CPU'),
    right('wait'),
    right('alone'),
    right('at this load'),
    right('p95'),
  ],
  rows: Object.entries(plan.requests).map(([id, request]) => [
    id,
    formatRate(request.arrivalRatePerSecond),
    formatSeconds(request.demandSeconds),
    formatSeconds(request.waitSeconds),
    formatSeconds(request.minResidenceSeconds),
    request.residenceSeconds === null ? { text: 'unbounded', tone: 'bad' } : formatSeconds(request.residenceSeconds),
    formatSeconds(request.p95Seconds),
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

const loadText = (breaking: Breaking | null, never: string): string => {
  if (breaking === null) return never
  if (breaking.ratePerSecond === 0) return 'without any load'
  const rate = formatRate(breaking.ratePerSecond)
  return breaking.users === null ? rate : `${rate}, ${formatNumber(Math.floor(breaking.users))} users`
}

const objectiveSection = (plan: CapacityPlan): readonly Section[] => {
  if (plan.objectives.length === 0) return []
  return [
    {
      title: 'Objectives, and the load at which each breaks',
      table: {
        columns: [
          left('request'),
          left('objective'),
          right('at most'),
          right('expected'),
          left(''),
          right('breaks at'),
        ],
        rows: plan.objectives.map(({ request, path, bound, predicted, holds, breaks }) => {
          const unit = unitOf(path)
          return [
            request,
            objectiveName(path),
            formatQuantity(bound, unit),
            formatQuantity(predicted, unit),
            holds === null ? '' : holds ? { text: 'holds', tone: 'good' } : { text: 'broken', tone: 'bad' },
            loadText(breaks, missing),
          ]
        }),
      },
    },
  ]
}

const triggerUnits = {
  cpu: 'ratio',
  memory: 'ratio',
  queueLength: 'count',
  queueLengthPerReplica: 'count',
  inFlight: 'count',
  ratePerReplica: 'per-second',
} as const satisfies Record<TriggerPlan['metric'], Unit>

const triggerSection = (plan: CapacityPlan): readonly Section[] => {
  if (plan.triggers.length === 0) return []
  return [
    {
      title: 'Scaling triggers',
      table: {
        columns: [left('component'), left('metric'), right('above'), right('at this load'), right('fires at')],
        rows: plan.triggers.map(({ component, metric, target, value, fires }) => [
          component,
          metric,
          formatQuantity(target, triggerUnits[metric]),
          formatQuantity(value, triggerUnits[metric]),
          loadText(fires, 'never'),
        ]),
      },
    },
  ]
}

/** Why a loss is not survived, in a few words; undefined: it is. */
const lossText = (loss: LossPlan): string | undefined => {
  if (loss.survives) return undefined
  if (loss.failing.length > 0) {
    const why = Object.entries(loss.gone).map(([component, reason]) => `${component} (${reason})`)
    return `${loss.failing.join(', ')} ${loss.failing.length === 1 ? 'fails' : 'fail'} without ${why.join(', ')}`
  }
  const [broken] = loss.broken
  if (broken === undefined)
    return `${loss.bottleneck ?? 'something'} carries ${formatRate(loss.maxThroughputPerSecond)}`
  const unit = unitOf(broken.path)
  const value = broken.predicted === null ? 'without bound' : formatQuantity(broken.predicted, unit)
  return `${broken.request} ${objectiveName(broken.path)} is ${value}, not ${formatQuantity(broken.bound, unit)}`
}

const lossSection = (plan: CapacityPlan): readonly Section[] => {
  if (plan.losses.length === 0) return []
  const reasons = groupBy(plan.losses, lossText)
  return [
    {
      title: 'With one of them lost',
      table: {
        columns: [left('lost'), left('policy'), left(''), right('carries'), right('headroom')],
        rows: plan.losses.map((loss) => [
          loss.id,
          loss.demanded ? 'survive' : '',
          loss.survives
            ? { text: 'survives', tone: 'good' }
            : { text: 'fails', tone: loss.demanded ? 'bad' : 'strong' },
          formatRate(loss.maxThroughputPerSecond),
          formatRatio(loss.headroomRatio),
        ]),
      },
      lines: [...reasons].flatMap(([why, losses]) =>
        why === undefined ? [] : [`· ${losses.map(({ id }) => id).join(', ')}: ${why}`],
      ),
    },
  ]
}

const memorySection = (plan: CapacityPlan): readonly Section[] => {
  const machines = Object.entries(plan.memory)
  const network = Object.entries(plan.network)
  return [
    ...(machines.length === 0
      ? []
      : [
          {
            title: 'Memory of machines',
            table: {
              columns: [
                left('machine'),
                left(''),
                right('on average'),
                right('at most'),
                right('of'),
                left('unsaid', true),
              ],
              rows: machines.map(([id, { memoryBytes, meanBytes, mostBytes, unknown }]): readonly Cell[] => [
                id,
                bar(mostBytes / memoryBytes),
                formatBytes(meanBytes),
                mostBytes > memoryBytes ? { text: formatBytes(mostBytes), tone: 'bad' } : formatBytes(mostBytes),
                formatBytes(memoryBytes),
                unknown.join(', '),
              ]),
            },
          },
        ]),
    ...(network.length === 0
      ? []
      : [
          {
            title: 'Network',
            table: {
              columns: [left('component'), right('received'), right('sent')],
              rows: network.map(([id, { receivedBytesPerSecond, sentBytesPerSecond }]) => [
                id,
                `${formatBytes(receivedBytesPerSecond)}/s`,
                `${formatBytes(sentBytesPerSecond)}/s`,
              ]),
            },
          },
        ]),
  ]
}

/** `1234.50 USD`. */
const money = (amount: number | null, currency: string): string =>
  amount === null ? missing : `${amount.toFixed(2)} ${currency}`

const costSection = ({ cost }: CapacityPlan): readonly Section[] => {
  const { currency, hosts } = cost
  if (cost.perMonth === 0) return []
  const rows: (readonly Cell[])[] = Object.entries(hosts).flatMap(([id, host]) => [
    [
      `host:${id}`,
      `${formatNumber(host.meanMachines)} × ${host.pricePerHour ?? '?'}/h${host.origin === 'list' ? ' (list)' : ''}`,
      money(host.machinesPerMonth, currency),
    ],
    ...(host.diskPerMonth > 0 ? [[`disks of ${id}`, '', money(host.diskPerMonth, currency)]] : []),
  ])
  if (cost.egressPerMonth > 0)
    rows.push(['egress', `${formatNumber(Math.round(cost.egressGiB))} GiB`, money(cost.egressPerMonth, currency)])
  if (cost.crossZonePerMonth > 0)
    rows.push([
      'between zones',
      `${formatNumber(Math.round(cost.crossZoneGiB))} GiB`,
      money(cost.crossZonePerMonth, currency),
    ])
  rows.push([{ text: 'per month', tone: 'strong' }, '', { text: money(cost.perMonth, currency), tone: 'strong' }])
  for (const [id, { perMonth, perMillion }] of Object.entries(cost.requests))
    rows.push([`of it ${id}`, `${money(perMillion, currency)} per million`, money(perMonth, currency)])
  const listed =
    cost.egressPerMonth > 0 ||
    Object.values(hosts).some(({ origin, diskPerMonth }) => origin === 'list' || diskPerMonth > 0)
  return [
    {
      title: 'Cost',
      table: { columns: [left('what'), left(''), right('per month')], rows },
      lines: [
        ...(cost.perMillionRequests === null
          ? []
          : [
              `${money(cost.perMillionRequests, currency)} per million requests, at ${formatRate(cost.meanRatePerSecond)} on average`,
            ]),
        ...(cost.unpriced.length === 0
          ? []
          : [{ text: `not in it, having no price: ${cost.unpriced.join(', ')}`, tone: 'dim' as const }]),
        ...(listed
          ? [
              {
                text: `what the file does not price: ${cost.prices.name}, ${cost.prices.date} (${cost.prices.source})`,
                tone: 'dim' as const,
              },
            ]
          : []),
      ],
    },
  ]
}

export const planDocument = (plan: CapacityPlan, headroom: number): Document => ({
  title: `${plan.topology.name}: ${traffic(plan)}`,
  sections: [
    { table: resourceTable(plan, headroom) },
    { table: requestTable(plan) },
    limitSection(plan),
    ...objectiveSection(plan),
    ...triggerSection(plan),
    ...lossSection(plan),
    ...memorySection(plan),
    ...costSection(plan),
    ...uncertaintySections(plan.uncertainty, { currency: plan.cost.currency, headroom }),
    findingSection(plan.findings),
  ],
})

/** `headroom`: the share of capacity that the policy wants free; what is above it is set off. */
export const renderPlan = (
  plan: CapacityPlan,
  options: { readonly columns: number; readonly paint: Paint; readonly headroom: number },
): string => renderText(planDocument(plan, options.headroom), options)
