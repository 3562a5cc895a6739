/** One run for a reader: who waited how long, what was busy, what broke and how it mended, what held. */
import type { Judgement, RunResult } from '../result/run-result.js'
import { contentionSections } from './contention.js'
import {
  type Cell,
  type Column,
  type Document,
  renderMarkdown,
  renderText,
  type Section,
  type Table,
  type Tone,
} from './document.js'
import { paintFor } from './paint.js'
import {
  formatMilliseconds,
  formatNumber,
  formatQuantity,
  formatRatio,
  formatSeconds,
  missing,
  unitOf,
} from './quantity.js'
import { scalingSections } from './scaling.js'
import { replicationsText, statisticsLines } from './statistics.js'

const right = (name: string, optional = false) => ({ name, align: 'right', optional }) as const
const left = (name: string, optional = false) => ({ name, align: 'left', optional }) as const

const warned = (text: string, when: boolean): Cell => (when ? { text, tone: 'bad' } : text)

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** `all` first, then the classes in the order of the result. */
const classIds = (result: RunResult): readonly string[] => [
  ...Object.keys(result.requests).filter((id) => id === 'all'),
  ...Object.keys(result.requests).filter((id) => id !== 'all'),
]

type HalfWidths = Readonly<Record<string, number>> | undefined

/** A column for half-widths beside the one before it; none where no row has any. */
const beside = (any: boolean, optional = false): Column[] => (any ? [right('±', optional)] : [])

const halfWidth = (
  any: boolean,
  of: HalfWidths,
  path: string,
  format: (value: number | undefined) => string,
): Cell[] => (any ? [{ text: format(of?.[path]), tone: 'dim' }] : [])

const requestTable = (result: RunResult): Table => {
  const any = Object.values(result.requests).some((requests) => requests.halfWidth !== undefined)
  // Intervals take the room of a column that is empty.
  const degrades = !any || Object.values(result.requests).some(({ degraded }) => degraded > 0)
  return {
    columns: [
      left('class'),
      right('offered'),
      right('ok', true),
      right('errors'),
      ...(degrades ? [right('degraded')] : []),
      right('rate/s'),
      ...beside(any),
      ...(any ? [right('mean', true), right('±', true)] : []),
      right('p50', any),
      right('p95'),
      ...beside(any),
      right('p99'),
      ...beside(any, true),
      right('max', true),
    ],
    rows: classIds(result).flatMap((id) => {
      const requests = result.requests[id]
      if (requests === undefined) return []
      const { latency } = requests
      const errors = sum(requests.errors)
      const width = (path: string, format = formatMilliseconds): Cell[] =>
        halfWidth(any, requests.halfWidth, path, format)
      return [
        [
          id,
          String(requests.offered),
          String(requests.ok),
          warned(String(errors), errors > 0),
          ...(degrades ? [warned(String(requests.degraded), requests.degraded > 0)] : []),
          requests.ratePerSecond.toFixed(1),
          ...width('ratePerSecond', (value) => value?.toFixed(1) ?? missing),
          ...(any ? [formatMilliseconds(latency?.mean), ...width('latency.mean')] : []),
          formatMilliseconds(latency?.p50),
          formatMilliseconds(latency?.p95),
          ...width('latency.p95'),
          formatMilliseconds(latency?.p99),
          ...width('latency.p99'),
          formatMilliseconds(latency?.max),
        ],
      ]
    }),
  }
}

const errorLines = (result: RunResult): string[] =>
  Object.entries(result.requests)
    .filter(([id, requests]) => id !== 'all' && sum(requests.errors) > 0)
    .map(([id, requests]) => {
      const codes = Object.entries(requests.errors)
        .sort(([, a], [, b]) => b - a)
        .map(([code, count]) => `${code} × ${count}`)
      return `errors of ${id}: ${codes.join(', ')}`
    })

/** Busy for so much of the time that what is offered beyond queues up. */
const saturatedFrom = 0.95

/** Requests that are neither successes nor errors are easily overlooked; they are what overload looks like without timeouts. */
const unansweredLines = ({ requests, components }: RunResult): Cell[] => {
  const { offered, completed } = requests.all ?? { offered: 0, completed: 0 }
  const unanswered = offered - completed
  if (unanswered <= 0) return []
  const saturated = Object.entries(components).filter(([, { utilization }]) => utilization.cpu >= saturatedFrom)
  const why = saturated.map(([id, { utilization }]) => `${id} was saturated (cpu ${formatRatio(utilization.cpu)})`)
  return [
    {
      text: [`${unanswered} of ${offered} requests had no answer when the run ended`, ...why].join('; '),
      tone: 'bad',
    },
  ]
}

