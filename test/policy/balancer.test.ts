import { describe, expect, it } from 'vitest'
import { type BalancerOptions, makeBalancer } from '../../src/policy/balancer.js'

const balancer = (options: Partial<BalancerOptions> = {}) =>
  makeBalancer({
    algorithm: 'least_conn',
    weights: [1, 1],
    health: { maxFails: 1, failTimeoutSeconds: 10 },
    uniform: () => 0.3,
    ...options,
  })

const picks = (b: ReturnType<typeof balancer>, n: number): number[] =>
  Array.from({ length: n }, () => {
    const peer = b.pick(0, [], 0)
    b.release(peer, 'succeeded', 0)
    return peer
  })

describe('balancer', () => {
  it('spreads requests that overlap with none in turn, under least_conn as under round_robin', () => {
    for (const algorithm of ['least_conn', 'round_robin'] as const)
      expect(picks(balancer({ algorithm, weights: [1, 1, 1] }), 6)).toEqual([0, 1, 2, 0, 1, 2])
  })

  it('interleaves weights 5, 1, 1 as nginx does: a a b a c a a', () => {
    expect(picks(balancer({ algorithm: 'round_robin', weights: [5, 1, 1] }), 7)).toEqual([0, 0, 1, 0, 2, 0, 0])
  })

  it('prefers the peer with fewer connections per weight', () => {
    const b = balancer({ weights: [1, 3] })
    const held = Array.from({ length: 8 }, () => b.pick(0, [], 0))
    expect(held.filter((peer) => peer === 0)).toHaveLength(2)
    expect([b.connections(0), b.connections(1)]).toEqual([2, 6])
  })

  it('never offers a peer that the request has tried, and −1 when all are tried', () => {
    const b = balancer()
    expect(b.pick(0, [0], 0)).toBe(1)
    expect(b.pick(0, [1], 0)).toBe(0)
    expect(b.pick(0, [0, 1], 0)).toBe(-1)
  })

  it('keeps one client on one peer under ip_hash, moves it only while that peer rests, and uses all peers', () => {
    const b = balancer({ algorithm: 'ip_hash', weights: [1, 1, 1] })
    const first = b.pick(0, [], 42)
    for (let i = 0; i < 5; i++) expect(b.pick(0, [], 42)).toBe(first)
    b.release(first, 'failed', 0)
    expect(b.pick(1, [], 42)).not.toBe(first)
    expect(b.pick(11, [], 42)).toBe(first)
    b.release(first, 'succeeded', 11)
    const used = new Set(Array.from({ length: 60 }, (_, client) => b.pick(20, [], client * 257)))
    expect(used.size).toBe(3)
  })

  it('takes the less loaded of two drawn peers under random_two', () => {
    const draws = [0.1, 0.9, 0.1, 0.9]
    const b = balancer({ algorithm: 'random_two', uniform: () => draws.shift() ?? 0.5 })
    expect(b.pick(0, [], 0)).toBe(0)
    expect(b.pick(0, [], 0)).toBe(1)
  })
})

describe('passive health', () => {
  it('rests a peer after maxFails failures for failTimeout, then lets one probe through', () => {
    const b = balancer({ health: { maxFails: 3, failTimeoutSeconds: 10 } })
    for (let i = 0; i < 3; i++) {
      expect(b.available(0, i)).toBe(true)
      b.pick(i, [1], 0)
      b.release(0, 'failed', i)
    }
    expect(b.available(0, 3)).toBe(false)
    expect(b.available(0, 12)).toBe(false)
    expect(b.available(0, 12.1)).toBe(true)
    // The probe is under way: nobody else is sent there.
    expect(b.pick(12.1, [1], 0)).toBe(0)
    expect(b.available(0, 12.2)).toBe(false)
    b.release(0, 'succeeded', 12.3)
    expect(b.available(0, 12.3)).toBe(true)
  })

  it('rests again after a single failure of the probe', () => {
    const b = balancer({ health: { maxFails: 3, failTimeoutSeconds: 10 } })
    for (let i = 0; i < 3; i++) {
      b.pick(0, [1], 0)
      b.release(0, 'failed', 0)
    }
    b.pick(11, [1], 0)
    b.release(0, 'failed', 11)
    expect(b.available(0, 20.9)).toBe(false)
    expect(b.available(0, 21.1)).toBe(true)
  })

  it('resets nothing when all rest: no live upstreams until a rest is over (nginx 1.22)', () => {
    const b = balancer()
    for (const peer of [0, 1]) {
      expect(b.pick(0, peer === 0 ? [1] : [0], 0)).toBe(peer)
      b.release(peer, 'failed', 0)
    }
    for (const now of [0.1, 5, 10]) expect(b.pick(now, [], 0)).toBe(-1)
    expect(b.pick(10.1, [], 0)).toBeGreaterThanOrEqual(0)
  })

  it('never rests the only peer, nor any with maxFails 0', () => {
    const single = balancer({ weights: [1] })
    const unwatched = balancer({ health: { maxFails: 0, failTimeoutSeconds: 10 } })
    for (const b of [single, unwatched])
      for (let i = 0; i < 5; i++) {
        const peer = b.pick(0, [], 0)
        expect(peer).toBeGreaterThanOrEqual(0)
        b.release(peer, 'failed', 0)
      }
  })

  it('a success soon after a failure forgives nothing: only one that was tried after the rest does', () => {
    const b = balancer({ health: { maxFails: 2, failTimeoutSeconds: 10 } })
    const use = (ended: 'failed' | 'succeeded', now: number): void => b.release(b.pick(now, [1], 0), ended, now)
    use('failed', 1)
    use('succeeded', 2)
    expect(b.available(0, 3)).toBe(true)
    use('failed', 3)
    expect(b.available(0, 4)).toBe(false)
    use('succeeded', 14)
    use('failed', 15)
    expect(b.available(0, 16)).toBe(true)
  })

  it('takes an abandoned request for no sign of health or illness', () => {
    const b = balancer({ health: { maxFails: 1, failTimeoutSeconds: 10 } })
    b.pick(0, [1], 0)
    b.release(0, 'failed', 0)
    b.pick(11, [1], 0)
    b.release(0, 'abandoned', 11)
    expect(b.available(0, 12)).toBe(false)
    expect(b.connections(0)).toBe(0)
  })
})
