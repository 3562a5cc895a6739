/** The text exposition format of Prometheus, version 0.0.4. */

export type Labels = Readonly<Record<string, string | number>>

export interface Sample {
  readonly labels?: Labels
  readonly value: number
}

export interface HistogramSample {
  readonly labels?: Labels
  /** Counts per bucket, not cumulative; one more than there are bounds. */
  readonly buckets: ArrayLike<number>
  readonly sum: number
}

export type Family =
  | {
      readonly name: string
      readonly type: 'counter' | 'gauge'
      readonly help: string
      readonly samples: readonly Sample[]
    }
  | {
      readonly name: string
      readonly type: 'histogram'
      readonly help: string
      readonly bounds: readonly number[]
      readonly samples: readonly HistogramSample[]
    }

export const contentType = 'text/plain; version=0.0.4; charset=utf-8'

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

const number = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)

const line = (name: string, labels: Labels, value: number): string => {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(String(text))}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${number(value)}`
}

const histogramLines = (name: string, bounds: readonly number[], sample: HistogramSample): readonly string[] => {
  const labels = sample.labels ?? {}
  let count = 0
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, i) => {
    count += sample.buckets[i] ?? 0
    return line(`${name}_bucket`, { ...labels, le: number(bound) }, count)
  })
  return [...buckets, line(`${name}_sum`, labels, sample.sum), line(`${name}_count`, labels, count)]
}

/** Families without samples are left out. */
export const exposition = (families: readonly Family[]): string => {
  const lines = families
    .filter((family) => family.samples.length > 0)
    .flatMap((family) => [
      `# HELP ${family.name} ${escapeHelp(family.help)}`,
      `# TYPE ${family.name} ${family.type}`,
      ...(family.type === 'histogram'
        ? family.samples.flatMap((sample) => histogramLines(family.name, family.bounds, sample))
        : family.samples.map((sample) => line(family.name, sample.labels ?? {}, sample.value))),
    ])
  return `${lines.join('\n')}\n`
}
