import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deadline, Timeouts } from '../../src/load/timeouts.js'

class Probe extends Deadline {
  expiredAt: number | undefined
  constructor(private readonly now: () => number) {
    super()
  }
  override expire(): void {
    this.expiredAt = this.now()
  }
}

describe('deadlines of requests in flight', () => {
  let time = 0
  const now = (): number => time
  const advance = (seconds: number): void => {
    for (let i = 0; i < Math.round(seconds * 1000); i++) {
      time += 0.001
      vi.advanceTimersByTime(1)
    }
  }
  beforeEach(() => {
    time = 0
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('expire in time, each lane by itself, and not at all once removed', () => {
    const timeouts = new Timeouts(now)
    const [slow, fast, answered, last] = [0, 1, 2, 3].map(() => new Probe(now)) as [Probe, Probe, Probe, Probe]
    timeouts.add(slow, 2)
    timeouts.add(answered, 1)
    advance(0.25)
    timeouts.add(fast, 1)
    timeouts.add(last, 1)
    advance(0.25)
    timeouts.remove(answered)
    advance(2)
    expect(answered.expiredAt).toBeUndefined()
    expect(fast.expiredAt).toBeCloseTo(1.25, 2)
    expect(last.expiredAt).toBeCloseTo(1.25, 2)
    expect(slow.expiredAt).toBeCloseTo(2, 2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('take one timer per timeout, however many requests there are', () => {
    const timeouts = new Timeouts(now)
    const probes = Array.from({ length: 1000 }, () => new Probe(now))
    for (const [i, probe] of probes.entries()) {
      timeouts.add(probe, i % 2 === 0 ? 1 : 2)
      if (i % 3 === 0) timeouts.remove(probe)
    }
    expect(vi.getTimerCount()).toBe(2)
    advance(3)
    expect(probes.filter((probe) => probe.expiredAt !== undefined)).toHaveLength(666)
  })

  it('removed from the middle, the front and the end leave the others in order', () => {
    const timeouts = new Timeouts(now)
    const probes = Array.from({ length: 5 }, () => new Probe(now))
    for (const probe of probes) {
      timeouts.add(probe, 1)
      advance(0.1)
    }
    for (const i of [2, 0, 4]) timeouts.remove(probes[i] as Probe)
    timeouts.remove(probes[2] as Probe)
    advance(2)
    expect(probes.map((probe) => probe.expiredAt?.toFixed(1))).toEqual([undefined, '1.1', undefined, '1.3', undefined])
  })

  it('leave no timer behind when they are closed', () => {
    const timeouts = new Timeouts(now)
    const probe = new Probe(now)
    timeouts.add(probe, 1)
    timeouts.close()
    expect(vi.getTimerCount()).toBe(0)
    advance(2)
    expect(probe.expiredAt).toBeUndefined()
  })
})
