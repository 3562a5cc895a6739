/** Response against load: what was measured, on the band between what the two laws of demand predict. */
import { curveLines } from './curve.js'
import { formatRate, formatSeconds } from './quantity.js'

export interface PredictedResponse {
  readonly ratePerSecond: number
  /** p95 latency in seconds, by the power law and by a + b/λ; null: nothing was answered. */
  readonly p95Seconds: readonly [number | null, number | null]
}

export interface MeasuredResponse {
  readonly ratePerSecond: number
  readonly p95Seconds: number
}

export interface Response {
  readonly predicted: readonly PredictedResponse[]
  readonly measured: readonly MeasuredResponse[]
}

export interface ResponseFormat {
  readonly columns: number
  readonly ascii: boolean
}

/** Of an even band, its middle and half its width. */
const bandOf = ([a, b]: PredictedResponse['p95Seconds']): { y: number | null; halfWidth?: number } =>
  a === null || b === null ? { y: null } : { y: (a + b) / 2, halfWidth: Math.abs(a - b) / 2 }

export const responseLines = (
  { predicted, measured }: Response,
  { columns, ascii }: ResponseFormat,
): readonly string[] => {
  const ticks = predicted.map(({ ratePerSecond }) => ({ x: ratePerSecond, label: formatRate(ratePerSecond) }))
  return curveLines(
    [
      {
        mark: '',
        points: predicted.map(({ ratePerSecond, p95Seconds }) => ({ x: ratePerSecond, ...bandOf(p95Seconds) })),
      },
      { mark: 'x', onlyPoints: true, points: measured.map(({ ratePerSecond: x, p95Seconds: y }) => ({ x, y })) },
    ],
    {
      title: 'p95 latency against load: predicted (between the two laws of demand), measured (x)',
      xLabel: 'requests per second',
      formatY: formatSeconds,
      xTicks: ticks,
      columns,
      ascii,
    },
  )
}
