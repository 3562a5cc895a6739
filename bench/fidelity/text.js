// The evaluation as a table for a terminal and for docs/measurements/fidelity.md.
import { unitOf } from './evaluate.js'

const number = (value, unit) =>
  unit === 'ms'
    ? `${(value * 1e3).toFixed(2)} ms`
    : unit === '%'
      ? `${(value * 100).toFixed(1)} %`
      : `${value.toFixed(0)}${unit}`
const errorOf = (value, unit) => `${value > 0 ? '+' : ''}${(value * 100).toFixed(1)} ${unit === '%' ? 'points' : '%'}`

export const tableOf = ({ rows }) => {
  const lines = [
    '| load | quantity | predicted | measured (± half range) | error, median | by session | bound | |',
    '|---|---|---|---|---|---|---|---|',
  ]
  for (const { point, quantity, predicted, measured, spread, error, errors, bound, holds } of rows) {
    const unit = unitOf(quantity)
    lines.push(
      `| ${point} | ${quantity === 'host' ? 'host utilization' : quantity} | ${number(predicted, unit)} | ${number(measured, unit)} ± ${number(spread, unit)} | ${errorOf(error, unit)} | ${errors.map((one) => errorOf(one, unit)).join(', ')} | ±${(bound * 100).toFixed(0)} ${unit === '%' ? 'points' : '%'} | ${holds ? 'holds' : '**misses**'} |`,
    )
  }
  return lines
}
