/** What a queue or topic has counted since the run began. */
export interface QueueTotals {
  /** ∫ messages that wait dt; of a topic the lag of the group that is furthest behind. */
  readonly lengthSeconds: number
  readonly length: number
  /** Most since the last reset. */
  readonly peak: number
  readonly published: number
  readonly rejected: number
  readonly blocked: number
  readonly delivered: number
  readonly redelivered: number
  readonly acked: number
  readonly expired: number
  readonly dropped: number
  readonly nacked: number
  readonly exhausted: number
  readonly wiped: number
  readonly received: number
  readonly deadLettered: number
  readonly lost: number
}
