/** What is drawn: rate, latency and errors of the selected class, utilization of the selected component or host. */
import { formatNumber, formatRatio, formatSeconds, missing } from '../report/quantity.js'
import { type ChartOptions, chartLines, type Sample } from './chart.js'
import { classIds, classPair, componentPair, type Frame, hostPair, type Resource, resources } from './frame.js'
import type { ClassMoment, Moment } from './moment.js'
import type { Prediction } from './prediction.js'

export type ChartName = 'rate' | 'latency' | 'errors' | 'cpu'

/** Where there is room for few, the one that the arrows move in is among them. */
export const chartNames = (count: number, focus: Frame['selection']['focus']): readonly ChartName[] => {
  if (count >= 4) return ['rate', 'latency', 'errors', 'cpu']
  if (count === 3) return ['rate', 'latency', 'cpu']
  return focus === 'requests' ? ['rate', 'latency'] : ['latency', 'cpu']
}

/** Seconds that are shown when the chart is zoomed. */
const zoomSeconds = 60

const span = ({ view, prediction, selection }: Frame): { readonly from: number; readonly to: number } => {
  const duration = view.started?.durationSeconds ?? prediction?.result.durationSeconds ?? 1
  const to = Math.max(duration, view.at)
  if (!selection.isZoomed || to <= zoomSeconds) return { from: 0, to }
  const end = Math.min(to, Math.max(zoomSeconds, view.at))
  return { from: end - zoomSeconds, to: end }
}

const samples = (moments: readonly Moment[], value: (moment: Moment) => number | null | undefined): readonly Sample[] =>
  moments.map((moment) => ({ from: moment.at - moment.seconds, to: moment.at, value: value(moment) ?? null }))

interface Drawn {
  readonly title: string
  readonly value: (moment: Moment) => number | null | undefined
  readonly fold: ChartOptions['fold']
  readonly format: ChartOptions['format']
  readonly ceiling?: number
  readonly mayBeLogarithmic?: boolean
  readonly tone: ChartOptions['tone']
}

const beside = (measured: string, predicted: string, prediction: Prediction | undefined): string =>
  prediction === undefined ? measured : `${measured} (pred. ${predicted})`

const rate = (perSecond: number | null | undefined): string =>
  perSecond === null || perSecond === undefined ? missing : `${formatNumber(Math.round(perSecond))}/s`

const ofClass = (frame: Frame, name: Exclude<ChartName, 'cpu'>): Drawn => {
  const ids = classIds(frame)
  const id = ids[Math.min(frame.selection.request, ids.length - 1)] ?? 'all'
  const { measured, predicted } = classPair(frame, id)
  const { prediction, selection } = frame
  const { percentile } = selection
  const of = (value: (moment: ClassMoment) => number | null) => (moment: Moment) => {
    const found = moment.classes[id]
    return found === undefined ? null : value(found)
  }
  if (name === 'rate')
    return {
      title: `${id} rate  ${beside(rate(measured?.ratePerSecond), rate(predicted?.ratePerSecond), prediction)}`,
      value: of(({ ratePerSecond }) => ratePerSecond),
      fold: 'mean',
      format: (value) => `${formatNumber(value)}/s`,
      tone: 'good',
    }
  if (name === 'errors')
    return {
      title: `${id} errors  ${beside(formatRatio(measured?.errors), formatRatio(predicted?.errors), prediction)}`,
      value: of(({ errors }) => errors),
      fold: 'max',
      format: formatRatio,
      ceiling: 0.01,
      tone: 'bad',
    }
  const now = beside(formatSeconds(measured?.[percentile]), formatSeconds(predicted?.[percentile]), prediction)
  return {
    title: `${id} ${percentile}  ${now}`,
    value: of((moment) => moment[percentile]),
    fold: 'max',
    format: formatSeconds,
    mayBeLogarithmic: true,
    tone: 'good',
  }
}

/** Of the generator itself nothing is drawn: its host is. */
const drawable = (all: readonly Resource[], selected: number): Resource | undefined => {
  const resource = all[Math.min(selected, all.length - 1)]
  return resource?.kind === 'generator' ? all.find(({ kind }) => kind === 'host') : resource
}

const ofResource = (frame: Frame): Drawn => {
  const resource = drawable(resources(frame), frame.selection.resource)
  const id = resource?.id ?? ''
  const isHost = resource?.kind === 'host'
  const { measured, predicted } = isHost ? hostPair(frame, id) : cpuPair(frame, id)
  return {
    title: `${isHost ? 'host ' : ''}${id} cpu  ${beside(formatRatio(measured), formatRatio(predicted), frame.prediction)}`,
    value: (moment) => (isHost ? moment.hosts[id] : moment.components[id]),
    fold: 'mean',
    format: formatRatio,
    ceiling: 1,
    tone: 'good',
  }
}

const cpuPair = (frame: Frame, id: string) => {
  const { measured, predicted } = componentPair(frame, id)
  return { measured: measured?.cpu, predicted: predicted?.cpu }
}

export const chartOf = (frame: Frame, name: ChartName, width: number, height: number): readonly string[] => {
  const { view, prediction, style } = frame
  const { title, value, fold, format, ceiling, mayBeLogarithmic, tone } =
    name === 'cpu' ? ofResource(frame) : ofClass(frame, name)
  const marks = view.faults.flatMap(({ injectedAt, undoneAt }) => [
    { at: injectedAt, isUndone: false },
    ...(undoneAt === undefined ? [] : [{ at: undoneAt, isUndone: true }]),
  ])
  return chartLines({
    title,
    measured: samples(view.moments, value),
    predicted: samples(prediction?.moments ?? [], value),
    fold,
    ...span(frame),
    ...(ceiling === undefined ? {} : { ceiling }),
    ...(mayBeLogarithmic === undefined ? {} : { mayBeLogarithmic }),
    format,
    marks,
    tone,
    width,
    height,
    style,
  })
}
