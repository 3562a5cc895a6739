import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BreakerCall, breaker, breakerMinimumCalls } from '../../src/policy/breaker.js'

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

/** Seconds between events, and what happens: a call begins, or the oldest one ends. */
const life = fc.array(
  fc.record({
    gap: fc.constantFrom(0, 0.2, 1, 6, 30),
    event: fc.constantFrom('enter', 'enter', 'success', 'failure', 'failure', 'abandon'),
  }),
  { maxLength: 400 },
)

test('half-open it never has more than `probes` calls under way, and lets none through when it is open', () => {
  fc.assert(
    fc.property(life, fc.integer({ min: 1, max: 4 }), (events, probes) => {
      const machine = breaker({ ...policy, probes })
      let held: { readonly call: BreakerCall; readonly probe: boolean }[] = []
      let now = 0
      let before = machine.state(0)
      for (const { gap, event } of events) {
        now += gap
        const state = machine.state(now)
        // What was admitted while it was closed, or in an earlier attempt to recover, is no probe of this one.
        if (state !== before) held = held.map(({ call }) => ({ call, probe: false }))
        if (event === 'enter') {
          const call = machine.enter(now)
          if (state === 'open') expect(call).toBeUndefined()
          if (state === 'closed') expect(call).toBeDefined()
          if (call !== undefined) held.push({ call, probe: state === 'half-open' })
        } else held.shift()?.call[event](now)
        before = machine.state(now)
        if (before !== state) held = held.map(({ call }) => ({ call, probe: false }))
        expect(held.filter(({ probe }) => probe).length).toBeLessThanOrEqual(probes)
      }
    }),
  )
})

test('it opens only when the share of errors in the window is reached, and stays open exactly as long as declared', () => {
  fc.assert(
    fc.property(life, (events) => {
      const machine = breaker(policy)
      let ended: { readonly at: number; readonly failed: boolean }[] = []
      let now = 0
      let openedAt: number | undefined
      for (const { gap, event } of events) {
        now += gap
        const state = machine.state(now)
        if (openedAt !== undefined && state !== 'closed')
          expect(state).toBe(now >= openedAt + policy.openSeconds ? 'half-open' : 'open')
        if (state === 'closed') openedAt = undefined
        const call = machine.enter(now)
        if (event === 'failure') call?.failure(now)
        else if (event === 'success') call?.success(now)
        else call?.abandon(now)
        if (state === 'closed' && (event === 'failure' || event === 'success'))
          ended.push({ at: now, failed: event === 'failure' })
        if (machine.state(now) !== state) {
          if (state === 'closed') {
            const recent = ended.filter(({ at }) => at > now - policy.windowSeconds)
            expect(recent.length).toBeGreaterThanOrEqual(breakerMinimumCalls)
          }
          ended = []
          openedAt = machine.state(now) === 'open' ? now : undefined
        }
      }
    }),
  )
})
