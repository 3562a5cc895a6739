/** How fast an autoscaler may add and take away: the policies of `behavior` (Kubernetes 1.30). */

export interface RatePolicy {
  readonly kind: 'pods' | 'percent'
  /** Pods, or percent of what there was when the period began. */
  readonly value: number
  readonly periodSeconds: number
}

export interface RateRules {
  readonly policies: readonly RatePolicy[]
  /** The policy that allows the largest or the smallest change; disabled: never in this direction. */
  readonly select: 'max' | 'min' | 'disabled'
}

interface ScaleEvent {
  readonly at: number
  readonly change: number
  /** Beyond all periods of its own direction: its place may be taken. */
  outdated: boolean
}

/** What was added and taken away lately. */
export class ScaleHistory {
  readonly #added: ScaleEvent[] = []
  readonly #removed: ScaleEvent[] = []

  record(now: number, from: number, to: number, rules: { readonly up: RateRules; readonly down: RateRules }): void {
    if (to > from) store(this.#added, now, to - from, rules.up)
    else if (to < from) store(this.#removed, now, from - to, rules.down)
  }

  /** The most replicas that may be asked for now; never fewer than there are. */
  upperLimit(now: number, current: number, rules: RateRules): number {
    if (rules.select === 'disabled') return current
    const limits = rules.policies.map(({ kind, value, periodSeconds }) => {
      const before = this.#before(now, current, periodSeconds)
      return kind === 'pods' ? before + value : Math.ceil(before * (1 + value / 100))
    })
    return Math.max(current, rules.select === 'min' ? Math.min(...limits) : Math.max(...limits))
  }

  /** The fewest replicas that may be asked for now; never more than there are. */
  lowerLimit(now: number, current: number, rules: RateRules): number {
    if (rules.select === 'disabled') return current
    const limits = rules.policies.map(({ kind, value, periodSeconds }) => {
      const before = this.#before(now, current, periodSeconds)
      return kind === 'pods' ? before - value : Math.trunc(before * (1 - value / 100))
    })
    return Math.min(current, rules.select === 'min' ? Math.max(...limits) : Math.min(...limits))
  }

  /** Replicas when the period began. */
  #before(now: number, current: number, periodSeconds: number): number {
    return current - within(this.#added, now, periodSeconds) + within(this.#removed, now, periodSeconds)
  }
}

const within = (events: readonly ScaleEvent[], now: number, periodSeconds: number): number =>
  events.reduce((total, { at, change }) => (at > now - periodSeconds ? total + change : total), 0)

const store = (events: ScaleEvent[], now: number, change: number, { policies }: RateRules): void => {
  const longest = Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds))
  let place = events.length
  for (const [index, event] of events.entries()) {
    if (event.at < now - longest) event.outdated = true
    if (event.outdated) place = index
  }
  events[place] = { at: now, change, outdated: false }
}
