import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Locks } from '../../../src/sim/state/locks.js'

interface Alarm {
  readonly row: number
  readonly epoch: number | undefined
  readonly at: number
}

const bench = () => {
  const granted: { waiter: number; hold: number }[] = []
  const alarms: Alarm[] = []
  let clock = 0
  const locks: Locks = new Locks({
    granted: (waiter, hold) => granted.push({ waiter, hold }),
    held: (row, ttlSeconds) => alarms.push({ row, epoch: locks.epoch[row], at: clock + ttlSeconds }),
  })
  const space = locks.space()
  return {
    locks,
    space,
    granted,
    alarms,
    take: (key: number, now: number, { ttl = 5, fenced = false, owner = -1 } = {}) => {
      clock = now
      return locks.acquire(space, key, owner, ttl, fenced, now)
    },
    wait: (key: number, waiter: number, now: number, { ttl = 5, fenced = false, owner = -1 } = {}) =>
      locks.wait(space, key, waiter, owner, ttl, fenced, now),
    /** At `now` the time of all locks is over that were taken a ttl ago. */
    ring: (now: number) => {
      clock = now
      const due = alarms.filter(({ at }) => at <= now)
      alarms.splice(0, alarms.length, ...alarms.filter(({ at }) => at > now))
      for (const { row, epoch } of due) if (locks.epoch[row] === epoch) locks.due(row, now)
    },
    release: (hold: number, now: number) => {
      clock = now
      return locks.release(hold, now)
    },
    statistics: () => locks.of(space),
  }
}

