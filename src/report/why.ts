/** A percentile taken apart, as a waterfall: each part begins where the one before it ends. */
import type { Part, Why } from '../plan/why/types.js'
import type { Cause } from '../sim/without/causes.js'
import type { Document } from './document.js'
import { formatSeconds } from './quantity.js'

const labels: Readonly<Record<Cause, string>> = {
  cpu: 'waiting for CPU',
  pools: 'waiting for pools',
  misses: 'cache misses',
  retries: 'retries',
  locks: 'waiting for locks',
  network: 'network',
  tails: "dependencies' tails",
}

const measureNames = {
  mean: 'mean',
  p50: 'median',
  p90: '90th percentile',
  p95: '95th percentile',
  p99: '99th percentile',
}

const width = 30

/** From `start` to `end` on an axis from `low` to `high`; at least one character. */
const bar = (start: number, end: number, low: number, high: number): string => {
  const at = (value: number): number => (high > low ? Math.round(((value - low) / (high - low)) * width) : 0)
  const from = Math.min(at(start), at(end), width - 1)
  const length = Math.max(1, Math.abs(at(end) - at(start)))
  return `${' '.repeat(from)}${(end < start ? '░' : '█').repeat(length)}`.slice(0, width).padEnd(width)
}

/** So many decimals of a millisecond that the largest figure has four digits: rows add up as they are printed. */
const decimalsFor = (seconds: number): number =>
  Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(Math.max(seconds * 1e3, 1e-6)))))

export const whyDocument = (why: Why): Document => {
  const { value, work, causes, interaction } = why
  const all = [value, work, ...causes, interaction].map(({ seconds }) => Math.abs(seconds))
  const decimals = decimalsFor(Math.max(...all))
  const grid = 10 ** decimals
  const units = (seconds: number): number => Math.round(seconds * 1e3 * grid)
  const ordered = [...causes].sort((a, b) => b.seconds - a.seconds)
  const known: readonly (readonly [string, Part])[] = [
    ['work itself', work],
    ...ordered.map((part): readonly [string, Part] => [labels[part.cause], part]),
  ]
  const explained = known.reduce((sum, [, { seconds }]) => sum + units(seconds), 0)
  const rows = [
    ...known.map(([label, part]) => ({ label, part, units: units(part.seconds) })),
    // What rounding leaves is the interaction's, so that what is printed adds up.
    ...(causes.length > 1
      ? [{ label: 'interaction', part: interaction, units: units(value.seconds) - explained }]
      : []),
  ]
  let end = 0
  const ends = rows.map(({ units: count }) => {
    end += count
    return end
  })
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends, units(value.seconds))]
  const ms = (count: number, sign: boolean): string =>
    `${count < 0 ? '−' : sign && count > 0 ? '+' : ''}${(Math.abs(count) / grid).toFixed(decimals)}`
  const row = (label: string, part: Part, count: number, start: number, end: number, sign: boolean) => [
    label,
    ms(count, sign),
    `±${(part.halfWidthSeconds * 1e3).toFixed(decimals)}`,
    bar(start, end, low, high),
  ]
  const name = measureNames[why.measure]
  return {
    title: `${why.topology.name}: the ${name} of ${why.request}, ${formatSeconds(value.seconds)}, taken apart`,
    sections: [
      {
        table: {
          columns: [
            { name: 'cause', align: 'left' },
            { name: 'ms', align: 'right' },
            { name: '95 %', align: 'right' },
            { name: '', align: 'left', optional: true },
          ],
          rows: [
            ...rows.map(({ label, part, units: count }, index) =>
              row(label, part, count, ends[index - 1] ?? 0, ends[index] ?? 0, index > 0),
            ),
            row(name, value, units(value.seconds), 0, units(value.seconds), false),
          ],
        },
      },
      {
        lines: [
          `${why.samples} requests in ${why.replications} replications of ${formatSeconds(why.measuredSeconds / why.replications)}, seed ${why.seed}; ±: 95 % confidence`,
          'each cause: what goes when it alone goes, under the same random numbers; work itself: without any of them',
          ...(causes.length > 1
            ? ['interaction: what causes do together beyond what each does alone; below zero: either of two would do']
            : []),
          ...why.notes,
        ],
      },
    ],
  }
}
