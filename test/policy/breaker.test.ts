import { expect, test } from 'vitest'
import { breaker, breakerMinimumCalls } from '../../src/policy/breaker.js'

const policy = { errors: 0.5, windowSeconds: 10, openSeconds: 5, probes: 1 }

const fail = (machine: ReturnType<typeof breaker>, times: number, now: number): void => {
  for (let i = 0; i < times; i++) machine.enter(now)?.failure(now)
}

test('it opens when half of at least ten calls in the window failed', () => {
  const machine = breaker(policy)
  for (let i = 0; i < 5; i++) machine.enter(1)?.success(1)
  fail(machine, 4, 2)
  expect(machine.state(2)).toBe('closed')
  fail(machine, 1, 2)
  expect(machine.state(2)).toBe('open')
  expect(machine.enter(2)).toBeUndefined()
})

test('fewer calls than the minimum do not open it', () => {
  const machine = breaker(policy)
  fail(machine, breakerMinimumCalls - 1, 0)
  expect(machine.state(0)).toBe('closed')
})

test('errors older than the window are forgotten', () => {
  const machine = breaker(policy)
  fail(machine, 9, 0)
  fail(machine, 1, 11)
  expect(machine.state(11)).toBe('closed')
})

test('half-open lets as many probes through as declared; success closes it, failure opens it again', () => {
  const machine = breaker(policy)
  fail(machine, 10, 0)
  expect(machine.state(4.9)).toBe('open')
  expect(machine.state(5)).toBe('half-open')
  const probe = machine.enter(5)
  expect(machine.enter(5)).toBeUndefined()
  probe?.failure(6)
  expect(machine.state(6)).toBe('open')
  expect(machine.state(10.9)).toBe('open')
  machine.enter(11)?.success(11)
  expect(machine.state(11)).toBe('closed')
})

test('an abandoned probe gives its place to another', () => {
  const machine = breaker(policy)
  fail(machine, 10, 0)
  machine.enter(5)?.abandon(5)
  expect(machine.enter(5)).toBeDefined()
})

test('calls admitted before it opened do not count as probes', () => {
  const machine = breaker(policy)
  const late = machine.enter(0)
  fail(machine, 10, 0)
  expect(machine.state(5)).toBe('half-open')
  late?.success(5)
  expect(machine.state(5)).toBe('half-open')
})
