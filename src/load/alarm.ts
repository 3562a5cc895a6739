/**
 * Rings at a time to within about 0.1 ms while the event loop stays free. Node's own timers are good to 1 ms, which delays
 * a request by 0.5 ms on average (as much as a fast answer takes); polling with setImmediate takes a third of a core at 500
 * requests a second. So a second thread, which does nothing else, sleeps in Atomics.wait (microseconds) and wakes this one
 * by a message. Measured in docs/adr/0030.
 */
import { MessageChannel, Worker } from 'node:worker_threads'
import { now } from './clock.js'

export interface Alarm {
  /** Replaces what was set before. Rings once, never before `at` (seconds of `now()`). */
  set(at: number): void
  readonly ready: Promise<void>
  /** CPU-seconds used for it outside of this thread. */
  cpuSeconds(): number
  close(): Promise<void>
}

/** What the two threads share. Int32: a version that each setting increments, and whether to end. Float64: see `slots`. */
export const alarmMemory = {
  bytes: 32,
  words: { version: 0, closing: 1 },
  doubles: { dueAt: 1, cpuSeconds: 2 },
} as const

/** The thread rings this much early: what a message takes to arrive, mostly. The rest is polled away. */
export const leadSeconds = 60e-6

/** What is due within this time is polled for (setImmediate lets answers come in meanwhile), not worth a sleep. */
const pollSeconds = 120e-6

const { words, doubles } = alarmMemory

/** `entry`: src/entries/load-alarm.ts, built. */
export const threadAlarm = (entry: URL, ring: () => void): Alarm => {
  const memory = new SharedArrayBuffer(alarmMemory.bytes)
  const int32 = new Int32Array(memory)
  const float64 = new Float64Array(memory)
  const { port1, port2 } = new MessageChannel()
  const thread = new Worker(entry, { workerData: { memory, port: port2 }, transferList: [port2], execArgv: [] })
  // Its first message says that it runs.
  const ready = new Promise<void>((resolve) => port1.once('message', () => resolve()))
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  thread.on('error', (error) => {
    throw error
  })
  let dueAt = Number.POSITIVE_INFINITY
  let polling = false

  const wake = (): void => {
    float64[doubles.dueAt] = dueAt
    Atomics.add(int32, words.version, 1)
    Atomics.notify(int32, words.version)
  }
  const check = (): void => {
    polling = false
    const wait = dueAt - now()
    if (wait <= 0) {
      dueAt = Number.POSITIVE_INFINITY
      ring()
    } else if (wait < pollSeconds) poll()
    // Woken too early: by a ring for an earlier setting, or by a thread whose clock differs.
    else wake()
  }
  const poll = (): void => {
    if (polling) return
    polling = true
    setImmediate(check)
  }
  float64[doubles.dueAt] = dueAt
  port1.on('message', () => {
    if (!polling) check()
  })

  return {
    ready,
    set: (at) => {
      dueAt = at
      if (at - now() < pollSeconds) poll()
      else wake()
    },
    cpuSeconds: () => float64[doubles.cpuSeconds] ?? 0,
    close: async () => {
      dueAt = Number.POSITIVE_INFINITY
      Atomics.store(int32, words.closing, 1)
      wake()
      port1.close()
      await ended
    },
  }
}
