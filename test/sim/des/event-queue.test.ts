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
        const ids: number[] = []
        for (let i = 0; i < 41; i++)
          ids.push(
            queue.add({
              fire: () => {
                fired.push([i, queue.now])
                queue.schedule(ids[i] ?? 0, never)
              },
            }),
          )
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
    const id = queue.add({
      fire: () => {
        queue.schedule(late, 1)
        queue.schedule(id, never)
      },
    })
    queue.schedule(id, 5)
    queue.step()
    expect(queue.nextAt).toBe(5)
  })
})

describe('lanes and delays', () => {
  it('a lane passes items on after its delay, in order, and skips stale ones without an event of their own', () => {
    const queue = new EventQueue()
    const due: [number, number][] = []
    const owner = { epoch: new Int32Array(64) }
    const lane = new Lane(queue, 2, owner, (item) => due.push([item, queue.now]))
    const entry = queue.add({
      fire: () => {
        lane.add(queue.now)
        // What waits since 1 and 2 has no use for its turn any more.
        if (queue.now === 2) owner.epoch.fill(1, 1, 3)
        queue.schedule(entry, queue.now < 40 ? queue.now + 1 : never)
      },
    })
    queue.schedule(entry, 0)
    drain(queue)
    expect(due).toHaveLength(39)
    expect(due[0]).toEqual([0, 2])
    expect(due[1]).toEqual([3, 5])
    expect(due.at(-1)).toEqual([40, 42])
  })

  it('delays of any length come due in order of time', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 60 }), (lengths) => {
        const queue = new EventQueue()
        const due: [number, number][] = []
        const owner = { epoch: new Int32Array(64) }
        const delays = new Delays(queue, owner, (item) => due.push([item, queue.now]))
        for (const [item, seconds] of lengths.entries()) {
          delays.seconds[0] = seconds
          delays.add(item)
        }
        drain(queue)
        expect(due.map(([, at]) => at)).toEqual([...lengths].sort((a, b) => a - b))
        for (const [item, at] of due) expect(lengths[item]).toBe(at)
      }),
    )
  })
})
