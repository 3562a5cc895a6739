/** What a cache must do, said as simply as possible: for tests that compare. */
export class ReferenceLru {
  /** In order of use. */
  private readonly entries = new Map<number, { bytes: number; expiresAt: number }>()
  evictions = 0
  expired = 0

  constructor(
    private readonly capacityBytes: number,
    private readonly volatileOnly: boolean,
  ) {}

  get size(): number {
    return this.entries.size
  }

  get bytes(): number {
    return [...this.entries.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get(key: number, now: number, renewSeconds: number): boolean {
    this.expire(now)
    const entry = this.entries.get(key)
    if (entry === undefined) return false
    if (renewSeconds > 0) entry.expiresAt = now + renewSeconds
    this.entries.delete(key)
    this.entries.set(key, entry)
    return true
  }

  put(key: number, bytes: number, ttlSeconds: number, now: number): boolean {
    this.expire(now)
    if (bytes > this.capacityBytes) return false
    const old = this.entries.get(key)?.bytes ?? 0
    let room = this.capacityBytes - this.bytes + old
    for (const [other, entry] of [...this.entries]) {
      if (room >= bytes) break
      if (this.volatileOnly && entry.expiresAt === Number.POSITIVE_INFINITY) continue
      this.entries.delete(other)
      if (other === key) continue
      room += entry.bytes
      this.evictions += 1
    }
    if (room < bytes) return false
    this.entries.delete(key)
    this.entries.set(key, { bytes, expiresAt: now + ttlSeconds })
    return true
  }

  delete(key: number): boolean {
    return this.entries.delete(key)
  }

  expire(now: number): void {
    for (const [key, { expiresAt }] of this.entries)
      if (expiresAt <= now) {
        this.entries.delete(key)
        this.expired += 1
      }
  }
}
