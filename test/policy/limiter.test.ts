import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LimiterOptions, makeLimiter } from '../../src/policy/limiter.js'

const limiter = (options: Partial<LimiterOptions> = {}) =>
  makeLimiter({ algorithm: 'token-bucket', ratePerSecond: 10, burst: 4, ...options })

/** How many of `n` at `now` are admitted. */
const admitted = (of: ReturnType<typeof limiter>, n: number, now: number, key: string | number = 0): number =>
  Array.from({ length: n }, () => of.admit(now, key).ok).filter(Boolean).length

/** Gaps between requests: many at once, some just at the rate, some rests. */
const gaps = fc.array(fc.oneof(fc.constant(0), fc.constant(0.1), fc.double({ min: 0, max: 0.5, noNaN: true })), {
  maxLength: 300,
})

const timesOf = (between: readonly number[]): number[] => {
  let now = 0
  return between.map((gap) => (now += gap))
}

/** The most admissions in any window of `seconds`, both ends included. */
const mostWithin = (times: readonly number[], seconds: number): number =>
  Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at <= from + seconds).length))

describe('token bucket', () => {
  it('lets the burst and one more through at once, then the rate (nginx limit_req nodelay)', () => {
    const of = limiter()
    expect(admitted(of, 100, 0)).toBe(5)
    expect(admitted(of, 100, 0.1)).toBe(1)
    expect(admitted(of, 100, 0.3)).toBe(2)
    expect(admitted(of, 100, 60)).toBe(5)
  })

  it('without a burst admits evenly spaced requests at exactly the rate, and nothing in between', () => {
    const of = limiter({ burst: 0, ratePerSecond: 3 })
    expect(Array.from({ length: 30 }, (_, i) => of.admit(i / 3, 0).ok)).toEqual(Array(30).fill(true))
    expect(of.admit(29.2 / 3, 0).ok).toBe(false)
  })

  it('says when to come again, and means it', () => {
    const of = limiter()
    admitted(of, 5, 0)
    const refused = of.admit(0.02, 0)
    expect(refused).toMatchObject({ ok: false, delaySeconds: 0 })
    const at = 0.02 + refused.retryAfterSeconds
    expect(at).toBeCloseTo(0.1, 9)
    expect(of.admit(at - 1e-3, 0).ok).toBe(false)
    expect(of.admit(at, 0).ok).toBe(true)
  })

  it('never admits more than rate·t + burst + 1 in any t seconds', () => {
    fc.assert(
      fc.property(gaps, fc.double({ min: 0.5, max: 50, noNaN: true }), fc.nat(10), (between, rate, burst) => {
        const of = limiter({ ratePerSecond: rate, burst })
        const times = timesOf(between).filter((now) => of.admit(now, 0).ok)
        for (const seconds of [0, 0.1, 1, 3])
          expect(mostWithin(times, seconds)).toBeLessThanOrEqual(rate * seconds + burst + 1 + 1e-6)
      }),
    )
  })

  it('turns nobody away who keeps to the rate', () => {
    fc.assert(
      fc.property(gaps, (between) => {
        const of = limiter({ burst: 0 })
        expect(timesOf(between.map((gap) => gap + 0.1)).every((now) => of.admit(now, 0).ok)).toBe(true)
      }),
    )
  })
})

describe('leaky bucket', () => {
  it('holds each request of a burst back for its turn: 1/rate apart (nginx limit_req)', () => {
    const of = limiter({ algorithm: 'leaky-bucket' })
    const delays = Array.from({ length: 7 }, () => {
      const { ok, delaySeconds } = of.admit(0, 0)
      return ok ? delaySeconds : -1
    })
    expect(delays).toEqual([0, 0.1, 0.2, 0.3, 0.4, -1, -1])
  })

  it('lets requests leave no closer than 1/rate, and holds none for longer than burst/rate', () => {
    fc.assert(
      fc.property(gaps, (between) => {
        const of = limiter({ algorithm: 'leaky-bucket' })
        let last = Number.NEGATIVE_INFINITY
        for (const now of timesOf(between)) {
          const { ok, delaySeconds } = of.admit(now, 0)
          if (!ok) continue
          expect(delaySeconds).toBeLessThanOrEqual(0.4 + 1e-9)
          expect(now + delaySeconds - last).toBeGreaterThanOrEqual(0.1 - 1e-9)
          last = now + delaySeconds
        }
      }),
    )
  })
})