const componentTable = (result: RunResult): Table => {
  const any = Object.values(result.components).some((component) => component.halfWidth !== undefined)
  return {
    columns: [
      left('component'),
      right('replicas'),
      right('cpu'),
      ...beside(any),
      right('visits/s'),
      right('hit ratio'),
      right('queue mean', true),
      ...beside(any, true),
      right('max', true),
    ],
    rows: Object.entries(result.components).map(([id, component]) => [
      id,
      String(component.replicas),
      warned(formatRatio(component.utilization.cpu), component.utilization.cpu >= 0.8),
      ...halfWidth(any, component.halfWidth, 'utilization.cpu', formatRatio),
      component.throughputPerSecond.toFixed(1),
      formatRatio(component.hitRatio),
      formatNumber(component.queue.mean),
      ...halfWidth(any, component.halfWidth, 'queue.mean', formatNumber),
      formatNumber(component.queue.max),
    ]),
  }
}

const hostLines = (result: RunResult): string[] =>
  Object.entries(result.hosts).map(([id, host]) => {
    const cores = result.placement.hosts[id]?.cpu
    return `host ${id}${cores === undefined ? '' : ` (${cores} ${cores === 1 ? 'core' : 'cores'})`}: cpu ${formatRatio(host.utilization.cpu)}${
      host.halfWidth?.['utilization.cpu'] === undefined ? '' : ` ± ${formatRatio(host.halfWidth['utilization.cpu'])}`
    }`
  })

const poolSections = (result: RunResult): Section[] => {
  const components = Object.entries(result.components)
  const any = components.some(([, { halfWidth: of }]) =>
    Object.keys(of ?? {}).some((path) => path.startsWith('pools.')),
  )
  const rows = components.flatMap(([id, component]) =>
    Object.entries(component.pools).map(([pool, { inUse, waiting, timeouts }]) => [
      `${id}.${pool}`,
      formatNumber(inUse),
      ...halfWidth(any, component.halfWidth, `pools.${pool}.inUse`, formatNumber),
      formatNumber(waiting),
      ...halfWidth(any, component.halfWidth, `pools.${pool}.waiting`, formatNumber),
      warned(formatNumber(timeouts), timeouts > 0),
    ]),
  )
  if (rows.length === 0) return []
  return [
    {
      title: 'pools (means of connections and of requests waiting for one)',
      table: {
        columns: [
          left('pool'),
          right('in use'),
          ...beside(any, true),
          right('waiting'),
          ...beside(any, true),
          right('timeouts'),
        ],
        rows,
      },
    },
  ]
}

const queueSections = (result: RunResult): Section[] => {
  const any = Object.values(result.components).some(({ halfWidth: of }) =>
    Object.keys(of ?? {}).some((path) => path.startsWith('queues.')),
  )
  const rows = Object.entries(result.components).flatMap(([id, component]) =>
    Object.entries(component.queues ?? {}).map(([queue, of]) => [
      `${id}.${queue}`,
      formatNumber(of.length.mean),
      ...halfWidth(any, component.halfWidth, `queues.${queue}.length.mean`, formatNumber),
      formatNumber(of.length.max),
      String(of.published + of.received),
      warned(String(of.rejected), of.rejected > 0),
      String(of.acked),
      warned(String(of.redelivered), of.redelivered > 0),
      warned(String(of.deadLettered), of.deadLettered > 0),
      warned(String(of.lost), of.lost > 0),
    ]),
  )
  if (rows.length === 0) return []
  return [
    {
      title: 'queues (messages that wait; of topics the lag)',
      table: {
        columns: [
          left('queue'),
          right('mean'),
          ...beside(any, true),
          right('max'),
          right('in'),
          right('refused'),
          right('acked'),
          right('redelivered', true),
          right('dead letters', true),
          right('lost'),
        ],
        rows,
      },
    },
    ...workSections(result),
  ]
}

/** How long messages waited, and how long it took until the work behind a queue was done. */
const workSections = (result: RunResult): Section[] => {
  const ids = classIds(result).filter((id) => result.requests[id]?.completion !== undefined)
  if (ids.length === 0) return []
  const paths = ['queueDelay.p95', 'completion.p95']
  const any = ids.some((id) => paths.some((path) => result.requests[id]?.halfWidth?.[path] !== undefined))
  return [
    {
      title: 'work behind queues (from publishing until taken; from the intended start until done)',
      table: {
        columns: [
          left('class'),
          right('delay p50'),
          right('p95'),
          ...beside(any, true),
          right('done p50'),
          right('p95'),
          ...beside(any, true),
          right('max', true),
        ],
        rows: ids.map((id) => {
          const { queueDelay, completion, halfWidth: of } = result.requests[id] ?? {}
          return [
            id,
            formatSeconds(queueDelay?.p50),
            formatSeconds(queueDelay?.p95),
            ...halfWidth(any, of, 'queueDelay.p95', formatSeconds),
            formatSeconds(completion?.p50),
            formatSeconds(completion?.p95),
            ...halfWidth(any, of, 'completion.p95', formatSeconds),
            formatSeconds(completion?.max),
          ]
        }),
      },
    },
  ]
}

