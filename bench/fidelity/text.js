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

const microseconds = (seconds) => `${seconds > 0 ? '+' : ''}${(seconds * 1e6).toFixed(0)} µs`

/** Less than this per request is the noise of what chance drew. */
const noticeable = 10e-6

/** One line for each load of which something misses: what the model believes too much or too little of, largest first. */
export const causesOf = ({ rows }) => {
  const missed = [...new Set(rows.filter(({ holds }) => !holds).map(({ point }) => point))]
  return missed.map((name) => {
    const { costs } = rows.find(({ point, holds }) => point === name && !holds)
    const wrong = Object.entries(costs)
      .filter(([, seconds]) => Math.abs(seconds) >= noticeable)
      .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
    const what = rows.filter(({ point, holds }) => point === name && !holds).map(({ quantity }) => quantity)
    const why =
      wrong.length === 0
        ? 'CPU per request agrees, so the model lacks a delay that burns no CPU'
        : `CPU per request, predicted less measured: ${wrong.map(([id, seconds]) => `${id} ${microseconds(seconds)}`).join(', ')}`
    return `- ${name} (${what.join(', ')}): ${why}.`
  })
}