describe('sliding window', () => {
  const sliding = (options: Partial<LimiterOptions> = {}) =>
    limiter({ algorithm: 'sliding-window', burst: 0, ...options })

  it('admits the limit of a window, and in the next as much as has slid out of the last one', () => {
    const of = sliding()
    expect(admitted(of, 100, 0)).toBe(10)
    expect(admitted(of, 100, 0.9)).toBe(0)
    // A quarter into the next window three quarters of the ten still count.
    expect(admitted(of, 100, 1.25)).toBe(2)
    expect(admitted(of, 100, 1.5)).toBe(3)
    expect(admitted(of, 100, 5)).toBe(10)
  })

  it('counts over the window that is asked for, and over a request at least', () => {
    expect(admitted(sliding({ windowSeconds: 60 }), 1000, 0)).toBe(600)
    const slow = sliding({ ratePerSecond: 0.1 })
    expect(admitted(slow, 3, 0)).toBe(1)
    expect(admitted(slow, 3, 19.9)).toBe(0)
    expect(admitted(slow, 3, 20)).toBe(1)
  })

  it('says when to come again, and means it, in this window and in the next', () => {
    for (const [held, now] of [
      [10, 0.3],
      [6, 1.2],
    ] as const) {
      const of = sliding()
      if (now > 1) admitted(of, held, 0.5)
      admitted(of, 100, now)
      const at = now + of.admit(now, 0).retryAfterSeconds
      expect(of.admit(at - 1e-3, 0).ok).toBe(false)
      expect(of.admit(at + 1e-9, 0).ok).toBe(true)
    }
  })

  it('never admits more than the limit in a window from its first request, nor twice as much in any', () => {
    fc.assert(
      fc.property(gaps, (between) => {
        const of = sliding()
        const times = timesOf(between.map((gap) => gap / 5)).filter((now) => of.admit(now, 0).ok)
        expect(mostWithin(times, 0.999)).toBeLessThanOrEqual(20)
        const span = (times.at(-1) ?? 0) - (times[0] ?? 0)
        expect(times.length).toBeLessThanOrEqual(10 * (Math.floor(span) + 1))
      }),
    )
  })
})

describe('the table of keys', () => {
  it('limits each key by itself', () => {
    const of = limiter()
    expect([admitted(of, 9, 0, 'a'), admitted(of, 9, 0, 'b'), admitted(of, 9, 0, 7)]).toEqual([5, 5, 5])
    expect(admitted(of, 9, 0.1, 'a')).toBe(1)
    expect(of.size).toBe(3)
  })

  it('stays bounded: a hundred thousand keys later it knows the latest, and forgot the one that was unused longest', () => {
    const of = limiter({ maxKeys: 100, burst: 0, ratePerSecond: 0.001 })
    for (let key = 0; key < 100; key++) of.admit(0, key)
    of.admit(1, 0)
    of.admit(1, 100)
    expect(of.size).toBe(100)
    // Key 0 was used since (turned away, but known); key 1 was not, and begins anew.
    expect(of.admit(2, 0).ok).toBe(false)
    expect(of.admit(2, 1).ok).toBe(true)
    for (let key = 0; key < 1e5; key++) of.admit(3, key)
    expect(of.size).toBe(100)
    expect(of.admit(4, 99_999).ok).toBe(false)
    expect(of.admit(4, 0).ok).toBe(true)
  })

  it('keeps the order of use whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 200 }), (keys) => {
        const of = limiter({ maxKeys: 5, burst: 0, ratePerSecond: 1e-9 })
        let recent: number[] = []
        for (const key of keys) {
          expect(of.admit(0, key).ok).toBe(!recent.includes(key))
          recent = [key, ...recent.filter((other) => other !== key)].slice(0, 5)
          expect(of.size).toBe(recent.length)
        }
      }),
    )
  })
})
