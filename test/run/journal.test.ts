import { expect, test } from 'vitest'
import type { RunEvent } from '../../src/result/run-event.js'
import { Journal } from '../../src/run/journal.js'

const note = (at: number, message = String(at)): RunEvent => ({ type: 'note', at, message })

const recorded = () => {
  const seen: string[] = []
  const journal = new Journal((event) => seen.push(event.type === 'note' ? event.message : event.type))
  return { journal, seen }
}

test('what nothing earlier can precede is handed on at once', () => {
  const { journal, seen } = recorded()
  journal.add(note(1))
  journal.add(note(2))
  expect(seen).toEqual(['1', '2'])
})

test('events behind a barrier wait, then come in order of time', () => {
  const { journal, seen } = recorded()
  journal.hold('second', 3)
  journal.add(note(4))
  journal.add(note(2))
  journal.add(note(3.5))
  expect(seen).toEqual(['2'])
  journal.add(note(3))
  journal.release('second')
  expect(seen).toEqual(['2', '3', '3.5', '4'])
})

test('the earliest of several barriers counts', () => {
  const { journal, seen } = recorded()
  journal.hold('second', 3)
  journal.hold('injection', 2.5)
  journal.add(note(2.7))
  journal.release('second')
  expect(seen).toEqual([])
  journal.release('injection')
  expect(seen).toEqual(['2.7'])
})

test('events of one time keep their order, and closing hands on the rest', () => {
  const { journal, seen } = recorded()
  journal.hold('second', 0)
  journal.add(note(1, 'a'))
  journal.add(note(1, 'b'))
  journal.close()
  expect(seen).toEqual(['a', 'b'])
  expect(journal.events).toHaveLength(2)
})
