/** Weights of the peers of a group, and the peer at a place when each covers as many places as it weighs. Hot. */
export class PeerWeights {
  readonly #weight: Float64Array
  readonly #stride: Float64Array
  /** Peers of the group in order, and the sum of the weights up to and with each. */
  #members = new Int32Array(0)
  #upTo = new Float64Array(0)
  total = 0
  count = 0

  constructor(weights: readonly number[]) {
    this.#weight = Float64Array.from(weights)
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
    this.#stride = Float64Array.from(weights, (weight) => mean / weight)
  }

  regroup(members: readonly number[]): void {
    this.count = members.length
    this.#members = Int32Array.from(members)
    this.#upTo = new Float64Array(members.length)
    this.total = 0
    for (const [index, peer] of members.entries()) {
      this.total += this.of(peer)
      this.#upTo[index] = this.total
    }
  }

  of(peer: number): number {
    return this.#weight[peer] as number
  }

  /** Of a turn: the less it weighs the longer it lasts; 1 on average. */
  stride(peer: number): number {
    return this.#stride[peer] as number
  }

  /** `place` in [0, total). */
  at(place: number): number {
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#upTo[middle] as number) > place) high = middle
      else low = middle + 1
    }
    return this.#members[low] as number
  }
}
