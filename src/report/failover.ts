import type { FaultResult } from '../result/run-result.js'
import { formatSeconds } from './quantity.js'

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`

/** Each fault in one sentence: what it struck, who noticed how soon, what it cost, and when all was well again. */
export const failoverLines = (faults: readonly FaultResult[]): string[] =>
  faults.map((fault) => {
    const { kind, target, inFlightAtInjection, failedRequests, detectionSeconds, outageSeconds, recoverySeconds } =
      fault
    return [
      `${kind} ${target} with ${plural(inFlightAtInjection, 'request')} in flight`,
      detectionSeconds === null ? 'nothing noticed it' : `noticed after ${milliseconds(detectionSeconds)}`,
      `${plural(failedRequests, 'request')} failed`,
      ...(outageSeconds === null ? [] : [`no answer for at most ${milliseconds(outageSeconds)}`]),
      recoverySeconds === null
        ? 'not whole again'
        : // It counts full seconds: less than one is its resolution.
          `whole again ${recoverySeconds <= 1 ? 'within a second' : `after ${formatSeconds(recoverySeconds)}`}`,
    ].join('; ')
  })
