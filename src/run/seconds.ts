/** Brings together what the load generator and the system saw of one second: whichever comes last completes it. */
import type { LoadSecond } from '../contract/load.js'
import { instancesOf } from '../result/capacity.js'
import type { Placement } from '../result/placement.js'
import type { InstanceState, RunEvent, SecondEvent } from '../result/run-event.js'
import type { StepFact } from '../topology/steps.js'
import { componentSecond, type Interval } from './meter.js'

export class SecondAssembler {
  readonly #placement: Placement
  readonly #facts: ReadonlyMap<string, StepFact>
  readonly #components: readonly string[]
  readonly #emit: (second: SecondEvent) => void
  readonly #loads = new Map<number, LoadSecond>()
  readonly #intervals = new Map<number, Interval | null>()
  readonly #states = new Map<string, InstanceState>()

  constructor(placement: Placement, facts: ReadonlyMap<string, StepFact>, emit: (second: SecondEvent) => void) {
    this.#placement = placement
    this.#facts = facts
    this.#emit = emit
    const instances = Object.keys(placement.instances).filter((id) => id !== 'generator')
    this.#components = [...new Set(instances.map((id) => id.slice(0, id.lastIndexOf('/'))))]
  }

  /** Keeps track of which instances are ready. */
  follow(event: Extract<RunEvent, { type: 'instance' }>): void {
    this.#states.set(event.instance, event.state)
  }

  load(second: LoadSecond): void {
    this.#loads.set(Math.round(second.at), second)
    this.#complete(Math.round(second.at))
  }

  /** Null: the system could not be sampled. */
  interval(second: number, interval: Interval | null): void {
    this.#intervals.set(second, interval)
    this.#complete(second)
  }

  #complete(at: number): void {
    const load = this.#loads.get(at)
    const interval = this.#intervals.get(at)
    if (load === undefined || interval === undefined) return
    this.#loads.delete(at)
    this.#intervals.delete(at)
    this.#emit({
      type: 'second',
      at,
      requests: load.requests,
      components:
        interval === null
          ? {}
          : Object.fromEntries(
              this.#components.map((id) => [
                id,
                componentSecond(id, this.#placement, interval, this.#ready(id), this.#facts),
              ]),
            ),
      hosts:
        interval === null ? {} : Object.fromEntries(Object.entries(interval.hosts).map(([id, cpu]) => [id, { cpu }])),
      generator: load.generator,
    })
  }

  #ready(component: string): number {
    return instancesOf(this.#placement, component).filter((id) => (this.#states.get(id) ?? 'ready') === 'ready').length
  }
}
