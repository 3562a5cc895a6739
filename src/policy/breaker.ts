/**
 * A circuit breaker over a sliding window of time. Pure: handed the time in seconds, which must not go back.
 * closed → open when, of at least `breakerMinimumCalls` in the window, the share of errors reaches the threshold;
 * open → half-open after `openSeconds`; half-open lets `probes` calls through: all succeed → closed, one fails → open.
 */
export interface BreakerPolicy {
  readonly errors: number
  readonly windowSeconds: number
  readonly openSeconds: number
  readonly probes: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/** Fewer calls in a window than this say nothing. */
export const breakerMinimumCalls = 10

/** The window advances in steps of a tenth. */
const slots = 10

export type BreakerOutcome = 'success' | 'failure' | 'abandon'

/** The pass of one call; settle it exactly once. `abandon`: the call ended without telling anything of the target. */
export interface BreakerCall {
  success(now: number): void
  failure(now: number): void
  abandon(now: number): void
}

export interface BreakerMachine {
  state(now: number): BreakerState
  /** A pass, or undefined when the call must fail at once. */
  enter(now: number): BreakerCall | undefined
  /** As `enter`, without an object: the number of the pass, or −1. */
  admit(now: number): number
  /** Ends what `admit` began, exactly once. */
  settle(pass: number, now: number, outcome: BreakerOutcome): void
}

export const breaker = (policy: BreakerPolicy): BreakerMachine => new Breaker(policy)

class Breaker implements BreakerMachine {
  readonly #policy: BreakerPolicy
  readonly #slotSeconds: number
  readonly #calls = new Float64Array(slots)
  readonly #errors = new Float64Array(slots)
  #newestSlot = Number.NEGATIVE_INFINITY
  #state: BreakerState = 'closed'
  #openedAt = 0
  #probing = 0
  #succeeded = 0
  /** Calls admitted before the last change of state tell nothing of the present one. */
  #epoch = 0

  constructor(policy: BreakerPolicy) {
    this.#policy = policy
    this.#slotSeconds = policy.windowSeconds / slots
  }

  state(now: number): BreakerState {
    this.#advance(now)
    return this.#state
  }

  enter(now: number): BreakerCall | undefined {
    const pass = this.admit(now)
    if (pass < 0) return undefined
    return {
      success: (at) => this.settle(pass, at, 'success'),
      failure: (at) => this.settle(pass, at, 'failure'),
      abandon: (at) => this.settle(pass, at, 'abandon'),
    }
  }

  admit(now: number): number {
    this.#advance(now)
    if (this.#state === 'open') return -1
    if (this.#state === 'half-open') {
      if (this.#probing >= this.#policy.probes) return -1
      this.#probing++
    }
    return this.#epoch
  }

  settle(pass: number, now: number, outcome: BreakerOutcome): void {
    this.#advance(now)
    if (pass !== this.#epoch) return
    if (this.#state === 'half-open') {
      if (outcome === 'failure') this.#become('open', now)
      else if (outcome === 'abandon') this.#probing--
      else if (++this.#succeeded >= this.#policy.probes) this.#become('closed', now)
    } else if (outcome !== 'abandon') this.#count(now, outcome === 'failure')
  }

  #become(next: BreakerState, now: number): void {
    this.#state = next
    this.#epoch++
    this.#probing = 0
    this.#succeeded = 0
    this.#calls.fill(0)
    this.#errors.fill(0)
    if (next === 'open') this.#openedAt = now
  }

  #advance(now: number): void {
    if (this.#state === 'open' && now >= this.#openedAt + this.#policy.openSeconds) this.#become('half-open', now)
    const slot = Math.floor(now / this.#slotSeconds)
    for (let s = Math.max(this.#newestSlot + 1, slot - slots + 1); s <= slot; s++) {
      this.#calls[placeOf(s)] = 0
      this.#errors[placeOf(s)] = 0
    }
    this.#newestSlot = Math.max(this.#newestSlot, slot)
  }

  #count(now: number, failed: boolean): void {
    const place = placeOf(Math.floor(now / this.#slotSeconds))
    this.#calls[place] = (this.#calls[place] as number) + 1
    if (!failed) return
    this.#errors[place] = (this.#errors[place] as number) + 1
    const total = sum(this.#calls)
    if (total >= breakerMinimumCalls && sum(this.#errors) >= this.#policy.errors * total) this.#become('open', now)
  }
}

/** Times may be negative. */
const placeOf = (slot: number): number => ((slot % slots) + slots) % slots

const sum = (counts: Float64Array): number => {
  let total = 0
  for (let slot = 0; slot < slots; slot++) total += counts[slot] as number
  return total
}
