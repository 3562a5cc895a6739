/**
 * nginx's passive health check (ngx_http_upstream_round_robin.c, 1.22): `maxFails` failures, each within
 * `failTimeoutSeconds` of the one before, make a peer unavailable for that long; then one request is let through as a
 * probe, and its success makes the peer whole. A group of one peer is never unavailable. When no peer is available
 * nothing is reset: requests fail until a rest is over. Times are seconds of any one clock.
 */
export interface PassiveHealthOptions {
  /** 0: never unavailable. */
  readonly maxFails: number
  readonly failTimeoutSeconds: number
}

export interface PassiveHealth {
  available(peer: number, now: number): boolean
  /** A request is being sent to the peer: starts the time within which further failures count. */
  chosen(peer: number, now: number): void
  failed(peer: number, now: number): void
  succeeded(peer: number): void
}

export const passiveHealth = (size: number, options: PassiveHealthOptions): PassiveHealth => {
  const { maxFails, failTimeoutSeconds } = options
  const fails = new Int32Array(size)
  /** When the peer failed last. */
  const accessed = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
  /** When it failed, or was chosen, last: the start of the rest and of the window. */
  const checked = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
  const watched = maxFails > 0 && size > 1
  const at = (values: Float64Array, peer: number): number => values[peer] ?? Number.NEGATIVE_INFINITY
  return {
    available: (peer, now) => !watched || (fails[peer] ?? 0) < maxFails || now - at(checked, peer) > failTimeoutSeconds,
    chosen: (peer, now) => {
      if (watched && now - at(checked, peer) > failTimeoutSeconds) checked[peer] = now
    },
    failed: (peer, now) => {
      if (!watched) return
      fails[peer] = (fails[peer] ?? 0) + 1
      accessed[peer] = now
      checked[peer] = now
    },
    succeeded: (peer) => {
      if (watched && at(accessed, peer) < at(checked, peer)) fails[peer] = 0
    },
  }
}
