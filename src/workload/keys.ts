/** Which key a request is about: what its route says, else drawn once per request by the data's popularity. */
import { keyTable } from '../lib/popularity.js'
import type { RandomStream } from '../lib/random.js'
import type { DataId, Topology } from '../topology/types.js'

/** Draws a key index of a data set. */
export type KeyChooser = (data: DataId) => number

export const keyChooser = (topology: Topology, stream: (name: string) => RandomStream): KeyChooser => {
  const draws = new Map<DataId, () => number>()
  return (id) => {
    let draw = draws.get(id)
    if (draw === undefined) {
      const data = topology.data[id]
      if (data === undefined) return 0
      const table = keyTable(data.popularity, data.keys)
      const random = stream(`key/${id}`)
      draw = () => table.draw(random.uniform())
      draws.set(id, draw)
    }
    return draw()
  }
}

export class RequestKeys {
  #known: Map<DataId, number> | undefined

  constructor(readonly choose: KeyChooser) {}

  set(data: DataId, key: number): void {
    this.#known ??= new Map()
    this.#known.set(data, key)
  }

  of(data: DataId): number {
    const known = this.#known?.get(data)
    if (known !== undefined) return known
    const key = this.choose(data)
    this.set(data, key)
    return key
  }

  /** `product=12,user=3`: how a call hands the keys of its request on. */
  header(): string {
    return [...(this.#known ?? [])].map(([data, key]) => `${encodeURIComponent(data)}=${key}`).join(',')
  }

  /** Takes what `header` wrote; anything else in it is ignored. */
  read(header: string | undefined): void {
    for (const pair of header?.split(',') ?? []) {
      const [name = '', key = ''] = pair.split('=')
      const data = decoded(name)
      if (data !== undefined && /^\d{1,15}$/.test(key)) this.set(data, Number(key))
    }
  }
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
