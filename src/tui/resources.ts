/** Components, hosts and the load generator: utilization, queues, pools and hit ratios, measured beside predicted. */
import { formatNumber, formatRatio, formatSeconds, missing } from '../report/quantity.js'
import {
  componentPair,
  type Frame,
  hostPair,
  poolTimeouts,
  type Resource,
  replicasOf,
  resources,
  spanText,
} from './frame.js'
import type { Size } from './layout.js'
import type { ComponentStatistics } from './statistics.js'
import type { Glyphs } from './style.js'
import { type TableColumn, type TableRow, tableLines } from './table.js'

const barCells = 8

/** Busy for so much of the time that what comes beyond queues up. */
const saturatedFrom = 0.95

const right = (name: string, least: number, dispensable?: number): TableColumn => ({
  name,
  align: 'right',
  least,
  ...(dispensable === undefined ? {} : { dispensable }),
})

export const resourceLines = (frame: Frame, { width, height }: Size): readonly string[] => {
  const { prediction, selection, style } = frame
  const predicted = (dispensable: number): readonly TableColumn[] =>
    prediction === undefined ? [] : [{ ...right('(pred.)', 8, dispensable), isBeside: true }]
  const columns: readonly TableColumn[] = [
    { name: spanText(frame), align: 'left' },
    right('ready', 5),
    { name: '', align: 'left', least: barCells, dispensable: 3 },
    right('cpu', 6),
    ...predicted(1),
    right('queue', 5),
    ...predicted(5),
    right('hits', 6, 2),
    ...predicted(4),
    { name: 'pools: used + waiting', align: 'left', least: 21, takesRest: true },
  ]
  const all = resources(frame)
  const rows = all.map((resource) => rowOf(frame, resource))
  const selected = selection.focus === 'resources' ? Math.min(selection.resource, all.length - 1) : undefined
  return tableLines(columns, rows, { width, height, selected, style })
}

const gauge = (share: number | null | undefined, { full, empty }: Glyphs): string => {
  if (share === null || share === undefined) return ''
  const done = Math.round(Math.max(0, Math.min(1, share)) * barCells)
  return full.repeat(done) + empty.repeat(barCells - done)
}

const rowOf = (frame: Frame, resource: Resource): TableRow => {
  const { prediction, style } = frame
  const model = (text: string): readonly string[] => (prediction === undefined ? [] : [`(${text})`])
  const none = prediction === undefined ? [] : ['']
  if (resource.kind === 'component') {
    const { measured, predicted } = componentPair(frame, resource.id)
    const { ready, all } = replicasOf(frame, resource.id)
    const isBad = ready < all || (measured?.cpu ?? 0) >= saturatedFrom
    const hits = measured?.hitRatio === null || measured === undefined
    return {
      tone: isBad ? 'bad' : undefined,
      cells: [
        resource.id,
        `${ready}/${all}`,
        gauge(measured?.cpu, style.glyphs),
        formatRatio(measured?.cpu),
        ...model(formatRatio(predicted?.cpu)),
        formatNumber(measured?.queue),
        ...model(formatNumber(predicted?.queue)),
        hits ? '' : formatRatio(measured.hitRatio),
        ...(hits ? none : model(formatRatio(predicted?.hitRatio))),
        measured === undefined ? '' : heldShort(frame, resource.id, measured),
      ],
    }
  }
  if (resource.kind === 'host') {
    const { measured, predicted } = hostPair(frame, resource.id)
    return {
      tone: (measured ?? 0) >= saturatedFrom ? 'bad' : undefined,
      cells: [
        `host ${resource.id}`,
        '',
        gauge(measured, style.glyphs),
        formatRatio(measured),
        ...model(formatRatio(predicted)),
        ...['', ...none, '', ...none],
        coresText(frame, resource.id),
      ],
    }
  }
  const between = Array.from({ length: 5 + 3 * none.length }, () => '')
  return {
    tone: generatorIsBad(frame) ? 'bad' : undefined,
    cells: ['load generator', ...between, generatorText(frame)],
  }
}

