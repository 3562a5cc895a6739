/** What is put down of steps and requests: latencies in batches, as `StepMeters` and `RequestLog` take them. */
import type { PlainTrack } from '../../request-log.js'
import type { StepMeter } from '../../step-meter.js'
import type { Layout } from './layout.js'
import { time } from './rows.js'

/** The step with this meter, which began at the time in this column, is over. */
export const stepOver = (layout: Layout, meter: StepMeter, began: 'stepBegan' | 'queryBegan'): string => {
  const size = layout.field('N', [meter], 'size')()
  return `count = ${size}
${layout.array(meter.latency)}[count] = now - ${time('row', began)}
count += 1
${size} = count
if (count === ${meter.latency.length}) {
${layout.handle(meter)}.size = count
${layout.handle(meter)}.sorted()
${size} = 0
}`
}

/** `part` of CPU is counted to the meter. */
export const stepCpu = (layout: Layout, meter: StepMeter | undefined): string =>
  meter === undefined ? '' : `${layout.field('F', [meter], 'cpuSeconds')()} += part`

/** The request in `row` has its answer; its latency is `seconds`. */
export const requestOver = (layout: Layout, track: PlainTrack, warmup: string): string => {
  const size = layout.field('N', [track], 'size')()
  return `count = ${size}
${layout.array(track.latency)}[count] = seconds
if (${time('row', 'began')} < ${warmup}) ${layout.handle(track)}.unmeasured(count)
count += 1
${size} = count
if (count === ${track.latency.length}) {
${layout.handle(track)}.size = count
${layout.handle(track)}.sort()
${size} = 0
}`
}
