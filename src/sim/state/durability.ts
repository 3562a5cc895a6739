/**
 * What one shard of a store can still lose of what it has acknowledged. To a failover: commits that no copy has received (within the lag of
 * asynchronous replication). To a death of its process: what it keeps in memory only. Pure.
 *
 * - `disk`, `aof`: a process that dies loses nothing (Redis hands its log to the kernel before it answers). With its machine an append-only log
 *   synced every second loses what came since the last full second.
 * - `rdb`: what came since the last snapshot (`Snapshots`).
 * - `none`: everything.
 */
import { CommitLog, type Lost } from './commit-log.js'
import { Snapshots } from './snapshots.js'

export type Persistence = 'none' | 'aof' | 'rdb' | 'disk'

export class Durability {
  /** Commits since the store was last empty, for `none`. */
  private sinceEmpty = 0
  private readonly snapshots = new Snapshots()
  private readonly log = new CommitLog()

  constructor(
    private readonly persistence: Persistence,
    /** Of asynchronous replication; undefined: no copy could take over, or none lags. */
    private readonly lagSeconds: number | undefined,
  ) {}

  /** A change (of a counter; −1: an ordinary write) is committed. */
  commit(now: number, counter: number, key: number, amount: number): void {
    this.sinceEmpty += 1
    if (this.persistence === 'rdb') this.snapshots.change(now)
    const safeBefore = this.safeBefore(now)
    if (safeBefore < now) this.log.add(now, safeBefore, counter, key, amount)
  }

  /** A copy takes over from a primary that was last heard of at `goneAt`; returns the number of commits that it has not received. */
  failOver(goneAt: number, lost: Lost): number {
    if (this.lagSeconds === undefined) return 0
    return this.log.loseAfter(goneAt - this.lagSeconds, lost)
  }

  /** The process died at `now` and comes back with what it has on disk; returns the number of commits that are gone. */
  crash(now: number, withMachine: boolean, lost: Lost): number {
    if (this.persistence === 'none') {
      const count = this.sinceEmpty
      this.sinceEmpty = 0
      this.log.forgetUntil(now)
      return count
    }
    if (this.persistence === 'rdb') {
      this.snapshots.forget()
      return this.log.loseAfter(this.snapshots.savedAt, lost)
    }
    return withMachine && this.persistence === 'aof' ? this.log.loseAfter(Math.floor(now), lost) : 0
  }

  /** It has forgotten everything, on disk too; returns the number of commits that are gone. */
  flush(now: number): number {
    const count = this.sinceEmpty
    this.sinceEmpty = 0
    this.log.forgetUntil(now)
    return count
  }

  /** It was stopped in order, and has saved all. */
  saveAll(now: number): void {
    this.snapshots.save(now)
    if (this.persistence === 'rdb') this.log.forgetUntil(now)
  }

  /** Until when nothing can be lost any more. */
  private safeBefore(now: number): number {
    let safe = this.lagSeconds === undefined ? now : now - this.lagSeconds
    if (this.persistence === 'rdb') safe = Math.min(safe, this.snapshots.savedAt)
    if (this.persistence === 'aof') safe = Math.min(safe, Math.floor(now))
    return safe
  }
}
