/** A queue in a growing ring buffer: first in, first out, without moving anything (hot path). */
export class Ring<Item> {
  private items: (Item | undefined)[] = new Array(8).fill(undefined)
  private head = 0
  size = 0

  push(item: Item): void {
    if (this.size === this.items.length) this.grow()
    this.items[(this.head + this.size) & (this.items.length - 1)] = item
    this.size += 1
  }

  /** Only when `size` > 0. */
  shift(): Item {
    const item = this.items[this.head] as Item
    this.items[this.head] = undefined
    this.head = (this.head + 1) & (this.items.length - 1)
    this.size -= 1
    return item
  }

  clear(): void {
    while (this.size > 0) this.shift()
  }

  private grow(): void {
    const length = this.items.length
    const items: (Item | undefined)[] = new Array(length * 2).fill(undefined)
    for (let i = 0; i < this.size; i++) items[i] = this.items[(this.head + i) & (length - 1)]
    this.items = items
    this.head = 0
  }
}