/** As short as a row needs it. */
const heldShort = (frame: Frame, component: string, { pools, queues }: ComponentStatistics): string =>
  [
    ...Object.entries(pools).map(([id, { inUse, waiting }]) => {
      const timeouts = poolTimeouts(frame, component, id)
      const late = timeouts === 0 ? '' : ` (${formatNumber(timeouts)} timed out)`
      return `${id} ${whole(inUse)}+${whole(waiting)}${late}`
    }),
    ...Object.entries(queues).map(([id, { length }]) => `${id} ${whole(length)} queued`),
  ].join(', ')

/** One decimal below ten tells more than there is to know. */
const whole = (count: number): string => (count >= 10 ? String(Math.round(count)) : count.toFixed(1))

const heldText = (frame: Frame, component: string, { pools, queues }: ComponentStatistics): string =>
  [
    ...Object.entries(pools).map(([id, { inUse, waiting }]) => {
      const timeouts = poolTimeouts(frame, component, id)
      return `pool ${id}: ${formatNumber(inUse)} in use, ${formatNumber(waiting)} waiting, ${formatNumber(timeouts)} timed out`
    }),
    ...Object.entries(queues).map(([id, { length, published, acked, rejected, lost }]) => {
      const counts = { published, acknowledged: acked, rejected, lost }
      const told = Object.entries(counts).map(([what, count]) => `${formatNumber(count)} ${what}`)
      return `${id}: ${formatNumber(length)} queued, ${told.join(', ')}`
    }),
  ].join('; ')

const coresText = ({ view }: Frame, host: string): string => {
  const cores = view.started?.placement.hosts[host]?.cpu
  return cores === undefined ? '' : `${formatNumber(cores)} ${cores === 1 ? 'core' : 'cores'}`
}

/** Sent so late that what is measured is not what was meant. */
const lateSeconds = 0.05

const generatorIsBad = ({ view }: Frame): boolean =>
  view.recent.some(({ generator }) => generator.unsent > 0 || generator.lagMaxSeconds >= lateSeconds)

const generatorText = ({ view }: Frame): string => {
  const unsent = view.recent.reduce((sum, { generator }) => sum + generator.unsent, 0)
  const lag = Math.max(0, ...view.recent.map(({ generator }) => generator.lagMaxSeconds))
  const cores = view.recent.at(-1)?.generator.cpu ?? 0
  return `${formatNumber(cores)} cores, at most ${formatSeconds(lag)} late, ${unsent} unsent`
}

/** Everything about the selected one, which a row may have no room for. */
export const resourceDetail = (frame: Frame): string => {
  const all = resources(frame)
  const resource = all[Math.min(frame.selection.resource, all.length - 1)]
  if (resource === undefined) return missing
  if (resource.kind === 'generator') return `load generator: ${generatorText(frame)}`
  if (resource.kind === 'host') {
    const placed = Object.entries(frame.view.started?.placement.instances ?? {})
    const there = placed.filter(([, { host }]) => host === resource.id).map(([id]) => id)
    return `host ${resource.id}: ${coresText(frame, resource.id)}, shared by ${there.join(', ')}`
  }
  const { measured } = componentPair(frame, resource.id)
  const gone = [...frame.view.states]
    .filter(([instance]) => instance.startsWith(`${resource.id}/`))
    .map(([instance, state]) => `${instance} is ${state}`)
  const memory = measured?.memoryBytes
  const parts = [
    ...gone,
    ...(memory === null || memory === undefined || memory === 0 ? [] : [`${Math.round(memory / 1024 ** 2)} MiB`]),
    ...(measured === undefined ? [] : [heldText(frame, resource.id, measured)]),
  ].filter((part) => part !== '')
  return `${resource.id}: ${parts.length === 0 ? 'all instances are ready' : parts.join('; ')}`
}
