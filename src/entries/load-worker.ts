/** The load worker's thread: one load generator, told what to do by src/load/start.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { PlimsollError } from '../lib/errors.js'
import { threadAlarm } from '../load/alarm.js'
import { now } from '../load/clock.js'
import { startGenerator } from '../load/generator.js'
import type { FromWorker, ToWorker } from '../load/messages.js'
import { threadCpuReader } from '../load/thread-cpu.js'
import type { WorkerPlan } from '../load/worker-plan.js'

const port = parentPort
if (port === null) throw new Error('the load worker runs in a thread of plimsoll, not by itself')
const plan = workerData as WorkerPlan
const tell = (message: FromWorker): void => port.postMessage(message)

const generator = startGenerator(plan, {
  now,
  makeAlarm: (ring) => threadAlarm(new URL('./load-alarm.js', import.meta.url), ring),
  threadCpuSeconds: threadCpuReader(),
  onStarted: (startsAt) => tell({ type: 'started', startsAt }),
  onSecond: (second) => tell({ type: 'second', second }),
  requestIdPrefix: `${plan.seed.toString(36)}-${Date.now().toString(36)}-`,
})

port.on('message', (message: ToWorker) => {
  if (message.type === 'stop') generator.stop(message.graceSeconds)
  else {
    const mark = message.type === 'mark' ? generator.mark(message.fault) : generator.markInForce(message.fault)
    tell({ type: 'marked', id: message.id, mark })
  }
})

try {
  tell({ type: 'done', result: await generator.done })
} catch (error) {
  if (!(error instanceof PlimsollError)) throw error
  tell({ type: 'failed', exitCode: error.exitCode, problems: error.problems })
} finally {
  port.close()
}
