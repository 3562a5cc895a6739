/** Whose turn it is where classes of requests have priorities. A run without them makes none of these (docs/adr/0061). */
import { levelsOfClasses } from '../../topology/priorities.js'
import type { Topology } from '../../topology/types.js'
import { IntRing, type Line } from './columns.js'
import type { Kernel } from './kernel.js'

/** Higher priorities first, first in, first out within one. */
export class PriorityLine implements Line {
  private readonly rings: readonly IntRing[]
  size = 0
  stamp = 0

  constructor(
    levels: number,
    private readonly levelOf: (item: number) => number,
  ) {
    this.rings = Array.from({ length: levels }, () => new IntRing())
  }

  push(item: number, stamp: number): void {
    this.ringOf(item).push(item, stamp)
    this.size += 1
  }

  /** Ahead of all others of its level. */
  unshift(item: number, stamp: number): void {
    this.ringOf(item).unshift(item, stamp)
    this.size += 1
  }

  shift(): number {
    let level = 0
    while ((this.rings[level] as IntRing).size === 0) level += 1
    const ring = this.rings[level] as IntRing
    const item = ring.shift()
    this.stamp = ring.stamp
    this.size -= 1
    return item
  }

  clear(): void {
    for (const ring of this.rings) ring.clear()
    this.size = 0
  }

  private ringOf(item: number): IntRing {
    return this.rings[this.levelOf(item)] as IntRing
  }
}

export class Priorities {
  readonly levels: number
  private readonly byClass: Uint8Array
  /** Of each burst that is under way. */
  private ofBursts = new Uint8Array(64)

  constructor(
    private readonly kernel: Kernel,
    topology: Topology,
  ) {
    this.byClass = Uint8Array.from(levelsOfClasses(topology).values())
    this.levels = Math.max(0, ...this.byClass) + 1
  }

  /** What is done for no request, as answering a health check, goes first. */
  levelOf(task: number): number {
    const { tasks, requests } = this.kernel
    const request = tasks.request[task] as number
    return request < 0 ? 0 : (this.byClass[requests.cls[request] as number] as number)
  }

  /** A line of tasks. */
  line(): Line {
    return new PriorityLine(this.levels, (task) => this.levelOf(task))
  }

  /** A line of bursts, whose tasks may be others by the time that one looks. */
  burstLine(): PriorityLine {
    return new PriorityLine(this.levels, (burst) => this.levelOfBurst(burst))
  }

  mark(burst: number, level: number): void {
    if (burst >= this.ofBursts.length) {
      const larger = new Uint8Array(2 * burst)
      larger.set(this.ofBursts)
      this.ofBursts = larger
    }
    this.ofBursts[burst] = level
  }

  levelOfBurst(burst: number): number {
    return this.ofBursts[burst] as number
  }
}
