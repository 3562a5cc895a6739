import { expect, test } from 'vitest'
import { faultSchedule } from '../../src/chaos/schedule.js'

test('faults strike and are taken back in order of time', () => {
  expect(
    faultSchedule([
      { atSeconds: 20, forSeconds: 5 },
      { atSeconds: 10, forSeconds: undefined },
      { atSeconds: 12, forSeconds: 30 },
    ]),
  ).toEqual([
    { at: 10, action: 'inject', fault: 1 },
    { at: 12, action: 'inject', fault: 2 },
    { at: 20, action: 'inject', fault: 0 },
    { at: 25, action: 'undo', fault: 0 },
    { at: 42, action: 'undo', fault: 2 },
  ])
})

test('one pause may begin where another ends', () => {
  const actions = faultSchedule([
    { atSeconds: 10, forSeconds: undefined },
    { atSeconds: 5, forSeconds: 5 },
  ])
  expect(actions.map(({ at, action }) => `${at} ${action}`)).toEqual(['5 inject', '10 undo', '10 inject'])
})
