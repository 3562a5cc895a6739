/** Who goes when memory is full. An order knows the rows that may go, and is told of each that comes, is used, or leaves. */
export interface EvictionOrder {
  /** Rows go up to this number. */
  grow(rows: number): void
  added(row: number, now: number): void
  used(row: number, now: number): void
  removed(row: number): void
  /** The row to evict; −1: there is none that may go. It is then removed as any other. */
  victim(now: number): number
  clear(): void
}

/** Nothing goes: writes that do not fit are refused. */
export class NoEviction implements EvictionOrder {
  grow(): void {}
  added(): void {}
  used(): void {}
  removed(): void {}
  victim(): number {
    return -1
  }
  clear(): void {}
}
