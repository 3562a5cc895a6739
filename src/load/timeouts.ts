/**
 * Hot: deadlines of requests in flight without a timer for each. Requests of one timeout fall due in the order in which
 * they were sent, so each timeout has a lane (a doubly linked list, oldest first) and one timer at its head.
 */

/** Something with a deadline; the links belong to its lane. */
export class Deadline {
  /** Monotonic seconds; meaningful while in a lane. */
  dueAt = 0
  lane: Lane | undefined
  previous: Deadline | undefined
  next: Deadline | undefined

  /** Called once when the deadline passes; it has left its lane by then. */
  expire(): void {}
}

interface Lane {
  readonly seconds: number
  first: Deadline | undefined
  last: Deadline | undefined
  timer: NodeJS.Timeout | undefined
}

const unlink = (lane: Lane, item: Deadline): void => {
  if (item.previous === undefined) lane.first = item.next
  else item.previous.next = item.next
  if (item.next === undefined) lane.last = item.previous
  else item.next.previous = item.previous
  item.previous = undefined
  item.next = undefined
  item.lane = undefined
}

export class Timeouts {
  readonly #lanes = new Map<number, Lane>()

  constructor(readonly now: () => number) {}

  /** `item` expires `seconds` from now unless it is removed before. */
  add(item: Deadline, seconds: number): void {
    let lane = this.#lanes.get(seconds)
    if (lane === undefined) {
      lane = { seconds, first: undefined, last: undefined, timer: undefined }
      this.#lanes.set(seconds, lane)
    }
    item.dueAt = this.now() + seconds
    item.lane = lane
    item.previous = lane.last
    if (lane.last === undefined) lane.first = item
    else lane.last.next = item
    lane.last = item
    if (lane.timer === undefined) this.#arm(lane)
  }

  remove(item: Deadline): void {
    if (item.lane !== undefined) unlink(item.lane, item)
  }

  /** Forgets every deadline; none of them expires any more. */
  close(): void {
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer)
    this.#lanes.clear()
  }

  /** The timer stays when its request is answered: at its time it finds who is first then. */
  #arm(lane: Lane): void {
    const first = lane.first
    lane.timer =
      first === undefined
        ? undefined
        : setTimeout(() => this.#strike(lane), Math.max(0, Math.ceil((first.dueAt - this.now()) * 1000)))
  }

  #strike(lane: Lane): void {
    const now = this.now()
    for (let first = lane.first; first !== undefined && first.dueAt <= now; first = lane.first) {
      unlink(lane, first)
      first.expire()
    }
    this.#arm(lane)
  }
}
