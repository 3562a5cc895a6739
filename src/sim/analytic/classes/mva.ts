import { type ClassAnswer, type ClassNetwork, classAnswer, populationsOf } from './network.js'

/**
 * Exact mean value analysis by recursion over population vectors: an arriving customer of class r sees the network with one
 * of its class less, R(k, r) = D(k, r)·(1 + Q(k | n − 1r)); X(r) = n(r)/(Z(r) + ΣR); Q(k) = Σ X·R. Stations have one server or are
 * delays (others: `convolution`). Time and memory grow with Π(N(r) + 1).
 * Source: M. Reiser and S. S. Lavenberg, Mean-value analysis of closed multichain queuing networks, JACM 27(2), 1980.
 */
export const exactMva = (network: ClassNetwork): ClassAnswer => {
  const { classes, stations } = network
  const { strides, count } = populationsOf(classes)
  const width = stations.length
  const queues = new Float64Array(count * width)
  const population = classes.map(() => 0)
  let throughputs = classes.map(() => 0)
  let residences = stations.map(({ demandSeconds }) => [...demandSeconds])
  for (let index = 1; index < count; index++) {
    advance(population, classes)
    throughputs = classes.map(() => 0)
    for (const [r, { thinkSeconds }] of classes.entries()) {
      const own = population[r] ?? 0
      if (own === 0) continue
      const before = (index - (strides[r] ?? 0)) * width
      let cycle = thinkSeconds
      for (const [k, { servers, demandSeconds }] of stations.entries()) {
        const demand = demandSeconds[r] ?? 0
        const residence = servers === 1 ? demand * (1 + (queues[before + k] ?? 0)) : demand
        const row = residences[k]
        if (row !== undefined) row[r] = residence
        cycle += residence
      }
      throughputs[r] = cycle > 0 ? own / cycle : Number.POSITIVE_INFINITY
    }
    for (let k = 0; k < width; k++)
      queues[index * width + k] = throughputs.reduce(
        (sum, throughput, r) => sum + (throughput > 0 ? throughput * (residences[k]?.[r] ?? 0) : 0),
        0,
      )
    if (index < count - 1) residences = residences.map((row) => [...row])
  }
  return classAnswer(network, throughputs, residences, 'mva')
}

/** The next population in the order of the indices. */
export const advance = (population: number[], classes: ClassNetwork['classes']): void => {
  for (const [r, { users }] of classes.entries()) {
    if ((population[r] ?? 0) < users) {
      population[r] = (population[r] ?? 0) + 1
      return
    }
    population[r] = 0
  }
}
