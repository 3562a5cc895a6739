/**
 * Rate limiters as pure state machines; hot in the simulator: an admission allocates nothing.
 *
 * - token bucket: nginx's `limit_req … nodelay`. `burst` requests beyond the rate pass at once: in any t seconds no more
 *   than rate·t + burst + 1.
 * - leaky bucket: nginx's `limit_req` without `nodelay`. As many pass, but each is held back until its turn: they leave
 *   1/rate apart.
 * - sliding window: haproxy's `http_req_rate(window)`: what was admitted in this window, and of the one before the share
 *   that still lies within the last `window` seconds. Two counters per key, unlike a log, whose memory grows with the
 *   rate; the price is that requests of the window before are taken for evenly spread: after a burst at its end up to
 *   twice the limit lies within some `window` seconds, never more than the limit in one window after another.
 *
 * Requests that are turned away count for nothing (as in nginx). A table keeps a bounded number of keys: when it is full
 * the one that was longest unused is forgotten.
 */
export interface LimiterOptions {
  readonly algorithm: 'token-bucket' | 'leaky-bucket' | 'sliding-window'
  readonly ratePerSecond: number
  /** Requests beyond the rate that are let through. */
  readonly burst: number
  /** Of a sliding window; undefined: 1 s, or as long as one request takes at a lower rate. */
  readonly windowSeconds?: number | undefined
  /** Keys remembered; nginx's 10 MiB zone has room for 160,000. */
  readonly maxKeys?: number
}

/** Of the latest admission: the limiter's own object, good until the next one. */
export interface Admission {
  readonly ok: boolean
  /** Admitted: how long the request is held back; else 0. */
  readonly delaySeconds: number
  /** Turned away: when at the earliest a request with this key would be admitted; else 0. */
  readonly retryAfterSeconds: number
}

export interface Limiter {
  /** `now` in seconds of one clock, which must not go back. */
  admit(now: number, key: number | string): Admission
  /** Keys remembered now. */
  readonly size: number
}

export const defaultMaxKeys = 160_000

/** Floating point must not turn away the request that comes exactly when it may. */
const rounding = 1e-9

export const makeLimiter = (options: LimiterOptions): Limiter => {
  const keys = new KeyTable(options.maxKeys ?? defaultMaxKeys)
  return options.algorithm === 'sliding-window' ? new SlidingWindow(keys, options) : new Bucket(keys, options)
}

class Verdict implements Admission {
  ok = true
  delaySeconds = 0
  retryAfterSeconds = 0
}

/** Both buckets: what exceeds the rate drains at the rate; see ngx_http_limit_req_module.c. */
class Bucket implements Limiter {
  readonly #keys: KeyTable
  readonly #verdict = new Verdict()
  readonly #rate: number
  readonly #burst: number
  readonly #paced: boolean

  constructor(keys: KeyTable, { algorithm, ratePerSecond, burst }: LimiterOptions) {
    this.#keys = keys
    this.#rate = ratePerSecond
    this.#burst = burst
    this.#paced = algorithm === 'leaky-bucket'
  }

  get size(): number {
    return this.#keys.size
  }

