/**
 * The process that owns a system that is up. Started by `plimsoll up` with its working directory in the system's folder,
 * so that `down` finds it like any other process of the system, also when it was killed before it wrote a word.
 */
import { engines } from '../catalog/index.js'
import { runtimeOf } from '../deploy/runtime/runtimes.js'
import { supervise } from '../deploy/runtime/supervise.js'
import { loadTopology } from '../system/files.js'
import { machine } from '../system/machine.js'

const controller = new AbortController()
const aborted = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort(signal))

/** Until the system is healthy it lives and dies with the `up` that started it. */
const orphaned = (): void => controller.abort('SIGTERM')
process.on('disconnect', orphaned)
process.on('message', (message: { readonly type?: string }) => {
  if (message.type === 'abort') controller.abort('SIGTERM')
})

await supervise(process.cwd(), {
  machine,
  engines,
  runtimeOf,
  loadTopology: async (file) => loadTopology(file),
  tell: (message) =>
    new Promise((resolve) => {
      if (process.connected && process.send !== undefined) process.send(message, () => resolve())
      else resolve()
    }),
  signal: controller.signal,
  aborted,
  detach: () => {
    process.off('disconnect', orphaned)
  },
})
if (process.connected) process.disconnect()
process.exit(0)
