/** A run as it happens: one short line per moment, for a terminal's live line and for logs. */
import { failuresOf } from '../result/counts.js'
import { mergeHistograms } from '../result/merge.js'
import { type RunEvent, type SecondEvent, secondsIn } from '../result/run-event.js'
import { formatNumber, formatRatio, formatSeconds } from './quantity.js'

const clock = (at: number): string => `${at.toFixed(1).padStart(6)} s`

/** Rate of successes, p95, errors and requests in flight over some seconds, which end with the last of them. */
export const secondsLine = (seconds: readonly SecondEvent[], faults: readonly string[]): string => {
  const last = seconds.at(-1)
  if (last === undefined) return ''
  const classes = seconds.flatMap((second) => second.requests.all ?? [])
  const ok = classes.reduce((sum, one) => sum + one.ok, 0)
  const degraded = classes.reduce((sum, one) => sum + one.degraded, 0)
  const errors = classes.reduce((sum, one) => sum + failuresOf(one.errors), 0)
  const latency = mergeHistograms(classes.map((one) => one.histogram)).latency()
  const busiest = Object.entries(last.components).sort(([, a], [, b]) => b.cpu - a.cpu)[0]
  return [
    clock(last.at),
    `${formatNumber(Math.round(ok / secondsIn(seconds)))}/s`,
    `p95 ${formatSeconds(latency?.p95)}`,
    `errors ${errors}`,
    ...(degraded > 0 ? [`degraded ${degraded}`] : []),
    `in flight ${last.requests.all?.inFlight ?? 0}`,
    ...(busiest === undefined ? [] : [`${busiest[0]} cpu ${formatRatio(busiest[1].cpu)}`]),
    ...faults,
  ].join('  ')
}

/** What is worth a line of its own; undefined: it is not. */
export const eventLine = (event: RunEvent, injectedAt: number | undefined): string | undefined => {
  switch (event.type) {
    case 'fault': {
      const what = `${event.kind} ${event.target}`
      if (event.phase === 'injected')
        return `${clock(event.at)}  ${what}: injected, ${event.inFlight} requests in flight`
      if (event.phase === 'undone') return `${clock(event.at)}  ${what}: undone`
      return `${clock(event.at)}  ${what}: failed: ${event.message ?? 'no reason given'}`
    }
    case 'detected': {
      const after =
        injectedAt === undefined ? '' : ` ${formatSeconds(Math.max(0, event.at - injectedAt))} after it struck`
      return `${clock(event.at)}  ${event.by} noticed that ${event.instance} is gone${after}`
    }
    case 'instance':
      return `${clock(event.at)}  ${event.instance} is ${event.state}`
    case 'recovered':
      // The supervisor's word is that the instance is ready, which has been told.
      return event.by === 'supervisor'
        ? undefined
        : `${clock(event.at)}  ${event.by} noticed that ${event.instance} is back`
    case 'scaled':
      return `${clock(event.at)}  ${event.component}: from ${event.from} to ${event.to} replicas: ${event.reason}`
    case 'aborted':
      return `${clock(event.at)}  aborted: ${event.reason}`
    case 'note':
      return `${clock(event.at)}  ${event.message}`
    case 'phase':
      return event.phase === 'measure' && event.at > 0 ? `${clock(event.at)}  warm-up is over, measuring` : undefined
    default:
      return undefined
  }
}
