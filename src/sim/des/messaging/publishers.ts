/** Where publishers wait whose message the broker cannot take yet: tasks at the broker, by the message or ticket that waits for them. */
import { queueFull } from '../codes.js'
import type { Kernel } from '../kernel.js'
import type { Room } from '../room.js'
import { none } from '../tasks.js'

export class Publishers implements Room {
  private readonly room: number
  private readonly waiting = new Map<number, { readonly task: number; readonly payload: number }>()
  private readonly ticketOf = new Map<number, number>()

  constructor(
    private readonly kernel: Kernel,
    /** The publisher has gone: its message must not come in. */
    private readonly withdraw: (ticket: number, payload: number) => void,
  ) {
    this.room = kernel.addRoom(this)
  }

  /** The task goes on at its `pc` when its message is in. */
  wait(task: number, ticket: number, payload: number): void {
    this.waiting.set(ticket, { task, payload })
    this.ticketOf.set(task, ticket)
    this.kernel.tasks.room[task] = this.room
  }

  admitted(ticket: number): void {
    const found = this.waiting.get(ticket)
    if (found === undefined) return
    this.forget(ticket, found.task)
    this.kernel.tasks.room[found.task] = none
    this.kernel.wake(found.task)
  }

  left(task: number): void {
    const ticket = this.ticketOf.get(task)
    const found = ticket === undefined ? undefined : this.waiting.get(ticket)
    if (ticket === undefined || found === undefined) return
    this.forget(ticket, task)
    this.withdraw(ticket, found.payload)
  }

  gaveUp(): number {
    return queueFull
  }

  release(): void {
    // Nothing is held here.
  }

  private forget(ticket: number, task: number): void {
    this.waiting.delete(ticket)
    this.ticketOf.delete(task)
  }
}