  admit(now: number, key: number | string): Admission {
    const verdict = this.#verdict
    const keys = this.#keys
    const slot = keys.find(key)
    // `a`: requests beyond the rate after the last admission, which was at `b`.
    const last = keys.b[slot] as number
    const excess = Math.max(0, (keys.a[slot] as number) - (now - last) * this.#rate + 1)
    if (excess > this.#burst + rounding) {
      verdict.ok = false
      verdict.delaySeconds = 0
      verdict.retryAfterSeconds = (excess - this.#burst) / this.#rate
      return verdict
    }
    keys.a[slot] = excess
    keys.b[slot] = now
    verdict.ok = true
    verdict.delaySeconds = this.#paced ? excess / this.#rate : 0
    verdict.retryAfterSeconds = 0
    return verdict
  }
}

class SlidingWindow implements Limiter {
  readonly #keys: KeyTable
  readonly #verdict = new Verdict()
  readonly #window: number
  readonly #limit: number

  constructor(keys: KeyTable, { ratePerSecond, burst, windowSeconds }: LimiterOptions) {
    this.#keys = keys
    this.#window = windowSeconds ?? Math.max(1, 1 / ratePerSecond)
    this.#limit = ratePerSecond * this.#window + burst
  }

  get size(): number {
    return this.#keys.size
  }

  admit(now: number, key: number | string): Admission {
    const verdict = this.#verdict
    const keys = this.#keys
    const window = this.#window
    const slot = keys.find(key)
    // `a`: admitted in this window, `b`: when it began, `c`: admitted in the one before.
    const elapsed = now - (keys.b[slot] as number)
    if (elapsed >= window) {
      keys.c[slot] = elapsed < 2 * window ? (keys.a[slot] as number) : 0
      keys.a[slot] = 0
      keys.b[slot] = elapsed < 2 * window ? (keys.b[slot] as number) + window : now
    }
    const admitted = keys.a[slot] as number
    const before = keys.c[slot] as number
    const share = Math.min(1, Math.max(0, 1 - (now - (keys.b[slot] as number)) / window))
    verdict.ok = before * share + admitted + 1 <= this.#limit + rounding
    verdict.delaySeconds = 0
    verdict.retryAfterSeconds = verdict.ok ? 0 : this.#wait(now, keys.b[slot] as number, admitted, before)
    if (verdict.ok) keys.a[slot] = admitted + 1
    return verdict
  }

  /** Until enough of what was admitted lies outside: in this window the last one's fades, in the next this one's. */
  #wait(now: number, began: number, admitted: number, before: number): number {
    const window = this.#window
    const room = this.#limit - 1
    if (admitted <= room) return Math.max(0, began + window * (1 - (room - admitted) / before) - now)
    return began + window * (2 - room / admitted) - now
  }
}

/** Rows of numbers by key, the longest unused forgotten for a new one; grows by doubling up to `capacity`. */
class KeyTable {
  a = new Float64Array(1)
  b = new Float64Array(1)
  c = new Float64Array(1)
  #older = new Int32Array(1)
  #newer = new Int32Array(1)
  #names: (number | string)[] = []
  readonly #slots = new Map<number | string, number>()
  readonly #capacity: number
  #oldest = -1
  #newest = -1
  #lastKey: number | string | undefined
  #lastSlot = -1

  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity)
  }

  get size(): number {
    return this.#slots.size
  }

  /** The row of a key, which is then the most recently used; a new one is empty, its time long ago. */
  find(key: number | string): number {
    if (key === this.#lastKey) return this.#lastSlot
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = this.#place()
      this.#slots.set(key, slot)
      this.#names[slot] = key
      this.a[slot] = 0
      this.b[slot] = Number.NEGATIVE_INFINITY
      this.c[slot] = 0
    } else this.#unlink(slot)
    this.#older[slot] = this.#newest
    this.#newer[slot] = -1
    if (this.#newest >= 0) this.#newer[this.#newest] = slot
    else this.#oldest = slot
    this.#newest = slot
    this.#lastKey = key
    this.#lastSlot = slot
    return slot
  }

  #place(): number {
    const { size } = this.#slots
    if (size < this.#capacity) {
      if (size === this.a.length) this.#grow(Math.min(this.#capacity, size * 2))
      return size
    }
    const slot = this.#oldest
    this.#unlink(slot)
    this.#slots.delete(this.#names[slot] as number | string)
    return slot
  }

  #unlink(slot: number): void {
    const older = this.#older[slot] as number
    const newer = this.#newer[slot] as number
    if (older >= 0) this.#newer[older] = newer
    else this.#oldest = newer
    if (newer >= 0) this.#older[newer] = older
    else this.#newest = older
  }

  #grow(length: number): void {
    this.a = grown(this.a, new Float64Array(length))
    this.b = grown(this.b, new Float64Array(length))
    this.c = grown(this.c, new Float64Array(length))
    this.#older = grown(this.#older, new Int32Array(length))
    this.#newer = grown(this.#newer, new Int32Array(length))
  }
}

const grown = <A extends Float64Array | Int32Array>(from: A, to: A): A => {
  to.set(from)
  return to
}
