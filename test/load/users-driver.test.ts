import { describe, expect, it } from 'vitest'
import type { Issuer } from '../../src/load/sender.js'
import { usersDriver } from '../../src/load/users-driver.js'

/** Users whose clock is turned by hand: what they issued, and the callbacks that wait for their time. */
const byHand = (changes: { at: number; users: number }[], thinkSeconds: number, endsAt: number) => {
  const issued: { at: number; issuer: Issuer }[] = []
  const due: { at: number; run: (at: number) => void }[] = []
  const driver = usersDriver(
    changes,
    () => thinkSeconds,
    endsAt,
    { issue: (at, issuer) => issued.push({ at, issuer }) },
    { schedule: (at, run) => due.push({ at, run }) },
  )
  const turnTo = (time: number): void => {
    for (let i = due.findIndex(({ at }) => at <= time); i !== -1; i = due.findIndex(({ at }) => at <= time)) {
      const [next] = due.splice(i, 1)
      next?.run(next.at)
    }
  }
  return { driver, issued, turnTo }
}

describe('users', () => {
  it('send again as soon as they have their answer', () => {
    const { driver, issued, turnTo } = byHand([{ at: 0, users: 1 }], 0, 1)
    driver.start()
    turnTo(0)
    issued[0]?.issuer.finished(0.4)
    issued[1]?.issuer.finished(0.9)
    expect(issued.map(({ at }) => at)).toEqual([0, 0.4, 0.9])
  })

  it('begin nothing at the end or later, also when the end has not been told yet', () => {
    const { driver, issued, turnTo } = byHand([{ at: 0, users: 2 }], 0, 1)
    driver.start()
    turnTo(0)
    issued[0]?.issuer.finished(1)
    issued[1]?.issuer.finished(1.0004)
    expect(issued.map(({ at }) => at)).toEqual([0, 0])
  })

  it('who still think at the end send nothing any more', () => {
    const { driver, issued, turnTo } = byHand([{ at: 0, users: 1 }], 0.6, 1)
    driver.start()
    turnTo(0.6)
    issued[0]?.issuer.finished(0.7)
    turnTo(2)
    expect(issued.map(({ at }) => at)).toEqual([0.6])
  })
})
