/** Things to do at given times: lifecycle, faults, policies. Rare events, so plain closures. */
import { grownInts, IntStack } from './columns.js'
import { Delays } from './delays.js'
import type { EventQueue } from './event-queue.js'

export class Agenda {
  private readonly actions: (() => void)[] = []
  private readonly free = new IntStack()
  private readonly owner = { epoch: new Int32Array(16) }
  private readonly delays: Delays

  constructor(queue: EventQueue) {
    this.delays = new Delays(queue, this.owner, (item) => {
      const action = this.actions[item]
      this.cancel(item)
      action?.()
    })
  }

  /** Does `action` when `seconds` have passed; the number returned cancels it. */
  after(seconds: number, action: () => void): number {
    const item = this.free.size > 0 ? this.free.pop() : this.actions.length
    if (item >= this.owner.epoch.length) this.owner.epoch = grownInts(this.owner.epoch, item * 2)
    this.actions[item] = action
    this.delays.seconds[0] = Math.max(0, seconds)
    this.delays.add(item)
    return item
  }

  /** Only for what is still to come. */
  cancel(item: number): void {
    this.owner.epoch[item] = ((this.owner.epoch[item] as number) + 1) | 0
    this.actions[item] = nothing
    this.free.push(item)
  }

  /** Does `action` every `seconds`, the first time after one such interval, as long as it returns true. */
  every(seconds: number, action: () => boolean): void {
    this.after(seconds, () => {
      if (action()) this.every(seconds, action)
    })
  }
}

const nothing = (): void => undefined
