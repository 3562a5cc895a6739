/**
 * Locks that requests contend for: those of a cache (`SET key token NX PX ttl`, released by whoever still owns the token), and
 * with an endless ttl the row locks of a database. Hot path: integer handles into typed arrays, nothing kept for a free key.
 *
 * A lock with a ttl is free once that is over, *whatever its holder does*: the next one enters while the first still works.
 * That is an overlap, and a violation of mutual exclusion unless the first is fenced, for then what it still writes is
 * refused as soon as a later holder has written (M. Kleppmann, "How to do distributed locking", 2016).
 *
 * Who waits is woken in the order of arrival, as clients that subscribe to the release are; expiry wakes them, too.
 */
import { KeyIndex, keyIn } from './key-index.js'
import { grown, Rows } from './rows.js'

const none = -1
/** Its holder's process is gone: nobody will release it, it ends with its ttl. */
const orphaned = -2
const initial = 16

/**
 * Of a row of a waiter, one line of the processor's cache: he waits for so long that it is in no cache when it is his turn. Integers from
 * the front, doubles behind them. Its members become literals (docs/adr/0017).
 */
const enum Waiter {
  integers = 16,
  doubles = 8,
  waitsForAt = 0,
  nextAt = 1,
  previousAt = 2,
  ownerAt = 3,
  fencedAt = 4,
  sinceAt = 4,
  ttlAt = 5,
}

/** Large buffers begin 16 bytes after the beginning of a line. */
const padding = 48

export interface LockStatistics {
  acquired: number
  /** Of these, after a wait. */
  waited: number
  /** Waits that ended with the lock, in all and the longest. */
  waitSeconds: number
  longestWaitSeconds: number
  /** Waits that ended without it. */
  gaveUp: number
  /** The ttl ended before its holder was done. */
  expired: number
  /** Of what the store forgot while it was held. */
  forgotten: number
  /** A next holder entered while an earlier one, unfenced, still worked. */
  overlaps: number
  /** Writes refused because a later holder had written. */
  fencedOff: number
  /** Seconds for which locks were held, until released or expired. */
  heldSeconds: number
}

export interface LockHooks {
  /** The waiter has the lock, as `hold`. */
  granted(waiter: number, hold: number): void
  /** A lock with a ttl is held: call `due(row, …)` after so long, unless `epoch[row]` has changed until then. */
  held(row: number, ttlSeconds: number): void
}

export class Locks {
  private readonly statistics: LockStatistics[] = []
  private readonly index = new KeyIndex()

  // One row per key that is held, waited for, or still worked on after its ttl.
  private key = new Float64Array(initial).fill(none)
  private holder = new Int32Array(initial)
  private expiresAt = new Float64Array(initial)
  /** By row: changes with the holder. */
  epoch = new Int32Array(initial)
  private first = new Int32Array(initial)
  private last = new Int32Array(initial)
  /** Holders past their ttl that still work, and those of them that are not fenced. */
  private overstaying = new Int32Array(initial)
  private unfenced = new Int32Array(initial)
  /** The highest token that has written. */
  private written = new Float64Array(initial)
  private readonly locks = new Rows(initial, (length) => {
    this.key = grown(this.key, length).fill(none, this.key.length)
    this.holder = grown(this.holder, length)
    this.expiresAt = grown(this.expiresAt, length)
    this.epoch = grown(this.epoch, length)
    this.first = grown(this.first, length)
    this.last = grown(this.last, length)
    this.overstaying = grown(this.overstaying, length)
    this.unfenced = grown(this.unfenced, length)
    this.written = grown(this.written, length)
  })

  // One row per holder, until it says that it is done.
  private lockOf = new Int32Array(initial)
  private ownerOf = new Int32Array(initial)
  private fenced = new Int32Array(initial)
  private since = new Float64Array(initial)
  private token = new Float64Array(initial)
  private readonly holds = new Rows(initial, (length) => {
    this.lockOf = grown(this.lockOf, length)
    this.ownerOf = grown(this.ownerOf, length)
    this.fenced = grown(this.fenced, length)
    this.since = grown(this.since, length)
    this.token = grown(this.token, length)
  })
  private tokens = 0

  // By waiter, a small integer that waits for one lock at a time.
  private waiterRoom = 0
  private waiters = new Int32Array(0)
  private waiterSeconds = new Float64Array(0)
  /** The lock that an owner waits for. */
  private readonly ownerWaits = new KeyIndex()

