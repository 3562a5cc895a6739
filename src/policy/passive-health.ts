/**
 * nginx's passive health check (ngx_http_upstream_round_robin.c, 1.22): `maxFails` failures, each within
 * `failTimeoutSeconds` of the one before, make a peer unavailable for that long; then one request is let through as a
 * probe, and its success makes the peer whole. A group of one peer is never unavailable. When no peer is available
 * nothing is reset: requests fail until a rest is over. Times are seconds of any one clock. Hot: allocates nothing.
 */
export interface PassiveHealthOptions {
  /** 0: never unavailable. */
  readonly maxFails: number
  readonly failTimeoutSeconds: number
}

export class PassiveHealth {
  readonly #maxFails: number
  readonly #timeout: number
  readonly #fails: Int32Array
  /** When the peer failed last. */
  readonly #accessed: Float64Array
  /** When it failed, or was chosen, last: the start of the rest and of the window. */
  readonly #checked: Float64Array
  /** Whether failures count at all. Compared with `true`: V8 does not know that a field holds nothing but booleans. */
  #watched: boolean

  constructor(size: number, { maxFails, failTimeoutSeconds }: PassiveHealthOptions) {
    this.#maxFails = maxFails
    this.#timeout = failTimeoutSeconds
    this.#fails = new Int32Array(size)
    this.#accessed = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
    this.#checked = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
    this.#watched = maxFails > 0 && size > 1
  }

  /** The group has this many peers now. */
  resize(peers: number): void {
    this.#watched = this.#maxFails > 0 && peers > 1
  }

  /** It has failed too often: it rests, is being probed, or may be. */
  suspected(peer: number): boolean {
    return this.#watched === true && (this.#fails[peer] as number) >= this.#maxFails
  }

  available(peer: number, now: number): boolean {
    return !this.suspected(peer) || now - (this.#checked[peer] as number) > this.#timeout
  }

  /** When the present rest is over: available at any time after it. */
  restsUntil(peer: number): number {
    return (this.#checked[peer] as number) + this.#timeout
  }

  /**
   * A request is being sent to the peer: starts the time within which further failures count. Says whether the peer is
   * `suspected`.
   */
  chosen(peer: number, now: number): boolean {
    if (this.#watched !== true) return false
    if (now - (this.#checked[peer] as number) > this.#timeout) this.#checked[peer] = now
    return (this.#fails[peer] as number) >= this.#maxFails
  }

  failed(peer: number, now: number): void {
    if (this.#watched !== true) return
    this.#fails[peer] = (this.#fails[peer] as number) + 1
    this.#accessed[peer] = now
    this.#checked[peer] = now
  }

  succeeded(peer: number): void {
    if (this.#watched === true && (this.#accessed[peer] as number) < (this.#checked[peer] as number))
      this.#fails[peer] = 0
  }

  /** A peer that is new: nothing is known of it. */
  renew(peer: number): void {
    this.#fails[peer] = 0
    this.#accessed[peer] = Number.NEGATIVE_INFINITY
    this.#checked[peer] = Number.NEGATIVE_INFINITY
  }
}
