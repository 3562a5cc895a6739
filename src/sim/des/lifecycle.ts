/** Instances going and coming: crashes, stops, pauses, starts. */
import { modelOf } from '../../catalog/models.js'
import type { RunEvent } from '../../result/run-event.js'
import { Agenda } from './agenda.js'
import type { Endpoint, Gone } from './endpoint.js'
import type { Member, System } from './system.js'

interface Instance {
  readonly id: string
  readonly endpoints: readonly Endpoint[]
  readonly startupSeconds: number
  restarts: number
  /** Started anew, stopped: actions of an earlier life are void. */
  life: number
  /** Not one of the component's now: an autoscaler has not started it, or has taken it away. */
  absent: boolean
  /** It has been one of them at some time. */
  seen: boolean
  /** Called when it has gone for good; undefined: it stays. */
  leaving: (() => void) | undefined
  /** Called once when it is ready again. */
  onReady: (() => void)[]
}

type Action = () => void

export class Lifecycle {
  private readonly instances = new Map<string, Instance>()
  private readonly agenda: Agenda

  constructor(
    private readonly system: System,
    private readonly emit: (event: RunEvent) => void,
  ) {
    this.agenda = new Agenda(system.kernel.queue)
    for (const member of system.members.values()) this.register(member)
  }

  /** Ids of the instances of a component, in order. */
  of(component: string): readonly string[] {
    const there = [...this.instances.values()].filter(({ id, absent }) => !absent && id.startsWith(`${component}/`))
    return there.map(({ id }) => id)
  }

  /** False only of what an autoscaler might have started, and never did. */
  hasBeen(instance: string): boolean {
    return this.instances.get(instance)?.seen ?? true
  }

  restarts(instance: string): number {
    return this.instances.get(instance)?.restarts ?? 0
  }

  /** It is not there when the run begins. */
  withhold(id: string): void {
    const instance = this.take(id)
    instance.absent = true
    instance.seen = false
    for (const endpoint of instance.endpoints) endpoint.state = 'down'
  }

  /** A new instance; `ready` is called when it first takes calls. */
  add(id: string, ready: Action): void {
    const instance = this.take(id)
    instance.absent = false
    instance.seen = true
    // The start that follows is no restart.
    instance.restarts = -1
    instance.onReady = [ready]
    this.begin(instance)
  }

  /** It goes for good, once it has answered what it has in hand, whatever befalls it; then `gone` is called. */
  remove(id: string, gone: Action): void {
    const instance = this.instances.get(id)
    if (instance === undefined) return
    instance.leaving = gone
    if (instance.endpoints.every(({ state }) => state === 'down')) this.left(this.take(id))
    else this.stop(id, undefined)
  }

  after(seconds: number, action: Action): void {
    this.agenda.after(seconds, action)
  }

  /** At once, with all that it has in hand. `restartAfterSeconds` undefined: it stays down. */
  kill(id: string, restartAfterSeconds: number | undefined, how: Gone = 'crashed'): void {
    const instance = this.take(id)
    if (instance.absent) return
    this.tell(id, 'crashed')
    for (const endpoint of instance.endpoints) this.down(endpoint, how)
    this.restartLater(instance, restartAfterSeconds)
  }

  /** Takes no more calls, and goes once those in hand are answered (a store: at once, with its connections). */
  stop(id: string, restartAfterSeconds: number | undefined): void {
    const instance = this.take(id)
    if (instance.absent) return
    const { life } = instance
    let left = instance.endpoints.length
    const gone = (endpoint: Endpoint): void => {
      if (instance.life !== life || endpoint.state === 'down') return
      this.down(endpoint, 'stopped')
      left -= 1
      if (left > 0) return
      this.tell(id, 'stopped')
      this.restartLater(instance, restartAfterSeconds)
    }
    for (const endpoint of instance.endpoints) {
      if (endpoint.station.onStop === 'reset' || endpoint.calls === 0) {
        gone(endpoint)
        continue
      }
      endpoint.state = 'draining'
      endpoint.station.draining?.(endpoint)
      // Not within the call that ends: it is still using the endpoint.
      endpoint.drained = () => this.after(0, () => gone(endpoint))
    }
  }

