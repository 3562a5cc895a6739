/** A thread of the simulation pool: plays one job after the other (src/run/simulation-pool.ts). */
import { parentPort, workerData } from 'node:worker_threads'
import { PlimsollError } from '../lib/errors.js'
import { type FromSimulationWorker, type PoolPlan, playJob, type ToSimulationWorker } from '../run/simulation-job.js'

const port = parentPort
if (port === null) throw new Error('the simulation worker runs in a thread of plimsoll, not by itself')
const { source } = workerData as PoolPlan
const tell = (message: FromSimulationWorker): void => port.postMessage(message)
const now = (): number => performance.now() / 1000

port.on('message', async ({ id, job }: ToSimulationWorker) => {
  try {
    const result = await playJob(source, job, now, async (share) => {
      tell({ type: 'progress', id, share })
      return true
    })
    if (result !== undefined) tell({ type: 'done', id, result })
  } catch (error) {
    if (!(error instanceof PlimsollError)) throw error
    tell({ type: 'failed', id, exitCode: error.exitCode, problems: error.problems })
  }
})