  constructor(private readonly hooks: LockHooks) {}

  /** A space of keys of its own: a cache and a data set, a table. */
  space(): number {
    this.statistics.push({
      acquired: 0,
      waited: 0,
      waitSeconds: 0,
      longestWaitSeconds: 0,
      gaveUp: 0,
      expired: 0,
      forgotten: 0,
      overlaps: 0,
      fencedOff: 0,
      heldSeconds: 0,
    })
    return this.statistics.length - 1
  }

  of(space: number): Readonly<LockStatistics> {
    return this.statistics[space] as LockStatistics
  }

  /** The longest waits are those from now on. */
  resetPeaks(): void {
    for (const statistics of this.statistics) statistics.longestWaitSeconds = 0
  }

  /** Keys and holders that take memory. */
  get size(): { readonly keys: number; readonly holders: number } {
    return { keys: this.locks.size, holders: this.holds.size }
  }

  /**
   * The handle of the hold, to be given to `release` or `abandon`; −1: somebody else has the lock. `owner` (≥ 0, or −1: none)
   * tells who holds several locks, for `closesCircle` and `holdOf`.
   */
  acquire(space: number, key: number, owner: number, ttlSeconds: number, fenced: boolean, now: number): number {
    const name = keyIn(space, key)
    let row = this.index.get(name)
    if (row === none) row = this.lockFor(name)
    else if (this.holder[row] !== none) {
      if (now < (this.expiresAt[row] as number)) return none
      // Those who wait were there first.
      this.expire(row)
      this.handOn(row, now)
      if (this.holder[row] !== none) return none
    }
    return this.hold(row, owner, ttlSeconds, fenced, now)
  }

  /** After a failed `acquire`: `granted` tells when it is the waiter's turn. */
  wait(
    space: number,
    key: number,
    waiter: number,
    owner: number,
    ttlSeconds: number,
    fenced: boolean,
    now: number,
  ): void {
    const row = this.index.get(keyIn(space, key))
    if (waiter >= this.waiterRoom) this.growWaiters(waiter)
    const { waiters, waiterSeconds } = this
    const at = waiter * Waiter.integers
    const last = this.last[row] as number
    waiters[at + Waiter.waitsForAt] = row
    waiters[at + Waiter.nextAt] = none
    waiters[at + Waiter.previousAt] = last
    waiters[at + Waiter.ownerAt] = owner
    waiters[at + Waiter.fencedAt] = fenced ? 1 : 0
    waiterSeconds[waiter * Waiter.doubles + Waiter.sinceAt] = now
    waiterSeconds[waiter * Waiter.doubles + Waiter.ttlAt] = ttlSeconds
    if (last === none) this.first[row] = waiter
    else waiters[last * Waiter.integers + Waiter.nextAt] = waiter
    this.last[row] = waiter
    if (owner >= 0) this.ownerWaits.add(owner, row)
  }

  /** The waiter goes without it: its patience is over, or nobody wants it any more. */
  leave(waiter: number): void {
    const row = this.rowAwaitedBy(waiter)
    if (row === none) return
    this.unlink(row, waiter)
    this.statisticsOf(row).gaveUp += 1
    this.forgetUnused(row)
  }

  isWaiting(waiter: number): boolean {
    return this.rowAwaitedBy(waiter) !== none
  }

  /** The holder is done. False: the lock had not been its own any more. */
  release(hold: number, now: number): boolean {
    const row = this.lockOf[hold] as number
    // Its ttl may be over without anybody having noticed.
    if (this.holder[row] === hold && now >= (this.expiresAt[row] as number)) this.expire(row)
    const own = this.holder[row] === hold
    if (own) {
      this.statisticsOf(row).heldSeconds += now - (this.since[hold] as number)
      this.vacate(row)
    } else this.leaveLate(hold, row)
    this.holds.give(hold)
    this.handOn(row, now)
    this.forgetUnused(row)
    return own
  }

  /** The holder's process is gone: the lock stays until its ttl is over. Of an endless one: it is released. */
  abandon(hold: number, now: number): void {
    const row = this.lockOf[hold] as number
    if (this.holder[row] === hold && Number.isFinite(this.expiresAt[row] as number)) {
      this.statisticsOf(row).heldSeconds += now - (this.since[hold] as number)
      this.holder[row] = orphaned
      this.holds.give(hold)
    } else this.release(hold, now)
  }