const faultSections = (result: RunResult): Section[] => {
  if (result.faults.length === 0) return []
  return [
    {
      title: 'faults (times after the injection)',
      table: {
        columns: [
          left('fault'),
          right('at'),
          right('in flight'),
          right('failed'),
          right('detected'),
          right('whole again'),
          right('outage'),
        ],
        rows: result.faults.map((fault) => [
          `${fault.kind} ${fault.target}`,
          fault.injectedAt === null ? missing : `${fault.injectedAt.toFixed(1)} s`,
          String(fault.inFlightAtInjection),
          warned(String(fault.failedRequests), fault.failedRequests > fault.inFlightAtInjection),
          formatSeconds(fault.detectionSeconds),
          fault.recoverySeconds === null ? { text: 'never', tone: 'bad' } : formatSeconds(fault.recoverySeconds),
          formatSeconds(fault.outageSeconds),
        ]),
      },
    },
  ]
}

const verdictTone = { pass: 'good', fail: 'bad', invalid: 'dim' } satisfies Record<Judgement['verdict'], Tone>

const verdictSections = (result: RunResult): Section[] => {
  const groups = [
    ['steady state', result.steadyState],
    ['objective', result.slo],
    ['invariant', result.invariants],
  ] as const
  const rows = groups.flatMap(([what, judgements]) =>
    judgements.map((judgement): Cell[] => [
      { text: judgement.verdict, tone: verdictTone[judgement.verdict] },
      what,
      judgement.name,
      formatQuantity(judgement.observed, unitOf(judgement.name)),
    ]),
  )
  if (rows.length === 0) return []
  const reasons = groups.flatMap(([, judgements]) =>
    // Also of what passed: how much of its tolerance it took.
    judgements.flatMap(({ name, why }) => (why === undefined ? [] : [`${name}: ${why}`])),
  )
  return [
    {
      title: 'what had to hold',
      table: { columns: [left('verdict'), left('kind'), left('condition'), right('observed')], rows },
      lines: reasons,
    },
  ]
}

const generatorLine = ({ generator }: RunResult): Cell => {
  const text = `load generator: lag p50 ${formatSeconds(generator.lag.p50)}, p99 ${formatSeconds(generator.lag.p99)}, max ${formatSeconds(generator.lag.max)}; unsent ${generator.unsent}; ${formatNumber(generator.cpu)} cores, busy ${formatRatio(generator.busy)}`
  return warned(text, generator.busy >= 0.8 || generator.unsent > 0)
}

const where = { sim: 'in the simulator', stack: 'on the stack' } satisfies Record<RunResult['engine'], string>

export const resultDocument = (result: RunResult): Document => {
  const replications = replicationsText(result)
  const warmup = result.warmupSeconds > 0 ? `, counted after ${formatSeconds(result.warmupSeconds)} of warm-up` : ''
  return {
    title: `${result.experiment.name} of ${result.topology.name} ${where[result.engine]}: ${result.status}, ${formatSeconds(result.durationSeconds)}${warmup}${replications === '' ? '' : `, ${replications}`}, seed ${result.seed}`,
    sections: [
      {
        title: 'requests (latency in ms, from the intended start)',
        table: requestTable(result),
        lines: [...errorLines(result), ...unansweredLines(result), ...statisticsLines(result)],
      },
      {
        title: 'components',
        table: componentTable(result),
        lines: [...hostLines(result), ...(result.engine === 'stack' ? [generatorLine(result)] : [])],
      },
      ...poolSections(result),
      ...scalingSections(result),
      ...queueSections(result),
      ...contentionSections(result),
      ...faultSections(result),
      ...verdictSections(result),
    ],
  }
}

export interface FormatOptions {
  readonly columns: number
  readonly color: boolean
}

export const formatResult = (result: RunResult, { columns, color }: FormatOptions): string =>
  renderText(resultDocument(result), { columns, paint: paintFor(color) })

export const resultMarkdown = (result: RunResult): string => renderMarkdown(resultDocument(result))
