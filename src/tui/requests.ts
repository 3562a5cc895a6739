/** The classes of requests: rates, errors and latency, measured beside predicted. */
import { formatMilliseconds, formatNumber, missing } from '../report/quantity.js'
import { classIds, classPair, type Frame, spanText } from './frame.js'
import type { Size } from './layout.js'
import { type TableColumn, tableLines } from './table.js'

const right = (name: string, least: number, dispensable?: number): TableColumn => ({
  name,
  align: 'right',
  least,
  ...(dispensable === undefined ? {} : { dispensable }),
})

const percent = (ratio: number | null | undefined): string =>
  ratio === null || ratio === undefined ? missing : (ratio * 100).toFixed(ratio >= 0.9995 ? 0 : 1)

const rate = (perSecond: number | undefined): string =>
  perSecond === undefined ? missing : formatNumber(perSecond >= 100 ? Math.round(perSecond) : perSecond)

export const requestLines = (frame: Frame, { width, height }: Size): readonly string[] => {
  const { prediction, selection, style } = frame
  const predicted = (dispensable: number): readonly TableColumn[] =>
    prediction === undefined ? [] : [{ ...right('(pred.)', 7, dispensable), isBeside: true }]
  const columns: readonly TableColumn[] = [
    { name: spanText(frame), align: 'left' },
    right('rate/s', 6),
    ...predicted(2),
    right('err %', 5),
    ...predicted(6),
    right('p50 ms', 6),
    ...predicted(5),
    right('p95 ms', 6),
    ...predicted(1),
    right('p99 ms', 6),
    ...predicted(4),
    right('in flight', 9, 3),
  ]
  const ids = classIds(frame)
  const rows = ids.map((id) => {
    const { measured, predicted: model } = classPair(frame, id)
    const model_ = (text: string): readonly string[] => (prediction === undefined ? [] : [`(${text})`])
    return {
      tone: (measured?.errors ?? 0) > 0 ? ('bad' as const) : undefined,
      cells: [
        id,
        rate(measured?.ratePerSecond),
        ...model_(rate(model?.ratePerSecond)),
        percent(measured?.errors),
        ...model_(percent(model?.errors)),
        formatMilliseconds(measured?.p50),
        ...model_(formatMilliseconds(model?.p50)),
        formatMilliseconds(measured?.p95),
        ...model_(formatMilliseconds(model?.p95)),
        formatMilliseconds(measured?.p99),
        ...model_(formatMilliseconds(model?.p99)),
        formatNumber(measured?.inFlight),
      ],
    }
  })
  const selected = selection.focus === 'requests' ? Math.min(selection.request, ids.length - 1) : undefined
  return tableLines(columns, rows, { width, height, selected, style })
}
