/**
 * Active health checks as haproxy (`check inter … rise … fall`) and Kubernetes' readiness probes do them: a probe every
 * interval, which fails when it is not answered well within the timeout; `fall` failures in a row take a peer out, `rise`
 * successes in a row bring it back. Pure: the caller sends the probes and says how each ended.
 */
export interface ActiveHealthOptions {
  readonly intervalSeconds: number
  /** Of one probe. */
  readonly timeoutSeconds: number
  readonly rise: number
  readonly fall: number
}

/** haproxy's own, beside `check`. */
export const activeHealthDefaults = { rise: 2, fall: 3 } as const

export class ActiveHealth {
  readonly #options: ActiveHealthOptions
  readonly #up: Uint8Array
  /** Probes in a row that contradict what the peer is taken for. */
  readonly #against: Int32Array

  /** Peers are taken for up at first, as by haproxy; `up` false: for down, as by Kubernetes. */
  constructor(size: number, options: ActiveHealthOptions, up = true) {
    this.#options = options
    this.#up = new Uint8Array(size).fill(up ? 1 : 0)
    this.#against = new Int32Array(size)
  }

  up(peer: number): boolean {
    return this.#up[peer] === 1
  }

  /** A probe ended (timeouts: not well). Returns whether that turned the peer. */
  probed(peer: number, well: boolean): boolean {
    const up = this.#up[peer] === 1
    if (well === up) {
      this.#against[peer] = 0
      return false
    }
    const against = (this.#against[peer] as number) + 1
    const turns = against >= (up ? this.#options.fall : this.#options.rise)
    this.#against[peer] = turns ? 0 : against
    if (turns) this.#up[peer] = up ? 0 : 1
    return turns
  }

  /** A peer that begins anew, such as one that was added. */
  renew(peer: number, up: boolean): void {
    this.#up[peer] = up ? 1 : 0
    this.#against[peer] = 0
  }

  /**
   * When to probe a peer first: probes of a group are spread over the interval (haproxy's default), so that they neither
   * come all at once nor all find the same instant. `startAt` is when checking begins.
   */
  firstProbeAt(peer: number, startAt: number): number {
    return startAt + (this.#options.intervalSeconds * peer) / this.#up.length
  }

  /** When to probe again after a probe that began at `began` and ended at `ended`: never two at once. */
  nextProbeAt(began: number, ended: number): number {
    return Math.max(began + this.#options.intervalSeconds, ended)
  }
}