  pause(id: string): void {
    const instance = this.take(id)
    if (instance.absent) return
    for (const endpoint of instance.endpoints) {
      this.system.kernel.hold(endpoint)
      endpoint.processor?.pause()
      endpoint.station.lost?.(endpoint, 'unheard')
    }
    this.tell(id, 'paused')
  }

  resume(id: string): void {
    const instance = this.take(id)
    if (instance.absent) return
    for (const endpoint of instance.endpoints) {
      if (!endpoint.paused) continue
      endpoint.processor?.resume()
      this.system.kernel.releaseHeld(endpoint)
      endpoint.station.back?.(endpoint)
    }
    this.tell(id, 'ready')
  }

  /** Starts it if it is down; `ready` is called when it takes calls. */
  start(id: string, ready: () => void): void {
    const instance = this.instances.get(id)
    if (instance === undefined) return
    const goes = instance.absent || instance.leaving !== undefined
    if (goes || instance.endpoints.every((endpoint) => endpoint.state === 'up')) {
      ready()
      return
    }
    instance.onReady.push(ready)
    this.begin(instance)
  }

  /** `ready` is called when the instance is next ready. */
  whenReady(id: string, ready: () => void): void {
    this.instances.get(id)?.onReady.push(ready)
  }

  private register(member: Member): void {
    const { component } = member
    if (component.role === 'external' || component.role === 'monitor') return
    const startupSeconds =
      component.startupSeconds > 0 ? component.startupSeconds : modelOf(component.engine).startupSeconds
    const ids = new Set(member.endpoints.map((endpoint) => endpoint.instance))
    for (const id of ids)
      this.instances.set(id, {
        id,
        endpoints: member.endpoints.filter((endpoint) => endpoint.instance === id),
        startupSeconds,
        restarts: 0,
        life: 0,
        absent: false,
        seen: true,
        leaving: undefined,
        onReady: [],
      })
  }

  private take(id: string): Instance {
    const instance = this.instances.get(id)
    if (instance === undefined) throw new Error(`no instance ${id}`)
    instance.life += 1
    return instance
  }

  private down(endpoint: Endpoint, how: Gone): void {
    const { kernel } = this.system
    endpoint.state = 'down'
    endpoint.drained = undefined
    endpoint.processor?.clear()
    kernel.crashAll(endpoint)
    endpoint.station.lost?.(endpoint, how)
    if (endpoint.paused) kernel.releaseHeld(endpoint)
    for (const pool of endpoint.pools) pool.close()
    endpoint.forget()
  }

  private left(instance: Instance): void {
    const { leaving } = instance
    instance.leaving = undefined
    instance.absent = true
    instance.onReady = []
    leaving?.()
  }

  private restartLater(instance: Instance, afterSeconds: number | undefined): void {
    if (instance.leaving !== undefined) {
      this.left(instance)
      return
    }
    if (afterSeconds === undefined) return
    const { life } = instance
    this.after(afterSeconds, () => {
      if (instance.life === life) this.begin(instance)
    })
  }

  private begin(instance: Instance): void {
    instance.life += 1
    const { life } = instance
    this.tell(instance.id, 'starting')
    this.after(instance.startupSeconds, () => {
      if (instance.life !== life) return
      instance.restarts += 1
      for (const endpoint of instance.endpoints) {
        endpoint.station.renew(endpoint)
        endpoint.state = 'up'
        endpoint.station.back?.(endpoint)
      }
      this.tell(instance.id, 'ready')
      const { onReady } = instance
      instance.onReady = []
      for (const ready of onReady) ready()
    })
  }

  private tell(instance: string, state: Extract<RunEvent, { type: 'instance' }>['state']): void {
    this.emit({ type: 'instance', at: this.system.kernel.now, instance, state })
  }
}
