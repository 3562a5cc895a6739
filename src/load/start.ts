import { Worker } from 'node:worker_threads'
import type { LoadPlan, LoadResult, LoadSecond, RunningLoad } from '../contract/load.js'
import { PlimsollError } from '../lib/errors.js'
import { clockOffsetSeconds } from './clock.js'
import type { Mark } from './generator.js'
import type { FromWorker, ToWorker } from './messages.js'
import { workerPlan } from './worker-plan.js'

/** The built entry, also when this file runs from its source (tests). */
const entry = new URL('../../dist/entries/load-worker.js', import.meta.url)

/**
 * Starts the load in a thread of its own, so that what else this process does cannot delay a request. Throws PlimsollError
 * at once for a plan that cannot be carried out; `started` and `done` reject with one when nothing answers. When `done` has
 * settled, no handle is left.
 */
export const startLoad = (plan: LoadPlan): RunningLoad => {
  const worker = new Worker(entry, { workerData: workerPlan(plan), name: 'plimsoll-load', execArgv: [] })
  const listeners: ((second: LoadSecond) => void)[] = []
  const marks = new Map<number, { resolve: (mark: Mark) => void; reject: (error: unknown) => void }>()
  const started = deferred<number>()
  const done = deferred<LoadResult>()
  let nextMark = 0
  let result: LoadResult | undefined
  let failure: unknown
  let over = false

  const tell = (message: ToWorker): void => worker.postMessage(message)
  const handlers: { [K in FromWorker['type']]: (message: Extract<FromWorker, { type: K }>) => void } = {
    started: ({ startsAt }) => started.resolve(startsAt - clockOffsetSeconds),
    second: ({ second }) => {
      for (const listener of listeners) listener(second)
    },
    marked: ({ id, mark }) => {
      marks.get(id)?.resolve(mark)
      marks.delete(id)
    },
    done: (message) => {
      result = message.result
    },
    failed: ({ exitCode, problems }) => {
      failure = new PlimsollError(exitCode, problems)
    },
  }
  worker.on('message', (message: FromWorker) => (handlers[message.type] as (message: FromWorker) => void)(message))
  worker.on('error', (error) => {
    failure ??= new Error(`the load generator failed: ${error.message}`, { cause: error })
  })
  worker.on('exit', (code) => {
    over = true
    const error = failure ?? new Error(`the load generator ended without a result (exit code ${code})`)
    for (const mark of marks.values()) mark.reject(error)
    marks.clear()
    started.reject(error)
    if (result === undefined || failure !== undefined) done.reject(error)
    else done.resolve(result)
  })

  const mark = (type: 'mark' | 'mark-in-force', fault: number): Promise<Mark> => {
    if (over) return Promise.reject(new Error('the load is over: there is nothing to mark'))
    const id = nextMark++
    const marked = new Promise<Mark>((resolve, reject) => marks.set(id, { resolve, reject }))
    tell({ type, id, fault })
    return marked
  }
  return {
    started: started.promise,
    done: done.promise,
    onSecond: (listener) => {
      listeners.push(listener)
    },
    mark: (fault) => mark('mark', fault),
    markInForce: (fault) => mark('mark-in-force', fault),
    stop: async (graceSeconds) => {
      if (!over) tell({ type: 'stop', graceSeconds })
      await done.promise.catch(() => {})
    },
  }
}

/** A promise with its two ends; a rejection that nobody waits for is no crash. */
const deferred = <T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } => {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}