describe('a lock', () => {
  it('is had by one at a time, and by the next once it is released', () => {
    const { locks, take, statistics } = bench()
    const first = take(1, 0)
    expect(first).toBeGreaterThanOrEqual(0)
    expect(take(1, 1)).toBe(-1)
    expect(take(2, 1)).toBeGreaterThanOrEqual(0)
    expect(locks.release(first, 2)).toBe(true)
    expect(take(1, 2)).toBeGreaterThanOrEqual(0)
    expect(statistics()).toMatchObject({ acquired: 3, waited: 0, expired: 0, overlaps: 0, heldSeconds: 2 })
  })

  it('is handed to those who wait in the order in which they came', () => {
    const { locks, take, wait, granted, statistics } = bench()
    const first = take(1, 0)
    wait(1, 10, 1)
    wait(1, 11, 2)
    wait(1, 12, 3)
    locks.release(first, 4)
    expect(granted.map(({ waiter }) => waiter)).toEqual([10])
    locks.release(granted[0]?.hold ?? -1, 6)
    expect(granted.map(({ waiter }) => waiter)).toEqual([10, 11])
    expect(statistics()).toMatchObject({ acquired: 3, waited: 2, waitSeconds: 3 + 4, longestWaitSeconds: 4 })
  })

  it('passes over who has lost patience', () => {
    const { locks, take, wait, granted, statistics } = bench()
    const first = take(1, 0)
    wait(1, 10, 1)
    wait(1, 11, 1)
    wait(1, 12, 1)
    locks.leave(11)
    locks.leave(10)
    expect(locks.isWaiting(11)).toBe(false)
    locks.release(first, 2)
    expect(granted.map(({ waiter }) => waiter)).toEqual([12])
    expect(statistics().gaveUp).toBe(2)
    locks.leave(10)
    expect(statistics().gaveUp).toBe(2)
  })

  it('ends with its ttl whatever its holder does: the next works beside it, which is an overlap', () => {
    const { locks, take, wait, granted, alarms, ring, statistics } = bench()
    const slow = take(1, 0, { ttl: 5 })
    wait(1, 10, 1)
    expect(alarms).toMatchObject([{ row: 0, at: 5 }])
    ring(5)
    expect(granted).toHaveLength(1)
    expect(statistics()).toMatchObject({ expired: 1, overlaps: 1, heldSeconds: 5 })
    // The slow one must not take the lock from its successor.
    expect(locks.release(slow, 6)).toBe(false)
    expect(take(1, 6)).toBe(-1)
    locks.release(granted[0]?.hold ?? -1, 7)
    expect(statistics().heldSeconds).toBe(7)
  })

  it('that ended unnoticed is no longer its holder’s, and had by whoever asks next', () => {
    const { locks, take, statistics } = bench()
    const slow = take(1, 0, { ttl: 5 })
    expect(locks.isOwn(slow, 4.9)).toBe(true)
    expect(locks.isOwn(slow, 5)).toBe(false)
    expect(locks.release(slow, 8)).toBe(false)
    expect(statistics()).toMatchObject({ expired: 1, overlaps: 0, heldSeconds: 5 })
    const other = take(1, 10, { ttl: 5 })
    expect(take(1, 15)).toBeGreaterThanOrEqual(0)
    expect(statistics()).toMatchObject({ expired: 2, overlaps: 1 })
    expect(locks.release(other, 16)).toBe(false)
  })

  it('with fencing refuses the late write of a former holder, and is no overlap', () => {
    const { locks, take, statistics } = bench()
    const slow = take(1, 0, { ttl: 5, fenced: true })
    expect(locks.mayWrite(slow)).toBe(true)
    const next = take(1, 6, { ttl: 5, fenced: true })
    // Nobody newer has written yet: the store cannot know.
    expect(locks.mayWrite(slow)).toBe(true)
    expect(locks.mayWrite(next)).toBe(true)
    expect(locks.mayWrite(slow)).toBe(false)
    expect(locks.mayWrite(next)).toBe(true)
    expect(statistics()).toMatchObject({ expired: 1, overlaps: 0, fencedOff: 1 })
  })

  it('of a process that died stays until its ttl is over', () => {
    const { locks, take, wait, granted, ring, statistics } = bench()
    const dead = take(1, 0, { ttl: 5 })
    locks.abandon(dead, 1)
    expect(take(1, 2)).toBe(-1)
    wait(1, 10, 2)
    ring(5)
    expect(granted).toHaveLength(1)
    // Nobody worked on: no overlap, and no holder's ttl that was too short.
    expect(statistics()).toMatchObject({ expired: 0, overlaps: 0, waitSeconds: 3 })
  })

  it('of a store that forgets is free while its holder works on; who waited is told', () => {
    const { locks, space, take, wait, granted, statistics } = bench()
    const holder = take(1, 0)
    const other = take(2, 0)
    wait(1, 10, 1)
    const woken: number[] = []
    locks.forget(
      space,
      (key) => key === 1,
      (waiter) => woken.push(waiter),
    )
    expect(woken).toEqual([10])
    expect(granted).toEqual([])
    expect(take(1, 2)).toBeGreaterThanOrEqual(0)
    expect(take(2, 2)).toBe(-1)
    expect(statistics()).toMatchObject({ forgotten: 1, overlaps: 1, expired: 0 })
    expect(locks.release(holder, 3)).toBe(false)
    expect(locks.release(other, 3)).toBe(true)
  })
})

describe('row locks', () => {
  const endless = { ttl: Number.POSITIVE_INFINITY }

  it('have no end of their own, and are released when their owner dies', () => {
    const { locks, take, wait, granted, alarms } = bench()
    const first = take(1, 0, { ...endless, owner: 7 })
    wait(1, 10, 1, { ...endless, owner: 8 })
    expect(alarms).toEqual([])
    expect(locks.holdOf(0, 1, 7)).toBe(first)
    expect(locks.holdOf(0, 1, 8)).toBe(-1)
    locks.abandon(first, 2)
    expect(granted).toHaveLength(1)
    expect(locks.holdOf(0, 1, 8)).toBe(granted[0]?.hold)
  })

  it('whose owners wait for each other in a circle are told apart from those who merely wait', () => {
    const { locks, space, take, wait } = bench()
    take(1, 0, { ...endless, owner: 1 })
    take(2, 0, { ...endless, owner: 2 })
    take(3, 0, { ...endless, owner: 3 })
    expect(locks.closesCircle(space, 2, 1)).toBe(false)
    wait(2, 101, 1, { ...endless, owner: 1 })
    wait(3, 102, 1, { ...endless, owner: 2 })
    // 1 waits for 2, 2 for 3: 3 may not wait for 1.
    expect(locks.closesCircle(space, 1, 3)).toBe(true)
    expect(locks.closesCircle(space, 1, 4)).toBe(false)
    locks.leave(102)
    expect(locks.closesCircle(space, 1, 3)).toBe(false)
  })
})

