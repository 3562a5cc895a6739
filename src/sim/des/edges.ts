/** Calls and failed calls between components, by the number of the way (hot path). */
import { grownFloats } from './columns.js'

export class Edges {
  count = new Float64Array(16)
  errors = new Float64Array(16)
  /** 1: what is sent over it may take time, or not arrive (`Transit`). */
  slow = new Uint8Array(16)
  /** Told of each new way. */
  onNew: ((edge: number, from: string, to: string) => void) | undefined = undefined
  private readonly names: string[] = []
  private readonly ids = new Map<string, number>()

  constructor(private readonly growth: Int32Array) {}

  /** The number of the way from one component to another; asked for when a flow is compiled. */
  between(from: string, to: string): number {
    const name = `${from} -> ${to}`
    let id = this.ids.get(name)
    if (id === undefined) {
      id = this.names.length
      this.names.push(name)
      this.ids.set(name, id)
      if (id >= this.count.length) {
        this.growth[0] = 1
        this.count = grownFloats(this.count, id * 2)
        this.errors = grownFloats(this.errors, id * 2)
        const { slow } = this
        this.slow = new Uint8Array(id * 2)
        this.slow.set(slow)
      }
      this.onNew?.(id, from, to)
    }
    return id
  }

  reset(): void {
    this.count.fill(0)
    this.errors.fill(0)
  }

  /** By `a -> b`, of the ways that were used. */
  result(): Record<string, { readonly count: number; readonly errors: number }> {
    const result: Record<string, { count: number; errors: number }> = {}
    for (const [id, name] of this.names.entries()) {
      const count = this.count[id] ?? 0
      if (count > 0) result[name] = { count, errors: this.errors[id] ?? 0 }
    }
    return result
  }
}
