/**
 * A strict reader of the Prometheus text format 0.0.4, written from its documentation ("Exposition formats") and not
 * from our writer; refuses what `promtool check metrics` calls an error.
 */
export interface Parsed {
  readonly labels: Record<string, string>
  readonly value: number
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*/
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*/
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

const parseLabels = (text: string): { labels: Record<string, string>; rest: string } => {
  const labels: Record<string, string> = {}
  let rest = text.slice(1)
  while (!rest.startsWith('}')) {
    const name = labelName.exec(rest)?.[0]
    if (name === undefined || name in labels) throw new Error(`bad label name at: ${rest}`)
    const value = /^="((?:[^"\\\n]|\\["\\n])*)"/.exec(rest.slice(name.length))
    if (value === null) throw new Error(`bad label value at: ${rest}`)
    labels[name] = (value[1] ?? '').replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
    rest = rest.slice(name.length + value[0].length)
    if (rest.startsWith(',')) rest = rest.slice(1)
    else if (!rest.startsWith('}')) throw new Error(`bad labels at: ${rest}`)
  }
  return { labels, rest: rest.slice(1) }
}

const parseValue = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  if (text === 'NaN') return Number.NaN
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`bad value: ${text}`)
  return Number(text)
}

const checkHistogram = (name: string, samples: ReadonlyMap<string, readonly Parsed[]>): void => {
  const groups = new Map<string, Parsed[]>()
  for (const bucket of samples.get(`${name}_bucket`) ?? []) {
    const { le, ...others } = bucket.labels
    if (le === undefined) throw new Error(`${name}_bucket without le`)
    const key = JSON.stringify(others)
    groups.set(key, [...(groups.get(key) ?? []), bucket])
  }
  for (const [key, buckets] of groups) {
    const find = (suffix: string): number | undefined =>
      samples.get(`${name}_${suffix}`)?.find(({ labels }) => JSON.stringify(labels) === key)?.value
    let before = 0
    let bound = Number.NEGATIVE_INFINITY
    for (const { labels, value } of buckets) {
      const le = parseValue(labels.le ?? '')
      if (value < before || le <= bound) throw new Error(`${name}: buckets are not cumulative`)
      before = value
      bound = le
    }
    if (bound !== Number.POSITIVE_INFINITY || find('count') !== before || find('sum') === undefined)
      throw new Error(`${name}${key}: +Inf, _count and _sum do not fit together`)
  }
}

export const parseExposition = (text: string): ReadonlyMap<string, readonly Parsed[]> => {
  if (!text.endsWith('\n')) throw new Error('the last line has no end of line')
  const samples = new Map<string, Parsed[]>()
  const typeOf = new Map<string, string>()
  const seen = new Set<string>()
  let family = ''
  const done = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '' || (line.startsWith('#') && !/^# (HELP|TYPE) /.test(line))) continue
    if (line.startsWith('#')) {
      const [, keyword, name = '', ...rest] = line.split(' ')
      if (metricName.exec(name)?.[0] !== name) throw new Error(`bad metric name: ${line}`)
      if (keyword === 'TYPE') {
        if (typeOf.has(name) || samples.has(name)) throw new Error(`TYPE after a sample or a TYPE: ${line}`)
        if (!types.includes(rest.join(' '))) throw new Error(`bad type: ${line}`)
        typeOf.set(name, rest.join(' '))
      }
      if (name !== family && done.has(name)) throw new Error(`${name} is split`)
      done.add(family)
      family = name
      continue
    }
    const name = metricName.exec(line)?.[0]
    if (name === undefined) throw new Error(`bad line: ${line}`)
    const { labels, rest } =
      line[name.length] === '{' ? parseLabels(line.slice(name.length)) : { labels: {}, rest: line.slice(name.length) }
    if (!/^ \S+( -?\d+)?$/.test(rest)) throw new Error(`bad sample: ${line}`)
    const value = parseValue(rest.trim().split(' ')[0] ?? '')
    const series = `${name}${JSON.stringify(Object.entries(labels).sort())}`
    if (seen.has(series)) throw new Error(`${series} twice`)
    seen.add(series)
    samples.set(name, [...(samples.get(name) ?? []), { labels, value }])
  }
  for (const [name, type] of typeOf) {
    if (type === 'histogram') checkHistogram(name, samples)
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`counter ${name} does not end in _total`)
  }
  return samples
}
