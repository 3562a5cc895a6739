import type { Fault, FaultTarget } from './types.js'

/** As it is written in an experiment, in results and in messages: `app`, `app/0`, `app -> db`, `host:app`, `zone:a`, `all`. */
export const targetText = (target: FaultTarget): string => {
  switch (target.kind) {
    case 'component':
      return target.component
    case 'instance':
      return `${target.component}/${target.index}`
    case 'edge':
      return `${target.from} -> ${target.to}`
    case 'host':
      return `host:${target.host}`
    case 'zone':
      return `zone:${target.zone}`
    case 'request':
      return target.request
    case 'all':
      return 'all'
  }
}

export const faultText = (fault: Pick<Fault, 'kind' | 'target'>): string => `${fault.kind} ${targetText(fault.target)}`
