/**
 * The part of a partition that somebody still has to read: a growing ring of payloads, addressed by offset (hot path). What all
 * groups have committed, or retention has taken, is cut off.
 */
export class PartitionLog {
  /** Offset of the first message that is kept, and of the next that comes. */
  start = 0
  end = 0
  private payloads = new Int32Array(16)
  private times = new Float64Array(16)

  append(payload: number, now: number): void {
    if (this.end - this.start === this.payloads.length) this.grow()
    const at = this.end & (this.payloads.length - 1)
    this.payloads[at] = payload
    this.times[at] = now
    this.end += 1
  }

  /** Of an offset in [start, end). */
  payload(offset: number): number {
    return this.payloads[offset & (this.payloads.length - 1)] as number
  }

  /** When it was published. */
  time(offset: number): number {
    return this.times[offset & (this.times.length - 1)] as number
  }

  private grow(): void {
    const payloads = new Int32Array(this.payloads.length * 2)
    const times = new Float64Array(payloads.length)
    for (let offset = this.start; offset < this.end; offset++) {
      payloads[offset & (payloads.length - 1)] = this.payload(offset)
      times[offset & (payloads.length - 1)] = this.time(offset)
    }
    this.payloads = payloads
    this.times = times
  }
}
