/**
 * The brokers of a Kafka cluster: who leads a partition, and when it can be written and read after a loss. KRaft: brokers are
 * also controllers (the first `controllers` of them), of which a majority must be up for anything to change. Time is handed in.
 *
 * - A broker that is lost is noticed when its session ends (`broker.session.timeout.ms`, 9 s), one that shuts down says so. It is
 *   then fenced: its partitions get the first replica in sync that is up as leader, and nobody waits for its copies any more.
 * - Until then its partitions can be neither written nor read, and those that it follows cannot be written (acks=all waits for
 *   every replica in sync). With fewer than `minInSync` replicas in sync a partition is read but not written.
 * - A broker that comes back follows: leaders stay where they are. It is in sync at once (catching up takes no time).
 * - Without a majority of controllers nobody is fenced and nobody is elected: what is lost stays lost until it is back.
 */
export interface ClusterOptions {
  readonly brokers: number
  readonly controllers: number
  readonly replicationFactor: number
  readonly minInSync: number
  /** From a broker's loss to its fencing. */
  readonly sessionSeconds: number
  /** From fencing to new leaders that serve. */
  readonly electSeconds: number
}

/** Kafka's defaults: one replica in sync suffices, as `min.insync.replicas` of a topic does. */
export const clusterDefaults = { minInSync: 1, sessionSeconds: 9, electSeconds: 0.1 } as const

export class KafkaCluster {
  private readonly up: boolean[]
  /** Known to be gone: out of every replica set in sync, no leader. */
  private readonly fenced: boolean[]
  /** When the loss is noticed and dealt with; infinite: nothing to notice, or nobody to do it. */
  private readonly fenceAt: number[]
  private readonly lostAt: number[]
  private readonly partitions: { readonly replicas: readonly number[]; leader: number; readonly inSync: boolean[] }[] =
    []

  constructor(
    readonly options: ClusterOptions,
    private readonly hooks: {
      /** Something that could not be written or read may be so now, or the other way round. */
      changed(now: number): void
      /** The controllers have noticed the loss of a broker. */
      missed(broker: number): void
    },
  ) {
    const all = <Value>(value: Value): Value[] => Array.from({ length: options.brokers }, () => value)
    this.up = all(true)
    this.fenced = all(false)
    this.fenceAt = all(Number.POSITIVE_INFINITY)
    this.lostAt = all(Number.NEGATIVE_INFINITY)
  }

  /** A partition's number in the cluster; its replicas are the brokers from `first` on. */
  place(first: number): number {
    const { brokers, replicationFactor } = this.options
    const replicas = Array.from({ length: Math.min(replicationFactor, brokers) }, (_, i) => (first + i) % brokers)
    this.partitions.push({ replicas, leader: replicas[0] ?? 0, inSync: replicas.map(() => true) })
    return this.partitions.length - 1
  }

  /** The broker that leads it, also if that is down and nobody knows yet; −1: none can. */
  leader(partition: number): number {
    return this.partitions[partition]?.leader ?? -1
  }

  readable(partition: number): boolean {
    const leader = this.leader(partition)
    return leader >= 0 && this.up[leader] === true
  }

  writable(partition: number): boolean {
    const placed = this.partitions[partition]
    if (placed === undefined || !this.readable(partition)) return false
    const inSync = placed.replicas.filter((_, i) => placed.inSync[i])
    return inSync.length >= this.options.minInSync && inSync.every((broker) => this.up[broker])
  }

  /** A majority of the controllers is up. */
  get quorum(): boolean {
    const { controllers } = this.options
    return this.up.slice(0, controllers).filter(Boolean).length > controllers / 2
  }

  /** `announced`: it shuts down in order, and hands its partitions over. */
  lose(broker: number, announced: boolean, now: number): void {
    if (this.up[broker] !== true) return
    // While it is still a voter itself, it can be counted out.
    const quorum = this.quorum
    this.up[broker] = false
    this.lostAt[broker] = now
    if (announced && quorum && this.quorum) this.fence(broker)
    else this.plan(now)
    this.hooks.changed(now)
  }

  restore(broker: number, now: number): void {
    if (this.up[broker] === true) return
    this.up[broker] = true
    this.fenced[broker] = false
    this.fenceAt[broker] = Number.POSITIVE_INFINITY
    for (const partition of this.partitions) {
      const own = partition.replicas.indexOf(broker)
      if (own < 0) continue
      // Nobody but the last leader has all that was acknowledged (no unclean election).
      if (partition.leader < 0 && partition.inSync[own] === true) partition.leader = broker
      if (partition.leader >= 0) partition.inSync[own] = true
    }
    this.plan(now)
    this.hooks.changed(now)
  }

  /** When the next loss is dealt with; infinite: none is due. */
  nextAt(): number {
    return Math.min(...this.fenceAt)
  }

  advance(now: number): void {
    for (const [broker, at] of this.fenceAt.entries()) {
      if (at > now) continue
      this.fenceAt[broker] = Number.POSITIVE_INFINITY
      this.fence(broker)
      this.hooks.missed(broker)
      this.hooks.changed(now)
    }
  }

  /** Losses that nobody dealt with yet: at the end of their session, or as soon as there is a majority again. */
  private plan(now: number): void {
    const { sessionSeconds, electSeconds } = this.options
    for (const [broker, up] of this.up.entries()) {
      if (up || this.fenced[broker]) continue
      const noticed = (this.lostAt[broker] as number) + sessionSeconds + electSeconds
      this.fenceAt[broker] = this.quorum ? Math.max(noticed, now + electSeconds) : Number.POSITIVE_INFINITY
    }
  }

  private fence(broker: number): void {
    this.fenced[broker] = true
    for (const partition of this.partitions) {
      const own = partition.replicas.indexOf(broker)
      if (own < 0) continue
      const heirs = partition.replicas.filter(
        (other, i) => partition.inSync[i] && other !== broker && !this.fenced[other],
      )
      // The last one in sync stays so: what it holds is all there is.
      if (heirs.length === 0) {
        if (partition.leader === broker) partition.leader = -1
        continue
      }
      partition.inSync[own] = false
      if (partition.leader === broker) partition.leader = heirs.find((other) => this.up[other]) ?? heirs[0] ?? -1
    }
  }
}
