/** When a Redis that keeps snapshots (`rdb`) last wrote one: after 3600 s with 1 change, 300 s with 100, 60 s with 10,000 (Redis 7's `save`). */
const savePoints = [
  { seconds: 60, changes: 10_000 },
  { seconds: 300, changes: 100 },
  { seconds: 3600, changes: 1 },
] as const

export class Snapshots {
  savedAt = 0
  private changes = 0

  /** Something changes at `now`; what came before may have been saved in between. */
  change(now: number): void {
    const elapsed = now - this.savedAt
    if (savePoints.some(({ seconds, changes }) => elapsed >= seconds && this.changes >= changes)) this.save(now)
    this.changes += 1
  }

  /** All is saved. */
  save(now: number): void {
    this.savedAt = now
    this.changes = 0
  }

  /** The process begins anew with what it had saved. */
  forget(): void {
    this.changes = 0
  }
}
