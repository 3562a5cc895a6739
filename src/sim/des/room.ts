/** Where tasks wait in line for something that is not time or CPU: a connection, a thread, a lock, a place in a queue. */
export interface Room {
  /** The task leaves before its turn. Its entry in the line is stale, for its epoch has changed or is about to. */
  left(task: number): void
  /** Its patience is about to make a task leave; returns the error code that it leaves with. */
  gaveUp(task: number): number
  /** The task, or the call that took it over, is over with what the room gave it. */
  release(task: number): void
}
