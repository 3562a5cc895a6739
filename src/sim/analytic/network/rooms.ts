/** What is held while other work goes on, by name (`pool app.main`, `threads of app`, `slots of worker`), and for how many there is room. */
import type { Placement } from '../../../result/placement.js'
import type { ComponentId, ServiceComponent, Topology } from '../../../topology/types.js'
import type { Holder } from './flow-tree.js'

export interface Room {
  readonly each: number
  readonly processes: number
}

const poolHolder = (pool: string): string => `pool ${pool}`
const threadHolder = (component: ComponentId): string => `threads of ${component}`
export const slotHolder = (consumer: ComponentId): string => `slots of ${consumer}`

export const componentOfHolder = (id: string): ComponentId =>
  (id.startsWith('pool ') ? id.slice(5).split('.')[0] : id.split(' of ')[1]) ?? ''

/** Each process of an instance has its part of the instance's pool, rounded up. */
const poolRoom = (service: ServiceComponent, name: string, placement: Placement): Room => {
  const loops = placement.instances[`${service.id}/0`]?.eventLoops ?? 1
  return { each: Math.ceil((service.pools[name]?.size ?? 1) / loops), processes: loops * service.replicas }
}

/** Of a topology on a placement, whatever the load; each found once. */
export class Rooms {
  private readonly rooms = new Map<string, Room | undefined>()
  private readonly names = new Map<Holder, string | undefined>()

  constructor(
    private readonly topology: Topology,
    private readonly placement: Placement,
  ) {}

  /** The name of what limits a holder, if anything does. */
  limited(node: Holder): string | undefined {
    if (node.kind === 'message') return slotHolder(node.consumer)
    if (this.names.has(node)) return this.names.get(node)
    const name = node.kind === 'hold' ? poolHolder(node.pool) : this.threadsOf(node.component)
    this.names.set(node, name)
    return name
  }

  private threadsOf(component: ComponentId): string | undefined {
    const id = threadHolder(component)
    return this.roomOf(id) === undefined ? undefined : id
  }

  /** Undefined: for everybody. */
  roomOf(id: string): Room | undefined {
    if (this.rooms.has(id)) return this.rooms.get(id)
    const room = this.findRoom(id)
    this.rooms.set(id, room)
    return room
  }

  private findRoom(id: string): Room | undefined {
    const component = this.topology.components[componentOfHolder(id)]
    if (component?.role !== 'service') return undefined
    if (id.startsWith('pool ')) return poolRoom(component, id.slice(`pool ${component.id}.`.length), this.placement)
    if (id.startsWith('slots ')) return { each: component.slots, processes: component.replicas }
    const { execution } = component
    if (execution.model !== 'threads') return undefined
    // Where a run's placement gives it event loops instead, no thread is needed.
    if (this.placement.instances[`${component.id}/0`]?.eventLoops !== undefined) return undefined
    return { each: execution.threads, processes: component.replicas }
  }
}
