/**
 * The least of many peers by a key. Few are looked at one by one; for many a tournament tree needs log₂ n comparisons.
 * Hot: typed arrays, nothing allocated.
 */
export class PeerOrder {
  /** Infinity: not to be chosen. */
  readonly #key: Float64Array
  /** The winner below each node, leaves in the second half; undefined: too few peers for a tree. */
  readonly #winner: Int32Array | undefined

  /** All peers begin with no place in the order. */
  constructor(size: number, scanLimit: number) {
    const leaves = size > scanLimit ? 2 ** Math.ceil(Math.log2(Math.max(2, size))) : size
    this.#key = new Float64Array(leaves).fill(Number.POSITIVE_INFINITY)
    if (size <= scanLimit) return
    const winner = new Int32Array(2 * leaves)
    for (let leaf = 0; leaf < leaves; leaf++) winner[leaves + leaf] = leaf
    for (let node = leaves - 1; node >= 1; node--) winner[node] = winner[2 * node] as number
    this.#winner = winner
  }

  /** The peer with the least key, the first of several; −1: none has one. */
  least(): number {
    const key = this.#key
    if (this.#winner !== undefined) {
      const peer = this.#winner[1] as number
      return (key[peer] as number) < Number.POSITIVE_INFINITY ? peer : -1
    }
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let peer = 0; peer < key.length; peer++) {
      const own = key[peer] as number
      if (own < least) {
        least = own
        best = peer
      }
    }
    return best
  }

  set(peer: number, key: number): void {
    this.#key[peer] = key
    const winner = this.#winner
    if (winner === undefined) return
    for (let node = (peer + this.#key.length) >> 1; node >= 1; node >>= 1) {
      const left = winner[2 * node] as number
      const right = winner[2 * node + 1] as number
      const better = (this.#key[left] as number) <= (this.#key[right] as number) ? left : right
      // Whoever won here before and still does is not this peer: further up nothing has changed.
      if (better !== peer && better === winner[node]) return
      winner[node] = better
    }
  }
}
