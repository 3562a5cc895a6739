import { linearizer } from './approximate.js'
import { convolution } from './convolution.js'
import { exactMva } from './mva.js'
import { type ClassAnswer, type ClassNetwork, populationsOf } from './network.js'

/** Multiplications that the exact methods may cost: about a tenth of a second. */
const mostSteps = 20_000_000

/** The exact answer where it can be had in time (MVA, or convolution where stations have several servers), else Linearizer. */
export const closedNetwork = (network: ClassNetwork): ClassAnswer => {
  const { classes, stations } = network
  const { count } = populationsOf(classes)
  const total = classes.reduce((sum, { users }) => sum + users, 0)
  const several = stations.filter(({ servers }) => servers > 1 && servers < total)
  if (several.length === 0) {
    const delays = stations.map((station) =>
      station.servers > 1 ? { ...station, servers: Number.POSITIVE_INFINITY } : station,
    )
    return count * stations.length * classes.length <= mostSteps
      ? exactMva({ classes, stations: delays })
      : linearizer(network)
  }
  const servers = stations.reduce((sum, station) => sum + (station.servers < total ? station.servers : 0), 0)
  return count * classes.length * servers * (several.length + 1) <= mostSteps
    ? convolution(network)
    : linearizer(network)
}
