/** Plays simulations, in this thread or in several. */
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { invalidInput, PlimsollError } from '../lib/errors.js'
import type { RunResult } from '../result/run-result.js'
import { type FromSimulationWorker, playJob, type SimulationJob, type ToSimulationWorker } from './simulation-job.js'
import type { SimulationSource } from './source.js'

export interface PoolOptions {
  readonly source: SimulationSource
  /** At least 1; 1 plays in this thread. */
  readonly threads: number
  /** Aborted: every thread ends, and the answer is false. */
  readonly signal: AbortSignal
  /** Monotonic seconds. */
  readonly now: () => number
  /** The share (0…1) of a job that is done, some ten times a second. */
  readonly onProgress: (id: number, share: number) => void
}

/** What there is to play. What it makes of the results must not depend on the order in which they come. */
export interface Work {
  /** Undefined: nothing now; there may be more when a result has come. */
  next(): { readonly id: number; readonly job: SimulationJob } | undefined
  /** Throws to give up. */
  take(id: number, result: RunResult): void
  readonly done: boolean
}

/**
 * Plays until the work is done; false: it was interrupted. Rejects with what a simulation, or `take`, threw. No thread is
 * left when it settles.
 */
export const playAll = async (options: PoolOptions, work: Work): Promise<boolean> =>
  options.threads <= 1 ? playHere(options, work) : playInThreads(options, work)

const playHere = async ({ source, signal, now, onProgress }: PoolOptions, work: Work): Promise<boolean> => {
  for (let next = work.next(); next !== undefined && !work.done; next = work.next()) {
    const { id, job } = next
    const result = await playJob(source, job, now, async (share) => {
      onProgress(id, share)
      // Lets signals through.
      await setImmediate()
      return !signal.aborted
    })
    await setImmediate()
    if (result === undefined || signal.aborted) return false
    onProgress(id, 1)
    work.take(id, result)
  }
  return true
}

const outOfMemory = ({ code }: NodeJS.ErrnoException): PlimsollError | undefined =>
  code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? invalidInput({
        message: 'a simulation needs more memory than a thread has',
        why: 'requests in flight, and what happened in every interval, are kept in memory',
        hint: 'a shorter load, or less of it beyond what the system carries',
      })
    : undefined

/** The built entry, also when this file runs from its source (tests). */
const entry = new URL('../../dist/entries/simulation-worker.js', import.meta.url)

/** The same in threads of their own, also where that is only one. */
export const playInThreads = async (options: PoolOptions, work: Work): Promise<boolean> => {
  const { signal, source, threads } = options
  const workers: Worker[] = []
  const idle = new Set<Worker>()
  let interrupt = (): void => {}
  try {
    if (signal.aborted) return false
    return await new Promise<boolean>((resolve, reject) => {
      interrupt = () => resolve(false)
      signal.addEventListener('abort', interrupt, { once: true })
      const feed = (): void => {
        for (const worker of idle) {
          const next = work.next()
          if (next === undefined) return
          idle.delete(worker)
          worker.postMessage(next satisfies ToSimulationWorker)
        }
      }
      const hear = (worker: Worker, message: FromSimulationWorker): void => {
        if (message.type === 'failed') throw new PlimsollError(message.exitCode, message.problems)
        options.onProgress(message.id, message.type === 'done' ? 1 : message.share)
        if (message.type === 'progress') return
        idle.add(worker)
        work.take(message.id, message.result)
        if (work.done) resolve(true)
        else feed()
      }
      for (let i = 0; i < threads; i++) {
        const worker = new Worker(entry, { workerData: { source }, name: 'plimsoll-simulation', execArgv: [] })
        workers.push(worker)
        idle.add(worker)
        worker.on('error', (error: NodeJS.ErrnoException) => reject(outOfMemory(error) ?? error))
        worker.on('exit', (code) => reject(new Error(`a simulation thread ended with ${code}`)))
        worker.on('message', (message: FromSimulationWorker) => {
          try {
            hear(worker, message)
          } catch (error) {
            reject(error)
          }
        })
      }
      feed()
    })
  } finally {
    signal.removeEventListener('abort', interrupt)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
