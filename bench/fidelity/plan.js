// What a session measures, and how near the prediction must come.

const wide = { p50: 0.2, p95: 0.25, host: 0.04, throughput: 0.15 }

export const placements = {
  pinned: {
    runtime: 'process',
    pin: { generator: [1], stack: [0] },
    bounds: { p50: 0.1, p95: 0.15, host: 0.03, throughput: 0.1 },
  },
  unpinned: { runtime: 'process', pin: undefined, bounds: wide },
  compose: {
    runtime: 'compose',
    pin: undefined,
    bounds: wide,
    /** Cores' worth of CPU: together nearly the two cores that the generator uses, too. */
    quotas: { edge: 0.3, app: 0.4, cache: 0.3, db: 0.5 },
  },
}

/** A mix that calibration has not seen: twice as many of the dear requests. */
export const otherMix = { 'get-route': 0.8, optimize: 0.2 }

/** Users without think time, more than the stack can serve at once. */
export const saturatingUsers = 48

/** So that calibration can tell the classes apart, it sees its loads with a little more of the dear requests, too (as `calibrate --loads`). */
export const tiltedMix = { 'get-route': 0.775, optimize: 0.225 }

/**
 * In the order in which a round of a session plays them, each for a few seconds. What system calls and wake-ups cost on a virtual machine
 * changes by a third within half a minute, as others use its host; rounds spread that over all points.
 */
export const points = [
  { name: 'load-10', share: 0.1, calibrates: true },
  { name: 'load-30', share: 0.3 },
  { name: 'load-45', share: 0.45, calibrates: true },
  { name: 'load-60', share: 0.6 },
  { name: 'load-10-tilted', share: 0.1, mix: tiltedMix, calibrates: true },
  { name: 'mix-60', share: 0.6, mix: otherMix },
  { name: 'load-45-tilted', share: 0.45, mix: tiltedMix, calibrates: true },
  { name: 'load-75', share: 0.75 },
  { name: 'closed', users: saturatingUsers },
]

/** Of the rounds of a session, how many must have played a point undisturbed. */
export const enoughOf = (rounds) => Math.ceil((2 * rounds) / 3)
