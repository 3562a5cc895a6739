import { expect, test } from 'vitest'
import { Cancellation } from '../../src/workload/cancellation.js'
import { ConnectionPool } from '../../src/workload/pool.js'
import { FakeClock, settle } from './fakes.js'

const make = (size: number, acquireTimeoutSeconds?: number) => {
  const clock = new FakeClock()
  let opened = 0
  let down = false
  const closed: number[] = []
  const lost: (() => void)[] = []
  const pool = new ConnectionPool<number>({
    size,
    acquireTimeoutSeconds,
    open: async (onLost) => {
      if (down) throw new Error('refused')
      lost.push(onLost)
      return opened++
    },
    close: (connection) => closed.push(connection),
    clock,
  })
  return {
    clock,
    pool,
    closed,
    lose: (index: number) => lost[index]?.(),
    setDown: (value: boolean) => {
      down = value
    },
    opened: () => opened,
  }
}

const none = new Cancellation()

test('it opens no more than its size, and serves waiters in the order in which they came', async () => {
  const { pool } = make(2)
  const [a] = [await pool.acquire(none), await pool.acquire(none)]
  const order: string[] = []
  pool.acquire(none).then(() => order.push('first'))
  pool.acquire(none).then(() => order.push('second'))
  await settle()
  expect([pool.inUse, pool.waiting, pool.openCount, order]).toEqual([2, 2, 2, []])
  pool.release(a ?? -1)
  await settle()
  expect([order, pool.waiting]).toEqual([['first'], 1])
})

test('a wait ends at acquireTimeout, is counted, and takes nothing from those behind it', async () => {
  const { pool, clock } = make(1, 0.5)
  const held = await pool.acquire(none)
  const waits = [pool.acquire(none)]
  const failures: string[] = []
  for (const wait of waits) wait.catch((error: Error) => failures.push(`${error.name} ${clock.now()}`))
  await clock.advance(0.4)
  const late = pool.acquire(none)
  await clock.advance(0.2)
  expect(failures).toEqual(['AcquireTimeout 0.5'])
  pool.release(held)
  expect(await late).toBe(held)
  expect([pool.timeouts, pool.waiting, pool.inUse, clock.pending]).toEqual([1, 0, 1, 0])
})

test('a cancelled waiter leaves at once', async () => {
  const { pool, clock } = make(1, 10)
  const held = await pool.acquire(none)
  const cancel = new Cancellation()
  const wait = pool.acquire(cancel)
  cancel.cancel(new Error('gone'))
  await expect(wait).rejects.toThrow('gone')
  pool.release(held)
  expect([pool.waiting, pool.inUse, pool.timeouts, clock.pending]).toEqual([0, 0, 0, 0])
})

test('when the store is down each waiter is told at once, and later ones connect again', async () => {
  const { pool, setDown } = make(1)
  setDown(true)
  const results = await Promise.allSettled([pool.acquire(none), pool.acquire(none), pool.acquire(none)])
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
  setDown(false)
  expect(await pool.acquire(none)).toBe(0)
})

test('a connection that breaks leaves the pool, idle or in use, and is replaced for a waiter', async () => {
  const { pool, lose, closed } = make(1)
  const first = await pool.acquire(none)
  const wait = pool.acquire(none)
  lose(0)
  expect(await wait).toBe(1)
  pool.release(first)
  expect([pool.openCount, pool.inUse, closed]).toEqual([1, 1, [0]])
  pool.release(1)
  lose(1)
  expect([pool.openCount, pool.inUse]).toEqual([0, 0])
  expect(await pool.acquire(none)).toBe(2)
})

test('warming opens the whole size; closing refuses who waits', async () => {
  const { pool, opened } = make(3)
  await pool.warm()
  expect([opened(), pool.openCount, pool.inUse]).toEqual([3, 3, 0])
  for (let i = 0; i < 3; i++) await pool.acquire(none)
  const wait = pool.acquire(none)
  pool.close()
  await expect(wait).rejects.toThrow('closed')
})

test('a connection that is replaced goes when its step is done with it, and the pool keeps its size', async () => {
  const { pool, closed } = make(1)
  const first = await pool.acquire(none)
  expect(await pool.replace(() => first)).toBe(true)
  expect(closed).toEqual([])
  const second = await pool.acquire(none)
  expect(second).toBe(1)
  pool.release(first)
  expect(closed).toEqual([0])
  pool.release(second)
  expect([pool.openCount, pool.inUse]).toEqual([1, 0])
})

test('nothing is replaced by what is no better, nor by what cannot be opened', async () => {
  const { pool, closed, setDown } = make(1)
  pool.release(await pool.acquire(none))
  expect(await pool.replace(() => undefined)).toBe(false)
  expect([closed, pool.openCount]).toEqual([[1], 1])
  setDown(true)
  await expect(pool.replace(() => 0)).rejects.toThrow('refused')
  expect(pool.openCount).toBe(1)
})
