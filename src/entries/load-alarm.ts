/** The thread of src/load/alarm.ts: sleeps until the time that it finds in shared memory, and says so. */
import { type MessagePort, workerData } from 'node:worker_threads'
import { alarmMemory, leadSeconds } from '../load/alarm.js'
import { now } from '../load/clock.js'
import { threadCpuReader } from '../load/thread-cpu.js'

const { memory, port } = workerData as { memory: SharedArrayBuffer; port: MessagePort }
const { words, doubles } = alarmMemory
const int32 = new Int32Array(memory)
const float64 = new Float64Array(memory)
const cpuSeconds = threadCpuReader()
/** Reading it is a system call and a file: not at every ring. */
const cpuEverySeconds = 0.1
let cpuReadAt = 0

port.postMessage(0)
while (Atomics.load(int32, words.closing) === 0) {
  const version = Atomics.load(int32, words.version)
  const wait = (float64[doubles.dueAt] ?? Number.POSITIVE_INFINITY) - leadSeconds - now()
  if (wait > 0) {
    Atomics.wait(int32, words.version, version, wait * 1000)
    continue
  }
  port.postMessage(0)
  if (now() > cpuReadAt + cpuEverySeconds) {
    float64[doubles.cpuSeconds] = cpuSeconds()
    cpuReadAt = now()
  }
  Atomics.wait(int32, words.version, version)
}
float64[doubles.cpuSeconds] = cpuSeconds()
port.close()
