/**
 * Time without CPU. Timers count whole milliseconds, so a wait is rounded up or down at random such that its mean is
 * right: no spinning, hence no CPU. A single wait is off by less than a millisecond.
 */
import type { Cancellation } from './cancellation.js'
import type { Clock } from './clock.js'

/**
 * How late a timer or a pg_sleep fires on an idle machine, in milliseconds: the kernel's timer slack (50 µs) and the
 * wake-up. Measured 0.09…0.17 ms (Node 20, Linux, KVM). What a busy event loop adds is queueing, and is left alone.
 */
export const timerLatenessMilliseconds = 0.1

/** Whole milliseconds to ask a timer for, so that the mean of what passes is `seconds`. `uniform` is in [0, 1). */
export const timerMilliseconds = (seconds: number, uniform: number): number =>
  Math.max(0, Math.floor(seconds * 1000 - timerLatenessMilliseconds + uniform))

/** Resolves after `milliseconds`; rejects with the reason as soon as it is cancelled. */
export const pause = (clock: Clock, milliseconds: number, cancel: Cancellation): Promise<void> =>
  new Promise((resolve, reject) => {
    let forget: () => void = () => {}
    const stop = clock.after(milliseconds, () => {
      forget()
      resolve()
    })
    forget = cancel.onCancel(() => {
      stop()
      reject(cancel.reason)
    })
  })
