/** Which keys were written so lately that a copy need not have the write yet. Keeps what was written within the lag (hot path). */
import { KeyIndex } from './key-index.js'
import { grown } from './rows.js'

export class RecentWrites {
  private readonly latest = new KeyIndex()
  private at = new Float64Array(16)
  private key = new Float64Array(16)
  private head = 0
  private size = 0

  constructor(private readonly lagSeconds: number) {}

  /** `key` names data set and key. */
  write(key: number, now: number): void {
    this.forget(now)
    if (this.size === this.at.length) this.widen()
    const place = (this.head + this.size) & (this.at.length - 1)
    this.at[place] = now
    this.key[place] = key
    this.size += 1
    this.latest.set(key, place)
  }

  /** Does a copy that lags miss a write of this key? */
  isRecent(key: number, now: number): boolean {
    this.forget(now)
    return this.latest.get(key) >= 0
  }

  private forget(now: number): void {
    const mask = this.at.length - 1
    while (this.size > 0 && (this.at[this.head] as number) + this.lagSeconds <= now) {
      const key = this.key[this.head] as number
      // A later write of the same key stands further back.
      if (this.latest.get(key) === this.head) this.latest.delete(key)
      this.head = (this.head + 1) & mask
      this.size -= 1
    }
  }

  private widen(): void {
    const { length } = this.at
    const at = grown(this.at, 2 * length)
    const key = grown(this.key, 2 * length)
    for (let i = 0; i < this.size; i++) {
      const from = (this.head + i) & (length - 1)
      at[i] = this.at[from] as number
      key[i] = this.key[from] as number
      this.latest.set(key[i] as number, i)
    }
    this.at = at
    this.key = key
    this.head = 0
  }
}
