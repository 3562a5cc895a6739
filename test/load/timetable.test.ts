import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Timetable } from '../../src/load/timetable.js'

/** A timetable whose alarm the test rings, and the times that the alarm was set to. */
const underTest = () => {
  let time = 0
  let ring = (): void => {}
  const settings: number[] = []
  const timetable = new Timetable(
    () => time,
    (onRing) => {
      ring = onRing
      return {
        ready: Promise.resolve(),
        set: (at) => settings.push(at),
        cpuSeconds: () => 0,
        close: () => Promise.resolve(),
      }
    },
  )
  return {
    timetable,
    settings,
    ringAt: (at: number) => {
      time = at
      ring()
    },
  }
}

describe('the timetable', () => {
  it('runs tasks in order of time, those of one time in order of entry, with the time they were due', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }), (times) => {
        const { timetable, ringAt } = underTest()
        const ran: [number, number][] = []
        for (const [i, at] of times.entries()) timetable.schedule(at, (due) => ran.push([due, i]))
        ringAt(21)
        expect(ran).toEqual(times.map((at, i): [number, number] => [at, i]).sort(([a, i], [b, j]) => a - b || i - j))
      }),
    )
  })

  it('sets the alarm to what comes first, and only when that changes', () => {
    const { timetable, settings, ringAt } = underTest()
    timetable.schedule(5, () => {})
    timetable.schedule(7, () => {})
    timetable.schedule(3, () => {})
    expect(settings).toEqual([5, 3])
    ringAt(3)
    expect(settings).toEqual([5, 3, 5])
    timetable.run(5.5)
    expect(settings).toEqual([5, 3, 5, 7])
  })

  it('leaves what falls due while it runs to the next ring, however far behind it is', () => {
    const { timetable, settings, ringAt } = underTest()
    let arrivals = 0
    const arrive = (at: number): void => {
      arrivals++
      timetable.schedule(at + 1, arrive)
    }
    timetable.schedule(1, arrive)
    ringAt(100)
    expect(arrivals).toBe(100)
    expect(settings.at(-1)).toBe(101)
  })

  it('sets the alarm again after a ring that came too early', () => {
    const { timetable, settings, ringAt } = underTest()
    let ran = false
    timetable.schedule(5, () => {
      ran = true
    })
    ringAt(4.9)
    expect(ran).toBe(false)
    expect(settings).toEqual([5, 5])
  })
})
