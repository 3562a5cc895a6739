/** Throughput and response times of the classes. */
import type { RunResult } from '../../../result/run-result.js'
import { momentsOf } from '../network/timing.js'
import type { Judged } from './judge.js'
import { mixtureQuantile, responseTail } from './quantiles.js'
import { type Context, law, type Row, together, widthOf } from './rows.js'

const percentiles = { 'latency.p95': 0.95, 'latency.p99': 0.99 } as const

const latencyOf = (of: RunResult['requests'][string] | undefined, path: string): number | null =>
  of?.latency?.[path.slice('latency.'.length) as 'mean' | 'p50' | 'p95' | 'p99'] ?? null

export const requestRows = ({ result, topology, solved, judgements }: Context): readonly Row[] => {
  const { timing, table } = solved.point
  const throughput = table.throughputPerSecond
  const closed = table.traffic === 'closed'
  const classes = solved.classes
    .filter(({ perRequest }) => perRequest > 0)
    .map(({ id, tree, perRequest }) => {
      const moments = momentsOf(tree, timing)
      return { id, tree, perRequest, moments, response: responseTail(topology, solved, judgements, tree, moments) }
    })
  const inAll = classes.filter(({ id }) => topology.requests[id]?.derivedFrom === undefined)
  const { all } = result.requests
  const row = (
    subject: string,
    quantity: string,
    unit: Row['unit'],
    theory: number,
    simulated: number | null,
    judged: Judged,
  ): Row => ({
    kind: 'request',
    subject,
    quantity,
    unit,
    theory,
    simulated,
    halfWidth: widthOf(result.requests[subject], quantity),
    judged,
  })
  const rateJudged = closed ? together(classes.map(({ id }) => judgements.request(id))) : law('flow balance')
  const rows: Row[] = [row('all', 'ratePerSecond', 'per-second', throughput, all?.ratePerSecond ?? null, rateJudged)]
  if (inAll.length > 1) {
    const total = inAll.reduce((sum, { perRequest }) => sum + perRequest, 0)
    const parts = inAll.map(({ perRequest, moments, response }) => ({
      weight: perRequest / total,
      mean: moments.mean,
      tail: response.tail,
    }))
    const mean = parts.reduce((sum, part) => sum + part.weight * part.mean, 0)
    const judged = together(inAll.map(({ id }) => judgements.request(id)))
    rows.push(row('all', 'latency.mean', 'seconds', mean, latencyOf(all, 'latency.mean'), judged))
    for (const [path, p] of Object.entries(percentiles))
      rows.push(
        row(
          'all',
          path,
          'seconds',
          mixtureQuantile(parts, p),
          latencyOf(all, path),
          together(inAll.map(({ response }) => response.judged)),
        ),
      )
  }
  for (const { id, tree, moments, response } of classes) {
    const found = result.requests[id]
    if (found?.completion !== undefined && found.completion !== null)
      rows.push(
        row(id, 'completion.mean', 'seconds', momentsOf(tree, timing, true).mean, found.completion.mean, {
          formula: 'decomposition',
          why: 'work behind a queue',
        }),
      )
    rows.push(
      row(id, 'latency.mean', 'seconds', moments.mean, latencyOf(found, 'latency.mean'), judgements.request(id)),
    )
    for (const [path, p] of Object.entries(percentiles))
      rows.push(
        row(
          id,
          path,
          'seconds',
          mixtureQuantile([{ weight: 1, mean: moments.mean, tail: response.tail }], p),
          latencyOf(found, path),
          response.judged,
        ),
      )
  }
  return rows
}
