import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Delays } from '../../../src/sim/des/delays.js'
import { EventQueue, never } from '../../../src/sim/des/event-queue.js'
import { Lane } from '../../../src/sim/des/lane.js'

const drain = (queue: EventQueue): void => {
  while (queue.nextAt < never) queue.step()
}

describe('event queue', () => {
  it('fires sources in order of time, however they were moved', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.double({ min: 0, max: 100, noNaN: true }))), (moves) => {
        const queue = new EventQueue()
        const fired: [number, number][] = []
        const ids = Array.from({ length: 41 }, (_, i) => queue.add({ fire: () => fired.push([i, queue.now]) }))
        const last = new Map<number, number>()
        for (const [source, time] of moves) {
          queue.schedule(ids[source] ?? 0, time)
          last.set(source, time)
        }
        drain(queue)
        const expected = [...last].map(([, time]) => time).sort((a, b) => a - b)
        expect(fired.map(([, at]) => at)).toEqual(expected)
        for (const [source, at] of fired) expect(last.get(source)).toBe(at)
      }),
    )
  })

  it('leaves a source that was moved to never idle', () => {
    const queue = new EventQueue()
    const id = queue.add({ fire: () => expect.fail('fired') })
    queue.schedule(id, 5)
    queue.schedule(id, never)
    expect(queue.nextAt).toBe(never)
  })

  it('takes a time in the past for now', () => {
    const queue = new EventQueue()
    const late = queue.add({ fire: () => undefined })
    const id = queue.add({ fire: () => queue.schedule(late, 1) })
    queue.schedule(id, 5)
    queue.step()
    expect(queue.nextAt).toBe(5)
  })
})

describe('lanes and delays', () => {
  const client = (queue: EventQueue, due: [string, number][], gone: ReadonlySet<number> = new Set()) => ({
    stale: (_: string, stamp: number) => gone.has(stamp),
    due: (item: string) => {
      due.push([item, queue.now])
    },
  })

  it('a lane passes items on after its delay, in order, and skips stale ones without an event of their own', () => {
    const queue = new EventQueue()
    const due: [string, number][] = []
    const lane = new Lane(queue, 2, client(queue, due, new Set([1, 2])))
    const entry = queue.add({
      fire: () => {
        lane.add(`at ${queue.now}`, queue.now)
        if (queue.now < 40) queue.schedule(entry, queue.now + 1)
      },
    })
    queue.schedule(entry, 0)
    drain(queue)
    expect(due).toHaveLength(39)
    expect(due[0]).toEqual(['at 0', 2])
    expect(due[1]).toEqual(['at 3', 5])
    expect(due.at(-1)).toEqual(['at 40', 42])
  })

  it('delays of any length come due in order of time', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 60 }), (lengths) => {
        const queue = new EventQueue()
        const due: [string, number][] = []
        const delays = new Delays(queue, client(queue, due))
        for (const seconds of lengths) delays.add(String(seconds), 0, seconds)
        drain(queue)
        expect(due.map(([, at]) => at)).toEqual([...lengths].sort((a, b) => a - b))
        for (const [item, at] of due) expect(Number(item)).toBe(at)
      }),
    )
  })
})
