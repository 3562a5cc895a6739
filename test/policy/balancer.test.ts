import fc from 'fast-check'
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

/** A small stream of uniforms. */
const mulberry = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

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

  it('takes the less loaded of two drawn peers under random_two, of two equals the second', () => {
    const draws = [0.1, 0.9, 0.1, 0.9]
    const b = balancer({ algorithm: 'random_two', uniform: () => draws.shift() ?? 0.5 })
    expect(b.pick(0, [], 0)).toBe(1)
    expect(b.pick(0, [], 0)).toBe(0)
  })

  it('gives each peer its share by weight, exactly under round robin, on average under random_two', () => {
    const weights = [5, 1, 3, 1]
    const random = mulberry(7)
    const counts = (algorithm: BalancerOptions['algorithm'], scanLimit: number): number[] => {
      const used = picks(balancer({ algorithm, weights, scanLimit, uniform: random }), 10_000)
      return weights.map((_, peer) => used.filter((other) => other === peer).length)
    }
    expect(counts('round_robin', 100)).toEqual([5000, 1000, 3000, 1000])
    expect(counts('round_robin', 0)).toEqual([5000, 1000, 3000, 1000])
    expect(counts('least_conn', 100)).toEqual([5000, 1000, 3000, 1000])
    expect(counts('least_conn', 0)).toEqual([5000, 1000, 3000, 1000])
  })

  it('keeps the worst of 100 peers far lower with two choices than with one: less than a third', () => {
    const random = mulberry(3)
    const two = balancer({ algorithm: 'random_two', weights: Array(100).fill(1), uniform: random })
    const one = new Int32Array(100)
    for (let i = 0; i < 10_000; i++) {
      two.pick(0, [], 0)
      const peer = Math.floor(random() * 100)
      one[peer] = (one[peer] ?? 0) + 1
    }
    const excess = Math.max(...Array.from({ length: 100 }, (_, peer) => two.connections(peer))) - 100
    expect(excess).toBeLessThan((Math.max(...one) - 100) / 3)
  })

  it("places clients where nginx's ip_hash does: by the first three octets", () => {
    const b = balancer({ algorithm: 'ip_hash', weights: [1, 1, 1] })
    const nginx = (octets: readonly number[]) => octets.reduce((hash, octet) => (hash * 113 + octet) % 6271, 89) % 3
    for (const octets of [
      [10, 0, 0],
      [192, 168, 1],
      [172, 16, 254],
    ] as const)
      expect(b.pick(0, [], octets[0] | (octets[1] << 8) | (octets[2] << 16))).toBe(nginx(octets))
  })
})

describe('a group that changes', () => {
  it('hands nothing to peers that are out, at once to one that comes in, and its share from then on', () => {
    for (const algorithm of ['round_robin', 'least_conn', 'random_two', 'ip_hash'] as const) {
      const b = balancer({ algorithm, weights: [1, 1, 1, 1], uniform: mulberry(1) })
      for (const peer of [2, 3]) b.enable(peer, false, 0)
      const use = (n: number) =>
        Array.from({ length: n }, (_, client) => {
          const peer = b.pick(1, [], client * 7919)
          b.release(peer, 'succeeded', 1)
          return peer
        })
      expect(new Set(use(50))).toEqual(new Set([0, 1]))
      b.enable(3, true, 1)
      const after = use(300)
      expect(new Set(after)).toEqual(new Set([0, 1, 3]))
      expect(after.filter((peer) => peer === 3).length).toBeLessThan(150)
    }
  })

  it('a peer that comes back is new: its failures are forgotten, and it does not catch up on turns', () => {
    const b = balancer({ algorithm: 'round_robin', weights: [1, 1, 1] })
    b.release(b.pick(0, [1, 2], 0), 'failed', 0)
    expect(b.available(0, 1)).toBe(false)
    b.enable(0, false, 1)
    expect(picks(b, 20).filter((peer) => peer === 0)).toHaveLength(0)
    b.enable(0, true, 2)
    expect(b.available(0, 2)).toBe(true)
    expect(picks(b, 6)).toHaveLength(6)
    expect(picks(b, 30).filter((peer) => peer === 0)).toHaveLength(10)
  })

  it('passes over peers that an active check has marked down; the last one left never rests', () => {
    const b = balancer({ weights: [1, 1, 1] })
    b.mark(0, false, 0)
    expect(new Set(picks(b, 9))).toEqual(new Set([1, 2]))
    b.mark(0, true, 0)
    expect(new Set(picks(b, 9))).toEqual(new Set([0, 1, 2]))
    for (const peer of [1, 2]) b.enable(peer, false, 0)
    b.release(b.pick(0, [], 0), 'failed', 0)
    expect(b.pick(0, [], 0)).toBe(0)
    b.mark(0, false, 0)
    expect(b.pick(0, [], 0)).toBe(-1)
  })

  it('chooses the same peers by tree as by scan, whatever happens, and never one that it must not', () => {
    const event = fc.record({
      kind: fc.constantFrom('pick', 'pick', 'pick', 'release', 'retry', 'enable', 'mark'),
      which: fc.nat(1000),
      ended: fc.constantFrom('succeeded', 'succeeded', 'failed', 'abandoned'),
      gap: fc.constantFrom(0, 0.1, 3, 11),
    })
    fc.assert(
      fc.property(
        fc.constantFrom('round_robin', 'least_conn'),
        fc.integer({ min: 2, max: 9 }),
        fc.array(event, { maxLength: 120 }),
        (algorithm, size, events) => {
          const health = { maxFails: 2, failTimeoutSeconds: 10 }
          const weights = Array(size).fill(3)
          const scan = balancer({ algorithm, weights, health, scanLimit: 100 })
          const tree = balancer({ algorithm, weights, health, scanLimit: 0 })
          const held: number[] = []
          const out = new Set<number>()
          const down = new Set<number>()
          let now = 0
          for (const { kind, which, ended, gap } of events) {
            now += gap
            const peer = which % size
            if (kind === 'pick' || kind === 'retry') {
              const tried = kind === 'retry' ? [peer] : []
              const ready = Array.from({ length: size }, (_, i) => i).filter(
                (i) => scan.available(i, now) && !tried.includes(i),
              )
              const least = Math.min(...ready.map((i) => scan.connections(i)))
              const chosen = scan.pick(now, tried, 0)
              expect(tree.pick(now, tried, 0)).toBe(chosen)
              expect(ready.includes(chosen)).toBe(ready.length > 0)
              if (chosen < 0) continue
              held.push(chosen)
              expect(out.has(chosen) || down.has(chosen)).toBe(false)
              if (algorithm === 'least_conn') expect(scan.connections(chosen) - 1).toBe(least)
            } else if (kind === 'release') {
              const [released] = held.splice(which % Math.max(1, held.length), 1)
              for (const b of [scan, tree]) if (released !== undefined) b.release(released, ended, now)
            } else {
              const set = kind === 'enable' ? out : down
              const on = set.has(peer)
              if (on) set.delete(peer)
              else set.add(peer)
              for (const b of [scan, tree]) b[kind](peer, on, now)
            }
          }
        },
      ),
    )
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