describe('whatever happens to locks', () => {
  const event = fc.record({
    kind: fc.constantFrom('take', 'wait', 'release', 'leave', 'abandon'),
    key: fc.integer({ min: 0, max: 3 }),
    pick: fc.nat(20),
    after: fc.integer({ min: 0, max: 4 }),
    fenced: fc.boolean(),
  })

  it('nobody waits for a free lock, no unexpired lock has two holders, and nothing is kept in the end', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const ttl = 5
        const { locks, take, wait, granted, alarms, ring, release, statistics } = bench()
        const holders = new Map<number, { key: number; since: number }>()
        const waiting = new Map<number, number>()
        const dead: { key: number; since: number }[] = []
        let now = 0
        let waiters = 0
        let entries = 0
        const enter = (hold: number, key: number): void => {
          entries += 1
          for (const other of [...holders.values(), ...dead])
            if (other.key === key) expect(now).toBeGreaterThanOrEqual(other.since + ttl)
          holders.set(hold, { key, since: now })
        }
        const collect = (): void => {
          for (const { waiter, hold } of granted.splice(0)) {
            enter(hold, waiting.get(waiter) ?? -1)
            waiting.delete(waiter)
          }
        }
        const pass = (seconds: number): void => {
          const until = now + seconds
          for (;;) {
            const next = Math.min(...alarms.map(({ at }) => at), Number.POSITIVE_INFINITY)
            if (next > until) break
            now = Math.max(now, next)
            ring(now)
            collect()
          }
          now = until
        }
        for (const { kind, key, pick, after, fenced } of events) {
          pass(after)
          if (kind === 'take' || kind === 'wait') {
            const hold = take(key, now, { ttl, fenced })
            collect()
            if (hold >= 0) enter(hold, key)
            else if (kind === 'wait') {
              waiters += 1
              waiting.set(waiters, key)
              wait(key, waiters, now, { ttl, fenced })
            }
          } else if (kind === 'leave') {
            const waiter = [...waiting.keys()][pick % Math.max(1, waiting.size)]
            if (waiter !== undefined) locks.leave(waiter)
            if (waiter !== undefined) waiting.delete(waiter)
          } else {
            const hold = [...holders.keys()][pick % Math.max(1, holders.size)]
            if (hold === undefined) continue
            const held = holders.get(hold)
            holders.delete(hold)
            if (kind === 'abandon') {
              if (held !== undefined) dead.push(held)
              locks.abandon(hold, now)
            } else release(hold, now)
            collect()
          }
          expect(locks.size.holders).toBe(holders.size)
        }
        for (const hold of [...holders.keys()]) {
          holders.delete(hold)
          release(hold, now)
          collect()
        }
        for (let rounds = 0; rounds < 200 && (holders.size > 0 || waiting.size > 0); rounds++) {
          pass(ttl)
          for (const hold of [...holders.keys()]) {
            holders.delete(hold)
            release(hold, now)
            collect()
          }
        }
        pass(ttl)
        expect(waiting.size).toBe(0)
        expect(locks.size).toEqual({ keys: 0, holders: 0 })
        expect(statistics().acquired).toBe(entries)
      }),
    )
  })
})