  /** May the holder of this token still write? A refusal is counted. */
  mayWrite(hold: number): boolean {
    if (this.fenced[hold] === 0) return true
    const row = this.lockOf[hold] as number
    const token = this.token[hold] as number
    if (token < (this.written[row] as number)) {
      this.statisticsOf(row).fencedOff += 1
      return false
    }
    this.written[row] = token
    return true
  }

  /** Is the lock still the holder's own at this time? */
  isOwn(hold: number, now: number): boolean {
    const row = this.lockOf[hold] as number
    return this.holder[row] === hold && now < (this.expiresAt[row] as number)
  }

  /** The ttl of the row's holder is over. */
  due(row: number, now: number): void {
    if (this.holder[row] === none) return
    this.expire(row)
    this.handOn(row, now)
    this.forgetUnused(row)
  }

  /** The hold that `owner` has of this key; −1: none. */
  holdOf(space: number, key: number, owner: number): number {
    const row = this.index.get(keyIn(space, key))
    const hold = row === none ? none : (this.holder[row] as number)
    return hold >= 0 && this.ownerOf[hold] === owner ? hold : none
  }

  /** Would `owner`, waiting for this key, wait for itself? Follows who waits for whom: each owner waits for one lock. */
  closesCircle(space: number, key: number, owner: number): boolean {
    let row = this.index.get(keyIn(space, key))
    while (row !== none) {
      const hold = this.holder[row] as number
      if (hold < 0) return false
      const other = this.ownerOf[hold] as number
      if (other === owner) return true
      row = other < 0 ? none : this.ownerWaits.get(other)
    }
    return false
  }

  /**
   * The store has forgotten the locks of this space that `lost` names, by key and since when they are held (infinite: nobody
   * has it). Their holders do not know and work on; `woken` is called for each who waited, and who finds the store gone.
   */
  forget(space: number, lost: (key: number, heldSince: number) => boolean, woken: (waiter: number) => void): void {
    for (let row = 0; row < this.key.length; row++) {
      const name = this.key[row] as number
      if (name < 0 || Math.floor(name / keyIn(1, 0)) !== space) continue
      if (!lost(name - keyIn(space, 0), this.heldSince(row))) continue
      if (this.holder[row] !== none) {
        this.statisticsOf(row).forgotten += 1
        this.overstay(row)
        this.vacate(row)
      }
      this.dismissLine(row, woken)
    }
  }

  /** The store has forgotten its locks and goes on: their holders do not know and work on, who waited enters. */
  lose(space: number, lost: (key: number) => boolean, now: number): void {
    for (let row = 0; row < this.key.length; row++) {
      const name = this.key[row] as number
      if (name < 0 || Math.floor(name / keyIn(1, 0)) !== space || !lost(name - keyIn(space, 0))) continue
      if (this.holder[row] === none) continue
      this.statisticsOf(row).forgotten += 1
      this.overstay(row)
      this.vacate(row)
      this.handOn(row, now)
      this.forgetUnused(row)
    }
  }

  /** The store is out of reach, but keeps its locks: `woken` is called for each who waited for a key that `lost` names. */
  dismiss(space: number, lost: (key: number) => boolean, woken: (waiter: number) => void): void {
    for (let row = 0; row < this.key.length; row++) {
      const name = this.key[row] as number
      if (name < 0 || Math.floor(name / keyIn(1, 0)) !== space || !lost(name - keyIn(space, 0))) continue
      this.dismissLine(row, woken)
    }
  }

  private dismissLine(row: number, woken: (waiter: number) => void): void {
    while ((this.first[row] as number) !== none) {
      const waiter = this.first[row] as number
      this.unlink(row, waiter)
      woken(waiter)
    }
    this.forgetUnused(row)
  }

  private heldSince(row: number): number {
    const hold = this.holder[row] as number
    return hold < 0 ? Number.POSITIVE_INFINITY : (this.since[hold] as number)
  }

  private statisticsOf(row: number): LockStatistics {
    return this.statistics[Math.floor((this.key[row] as number) / keyIn(1, 0))] as LockStatistics
  }

  private lockFor(name: number): number {
    const row = this.locks.take()
    this.index.add(name, row)
    this.key[row] = name
    this.holder[row] = none
    this.first[row] = none
    this.last[row] = none
    this.overstaying[row] = 0
    this.unfenced[row] = 0
    this.written[row] = 0
    return row
  }

