/** Closed networks of several classes: each has its own users, think time and demands. Product form (BCMP). */

export interface UserClass {
  readonly users: number
  readonly thinkSeconds: number
}

export interface ClassStation {
  /** Whole, or Infinity: a delay. */
  readonly servers: number
  /** By class: visits × service time, the sum over all servers. */
  readonly demandSeconds: readonly number[]
}

export interface ClassNetwork {
  readonly classes: readonly UserClass[]
  readonly stations: readonly ClassStation[]
}

export interface ClassAnswer {
  /** By class, each time. */
  readonly throughputPerSecond: readonly number[]
  /** Without thinking. */
  readonly responseSeconds: readonly number[]
  readonly stations: readonly {
    readonly residenceSeconds: readonly number[]
    readonly inSystem: readonly number[]
    /** Per server, of all classes. */
    readonly utilization: number
  }[]
  readonly method: 'mva' | 'convolution' | 'linearizer' | 'schweitzer'
}

/** Classes without users have no throughput. Residences by station and class. */
export const classAnswer = (
  { stations, classes }: ClassNetwork,
  throughputs: readonly number[],
  residences: readonly (readonly number[])[],
  method: ClassAnswer['method'],
): ClassAnswer => ({
  throughputPerSecond: throughputs,
  responseSeconds: classes.map((_, r) => residences.reduce((sum, station) => sum + (station[r] ?? 0), 0)),
  stations: stations.map(({ servers, demandSeconds }, k) => ({
    residenceSeconds: residences[k] ?? [],
    inSystem: throughputs.map((throughput, r) => throughput * (residences[k]?.[r] ?? 0)),
    utilization: Number.isFinite(servers)
      ? throughputs.reduce((sum, throughput, r) => sum + throughput * (demandSeconds[r] ?? 0), 0) / servers
      : 0,
  })),
  method,
})

/** Population vectors 0 ≤ n ≤ N in mixed radix: index Σ n(r)·stride(r), so that one user of r less is `stride(r)` before. */
export interface Populations {
  readonly strides: readonly number[]
  readonly count: number
}

export const populationsOf = (classes: readonly UserClass[]): Populations => {
  const strides: number[] = []
  let count = 1
  for (const { users } of classes) {
    strides.push(count)
    count *= users + 1
  }
  return { strides, count }
}
