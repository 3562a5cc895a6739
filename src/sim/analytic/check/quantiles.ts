/** Quantiles of a class's response time: known exactly for one M/M/c by itself, else of a gamma distribution with its mean and variance. */

import type { Topology } from '../../../topology/types.js'
import { fittedTail, type Moments } from '../gamma.js'
import { mmc, type Station } from '../mmc.js'
import type { Node } from '../network/flow-tree.js'
import type { Solved } from '../network/solve.js'
import { placeOf, stationId } from '../network/stations.js'
import { alone, momentsOf } from '../network/timing.js'
import { quantileOf } from '../quantile.js'
import type { Judged, Judgements } from './judge.js'

export interface ResponseTail {
  /** P(T > t) */
  readonly tail: (t: number) => number
  readonly judged: Judged
}

/** The only thing that takes time, and the holders around it; undefined: there are several, or none. */
const onlyWork = (node: Node, isWork: (work: Extract<Node, { kind: 'work' }>) => boolean) => {
  const found: { work: Extract<Node, { kind: 'work' }>; holders: Extract<Node, { kind: 'hold' | 'serve' }>[] }[] = []
  let plain = true
  const walk = (at: Node, holders: Extract<Node, { kind: 'hold' | 'serve' }>[]): void => {
    if (at.kind === 'work') {
      if (isWork(at)) found.push({ work: at, holders })
    } else if (at.kind === 'series') for (const part of at.parts) walk(part, holders)
    else if (at.kind === 'choice') {
      const parts = at.parts.filter(({ weight }) => weight > 0)
      if (parts.length > 1) plain = false
      for (const { body } of parts) walk(body, holders)
    } else if (at.kind === 'hold' || at.kind === 'serve') walk(at.body, [...holders, at])
    else if (at.kind !== 'message' && at.kind !== 'later') plain = false
  }
  walk(node, [])
  return plain && found.length === 1 ? found[0] : undefined
}

/** P(T > t) of M/M/c, response: see `mmcResponseQuantile`. */
const mmcTail = (station: Station): ((t: number) => number) => {
  const { arrivalRatePerSecond, serviceSeconds, servers } = station
  const { waitProbability } = mmc(station)
  const spare = servers - 1 - arrivalRatePerSecond * serviceSeconds
  return (t) => {
    const x = t / serviceSeconds
    const factor = Math.abs(spare) < 1e-9 ? x : -Math.expm1(-x * spare) / spare
    return Math.exp(-x) * (1 + waitProbability * factor)
  }
}

export const responseTail = (
  topology: Topology,
  solved: Solved,
  judgements: Judgements,
  tree: Node,
  moments: Moments,
): ResponseTail => {
  const exact = topology.traffic?.mode === 'open' ? singleStation(topology, solved, judgements, tree) : undefined
  if (exact !== undefined) return { tail: mmcTail(exact.station), judged: { formula: exact.formula, why: undefined } }
  return {
    tail: (t) => fittedTail(moments, t),
    judged: { formula: 'gamma', why: 'a gamma distribution of the same mean and variance' },
  }
}

const singleStation = (topology: Topology, solved: Solved, judgements: Judgements, tree: Node) => {
  const { timing, network, table } = solved.point
  const only = onlyWork(tree, (work) => timing.price(work).cpuSeconds > 0 || timing.price(work).waitSeconds > 0)
  if (only === undefined) return undefined
  const { work, holders } = only
  const price = timing.price(work)
  const waited = holders.filter((node) => (timing.held(node)?.waitProbability ?? 0) > 1e-6)
  if (price.cpuSeconds > 0 && price.waitSeconds === 0 && waited.length === 0) {
    const id = stationId(placeOf(topology, work.at))
    const judged = judgements.station(id)
    const site = network.site(id)
    const demand = network.demands.get(id)
    if (site?.loopsEach === undefined || demand === undefined || site.endpoints > 1) return undefined
    if (judged.why !== undefined || !judged.formula.startsWith('M/M/')) return undefined
    return {
      formula: judged.formula,
      station: {
        arrivalRatePerSecond: table.throughputPerSecond * demand.bursts,
        serviceSeconds: price.cpuSeconds,
        servers: site.loopsEach,
      },
    }
  }
  const [holder] = waited
  if (price.cpuSeconds > 0 || waited.length !== 1 || holder === undefined) return undefined
  const id = network.limited(holder)
  const answer = id === undefined ? undefined : network.holder(id)
  if (id === undefined || answer === undefined) return undefined
  const judged = judgements.holder(id)
  const held = momentsOf(holder.body, alone(timing.price))
  if (judged.why !== undefined || judged.formula !== 'Erlang C' || held.mean !== price.waitSeconds) return undefined
  return {
    formula: judged.formula,
    station: {
      arrivalRatePerSecond: answer.arrivalRatePerSecond,
      serviceSeconds: held.mean,
      servers: answer.servers,
    },
  }
}

/** The time that a share `p` of a mixture does not exceed. */
export const mixtureQuantile = (
  parts: readonly { readonly weight: number; readonly tail: (t: number) => number; readonly mean: number }[],
  p: number,
): number => {
  const mean = parts.reduce((sum, part) => sum + part.weight * part.mean, 0)
  if (!Number.isFinite(mean)) return Number.POSITIVE_INFINITY
  if (mean === 0) return 0
  return quantileOf((t) => parts.reduce((sum, { weight, tail }) => sum + weight * tail(t), 0), p, mean)
}
