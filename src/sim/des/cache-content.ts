/**
 * The keys that a cache holds: time to live per key, least recently used out first when memory is full (`noeviction`: nothing
 * more is stored).
 */
export class CacheContent {
  private readonly expiresAt = new Map<number, number>()
  private usedBytes = 0

  constructor(
    /** undefined: no limit. */
    private readonly capacityBytes: number | undefined,
    private readonly evicts: boolean,
    /** What one key and its value take. */
    private readonly bytesOf: (key: number) => number,
  ) {}

  has(key: number, now: number): boolean {
    const expires = this.expiresAt.get(key)
    if (expires === undefined) return false
    if (expires <= now) {
      this.delete(key)
      return false
    }
    // Insertion order of the map is the order of use.
    this.expiresAt.delete(key)
    this.expiresAt.set(key, expires)
    return true
  }

  store(key: number, now: number, ttlSeconds: number | undefined): void {
    const capacity = this.capacityBytes ?? Number.POSITIVE_INFINITY
    const bytes = this.bytesOf(key)
    this.delete(key)
    if (bytes > capacity) return
    while (this.usedBytes + bytes > capacity) {
      if (!this.evicts) return
      for (const oldest of this.expiresAt.keys()) {
        this.delete(oldest)
        break
      }
    }
    this.expiresAt.set(key, ttlSeconds === undefined ? Number.POSITIVE_INFINITY : now + ttlSeconds)
    this.usedBytes += bytes
  }

  delete(key: number): void {
    if (this.expiresAt.delete(key)) this.usedBytes -= this.bytesOf(key)
  }

  clear(): void {
    this.expiresAt.clear()
    this.usedBytes = 0
  }
}
