/**
 * The product form of a closed network summed over all its states, one by one: what exact methods must reproduce. Only for small networks.
 * p(n) ∝ Π(r) Z(r)^n(0, r)/n(0, r)! · Π(k) |n(k)|!/Π(r) n(k, r)! · Π(r) D(k, r)^n(k, r) / Π(i ≤ |n(k)|) min(i, c(k))
 */
import type { ClassNetwork } from '../../../src/sim/analytic/classes/network.js'

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1))

/** All ways to spread `users` over `places`. */
function* spread(users: number, places: number): Generator<readonly number[]> {
  if (places === 1) {
    yield [users]
    return
  }
  for (let first = 0; first <= users; first++)
    for (const rest of spread(users - first, places - 1)) yield [first, ...rest]
}

function* states(network: ClassNetwork, from = 0): Generator<readonly (readonly number[])[]> {
  const own = network.classes[from]
  if (own === undefined) {
    yield []
    return
  }
  for (const placed of spread(own.users, network.stations.length + 1))
    for (const rest of states(network, from + 1)) yield [placed, ...rest]
}

/** Place 0 is thinking. */
const weightOf = ({ classes, stations }: ClassNetwork, state: readonly (readonly number[])[]): number => {
  let weight = 1
  for (const [r, { thinkSeconds }] of classes.entries()) {
    const thinking = state[r]?.[0] ?? 0
    weight *= thinkSeconds ** thinking / factorial(thinking)
  }
  for (const [k, { servers, demandSeconds }] of stations.entries()) {
    const here = state.map((placed) => placed[k + 1] ?? 0)
    const all = here.reduce((sum, n) => sum + n, 0)
    weight *= factorial(all)
    for (const [r, n] of here.entries()) weight *= (demandSeconds[r] ?? 0) ** n / factorial(n)
    for (let i = 1; i <= all; i++) weight /= Math.min(i, servers)
  }
  return weight
}

const normalizing = (network: ClassNetwork): number => {
  let sum = 0
  for (const state of states(network)) sum += weightOf(network, state)
  return sum
}

export const summed = (network: ClassNetwork) => {
  let total = 0
  const inSystem = network.stations.map(() => network.classes.map(() => 0))
  for (const state of states(network)) {
    const weight = weightOf(network, state)
    total += weight
    for (const [k, row] of inSystem.entries())
      for (const r of row.keys()) row[r] = (row[r] ?? 0) + weight * (state[r]?.[k + 1] ?? 0)
  }
  const throughputPerSecond = network.classes.map(({ users }, r) =>
    users === 0
      ? 0
      : normalizing({
          ...network,
          classes: network.classes.map((each, s) => (s === r ? { ...each, users: each.users - 1 } : each)),
        }) / total,
  )
  return { throughputPerSecond, inSystem: inSystem.map((row) => row.map((value) => value / total)) }
}
