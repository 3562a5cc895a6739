/** Rows that wait without CPU (hot path: times in cells, so that none is boxed). */
import { LadderQueue } from '../ladder-queue.js'

export class Pauses {
  private readonly pending = new LadderQueue()
  /** [0]: when the row that is added is due; [1]: when the first is. */
  readonly times = new Float64Array([0, Number.POSITIVE_INFINITY])

  add(row: number): void {
    const { pending, times } = this
    pending.push(row, 0, times[0] as number)
    times[1] = pending.peekTime()
  }

  /** The row that is due. */
  take(): number {
    const { pending, times } = this
    pending.pop()
    times[1] = pending.peekTime()
    return pending.payload
  }
}
