/**
 * What one process remembers of the earlier successes of one step, to answer from when the real thing fails. Least recently
 * stored goes first; as large as the workload service's own.
 */
const capacity = 100_000

export class StaleMemory {
  private readonly storedAt = new Map<number, number>()

  remember(key: number, now: number): void {
    this.storedAt.delete(key)
    this.storedAt.set(key, now)
    if (this.storedAt.size <= capacity) return
    for (const oldest of this.storedAt.keys()) {
      this.storedAt.delete(oldest)
      return
    }
  }

  /** `staleForSeconds` undefined: of any age. */
  has(key: number, now: number, staleForSeconds: number | undefined): boolean {
    const at = this.storedAt.get(key)
    return at !== undefined && (staleForSeconds === undefined || now - at <= staleForSeconds)
  }
}
