/** Calls and failed calls between components. */
import type { Endpoint } from './endpoint.js'

export interface EdgeCount {
  count: number
  errors: number
}

export class Edges {
  /** By caller's component, then callee's. */
  private readonly rows = new Map<string, Map<string, EdgeCount>>()

  /** Hot path: each endpoint keeps the counters of the ways that it uses. */
  between(from: Endpoint, to: Endpoint): EdgeCount {
    const known = from.edges.get(to.station)
    if (known !== undefined) return known
    const caller = from.station.component
    const callee = to.station.component
    const row = this.rows.get(caller) ?? new Map<string, EdgeCount>()
    const edge = row.get(callee) ?? { count: 0, errors: 0 }
    this.rows.set(caller, row)
    row.set(callee, edge)
    from.edges.set(to.station, edge)
    return edge
  }

  reset(): void {
    for (const row of this.rows.values())
      for (const edge of row.values()) {
        edge.count = 0
        edge.errors = 0
      }
  }

  /** By `a -> b`. */
  result(): Record<string, { readonly count: number; readonly errors: number }> {
    const result: Record<string, { count: number; errors: number }> = {}
    for (const [from, row] of this.rows) for (const [to, edge] of row) result[`${from} -> ${to}`] = { ...edge }
    return result
  }
}
