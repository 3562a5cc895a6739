import { cpus, release, totalmem, type } from 'node:os'

/** What a measurement was made on, for its result and for what is calibrated from it: `Intel Xeon × 2, 8 GiB, Linux 6.1`. */
export const machineName = (): string => {
  const processors = cpus()
  const model = processors[0]?.model.replaceAll(/\s+/g, ' ').trim() || 'CPU'
  const gib = Math.round(totalmem() / 1024 ** 3)
  return `${model} × ${processors.length}, ${gib} GiB, ${type()} ${release()}`
}
