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
}

export const breaker = (policy: BreakerPolicy): BreakerMachine => {
  const slotSeconds = policy.windowSeconds / slots
  const calls = new Float64Array(slots)
  const errors = new Float64Array(slots)
  let newestSlot = Number.NEGATIVE_INFINITY
  let state: BreakerState = 'closed'
  let openedAt = 0
  let probing = 0
  let succeeded = 0
  /** Calls admitted before the last change of state tell nothing of the present one. */
  let epoch = 0

  const become = (next: BreakerState, now: number): void => {
    state = next
    epoch++
    probing = 0
    succeeded = 0
    calls.fill(0)
    errors.fill(0)
    if (next === 'open') openedAt = now
  }
  const advance = (now: number): void => {
    if (state === 'open' && now >= openedAt + policy.openSeconds) become('half-open', now)
    const slot = Math.floor(now / slotSeconds)
    for (let s = Math.max(newestSlot + 1, slot - slots + 1); s <= slot; s++) {
      calls[((s % slots) + slots) % slots] = 0
      errors[((s % slots) + slots) % slots] = 0
    }
    newestSlot = Math.max(newestSlot, slot)
  }
  const count = (now: number, failed: boolean): void => {
    const slot = ((Math.floor(now / slotSeconds) % slots) + slots) % slots
    calls[slot] = (calls[slot] ?? 0) + 1
    if (!failed) return
    errors[slot] = (errors[slot] ?? 0) + 1
    const total = calls.reduce((sum, n) => sum + n, 0)
    if (total >= breakerMinimumCalls && errors.reduce((sum, n) => sum + n, 0) >= policy.errors * total)
      become('open', now)
  }
  const settle = (admitted: number, now: number, outcome: 'success' | 'failure' | 'abandon'): void => {
    advance(now)
    if (admitted !== epoch) return
    if (state === 'half-open') {
      if (outcome === 'failure') become('open', now)
      else if (outcome === 'abandon') probing--
      else if (++succeeded >= policy.probes) become('closed', now)
    } else if (outcome !== 'abandon') count(now, outcome === 'failure')
  }
  const enter = (now: number): BreakerCall | undefined => {
    advance(now)
    if (state === 'open' || (state === 'half-open' && probing >= policy.probes)) return undefined
    if (state === 'half-open') probing++
    const admitted = epoch
    return {
      success: (at) => settle(admitted, at, 'success'),
      failure: (at) => settle(admitted, at, 'failure'),
      abandon: (at) => settle(admitted, at, 'abandon'),
    }
  }
  return {
    state: (now) => {
      advance(now)
      return state
    },
    enter,
  }
}
