/** What the service remembers of earlier successes, for `fallback: stale`: a bounded map, least recently stored out first. */

/** Keys that one step remembers. */
export const staleCapacity = 100_000

export class StaleMemory {
  readonly #storedAt = new Map<number, number>()

  constructor(
    /** Undefined: of any age. */
    readonly staleForSeconds: number | undefined,
    readonly capacity: number = staleCapacity,
  ) {}

  store(key: number, now: number): void {
    this.#storedAt.delete(key)
    this.#storedAt.set(key, now)
    if (this.#storedAt.size <= this.capacity) return
    for (const oldest of this.#storedAt.keys()) {
      this.#storedAt.delete(oldest)
      return
    }
  }

  /** Is there something for this key that is not too old? */
  has(key: number, now: number): boolean {
    const storedAt = this.#storedAt.get(key)
    return storedAt !== undefined && (this.staleForSeconds === undefined || now - storedAt <= this.staleForSeconds)
  }
}