  private hold(row: number, owner: number, ttlSeconds: number, fenced: boolean, now: number): number {
    const statistics = this.statisticsOf(row)
    statistics.acquired += 1
    if ((this.unfenced[row] as number) > 0) statistics.overlaps += 1
    const hold = this.holds.take()
    this.lockOf[hold] = row
    this.ownerOf[hold] = owner
    this.fenced[hold] = fenced ? 1 : 0
    this.since[hold] = now
    this.tokens += 1
    this.token[hold] = this.tokens
    this.holder[row] = hold
    this.expiresAt[row] = now + ttlSeconds
    if (ttlSeconds !== Number.POSITIVE_INFINITY) this.hooks.held(row, ttlSeconds)
    return hold
  }

  /** The first in line enters. */
  private handOn(row: number, now: number): void {
    const waiter = this.first[row] as number
    if (waiter === none || this.holder[row] !== none) return
    const { waiters, waiterSeconds } = this
    const waited = now - (waiterSeconds[waiter * Waiter.doubles + Waiter.sinceAt] as number)
    const statistics = this.statisticsOf(row)
    statistics.waited += 1
    statistics.waitSeconds += waited
    if (waited > statistics.longestWaitSeconds) statistics.longestWaitSeconds = waited
    const at = waiter * Waiter.integers
    const owner = waiters[at + Waiter.ownerAt] as number
    this.unlink(row, waiter)
    const ttlSeconds = waiterSeconds[waiter * Waiter.doubles + Waiter.ttlAt] as number
    const hold = this.hold(row, owner, ttlSeconds, waiters[at + Waiter.fencedAt] === 1, now)
    this.hooks.granted(waiter, hold)
  }

  private expire(row: number): void {
    const hold = this.holder[row] as number
    if (hold >= 0) {
      const statistics = this.statisticsOf(row)
      statistics.expired += 1
      statistics.heldSeconds += (this.expiresAt[row] as number) - (this.since[hold] as number)
      this.overstay(row)
    }
    this.vacate(row)
  }

  /** The holder, if there is one, works on without the lock. */
  private overstay(row: number): void {
    const hold = this.holder[row] as number
    if (hold < 0) return
    this.overstaying[row] = (this.overstaying[row] as number) + 1
    if (this.fenced[hold] === 0) this.unfenced[row] = (this.unfenced[row] as number) + 1
  }

  private leaveLate(hold: number, row: number): void {
    this.overstaying[row] = (this.overstaying[row] as number) - 1
    if (this.fenced[hold] === 0) this.unfenced[row] = (this.unfenced[row] as number) - 1
  }

  private vacate(row: number): void {
    this.holder[row] = none
    this.epoch[row] = ((this.epoch[row] as number) + 1) | 0
  }

  private rowAwaitedBy(waiter: number): number {
    return waiter < this.waiterRoom ? (this.waiters[waiter * Waiter.integers + Waiter.waitsForAt] as number) : none
  }

  private unlink(row: number, waiter: number): void {
    const { waiters } = this
    const at = waiter * Waiter.integers
    const before = waiters[at + Waiter.previousAt] as number
    const after = waiters[at + Waiter.nextAt] as number
    if (before === none) this.first[row] = after
    else waiters[before * Waiter.integers + Waiter.nextAt] = after
    if (after === none) this.last[row] = before
    else waiters[after * Waiter.integers + Waiter.previousAt] = before
    waiters[at + Waiter.waitsForAt] = none
    const owner = waiters[at + Waiter.ownerAt] as number
    if (owner >= 0) this.ownerWaits.delete(owner)
  }

  private forgetUnused(row: number): void {
    const name = this.key[row] as number
    if (name < 0 || this.holder[row] !== none || this.first[row] !== none || (this.overstaying[row] as number) > 0)
      return
    this.index.delete(name)
    this.key[row] = none
    this.locks.give(row)
  }

  private growWaiters(waiter: number): void {
    const { waiters, waiterRoom } = this
    this.waiterRoom = Math.max(2 * waiterRoom, initial, waiter + 1)
    const buffer = new ArrayBuffer(padding + 4 * Waiter.integers * this.waiterRoom)
    this.waiters = new Int32Array(buffer, padding)
    this.waiterSeconds = new Float64Array(buffer, padding)
    // Bit by bit: doubles stand among the integers.
    this.waiters.set(waiters)
    for (let row = waiterRoom; row < this.waiterRoom; row++)
      this.waiters[row * Waiter.integers + Waiter.waitsForAt] = none
  }
}
