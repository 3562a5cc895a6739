/**
 * What each kind of fault strikes and takes. One table for the parser, the JSON schema and the documentation; what an
 * engine cannot inject yet is refused by name when it is run, not when it is read.
 */

import { count, percentage, positiveDuration, positiveSize, ratio } from '../lib/document/scalars.js'
import { about } from '../lib/document/schema.js'
import type { z } from '../lib/document/zod.js'
import type { FaultKind, FaultTarget } from './types.js'

export interface FaultSpec {
  /** One line for documentation and editors. */
  readonly summary: string
  readonly targets: readonly FaultTarget['kind'][]
  /** What it takes beside `at`; optional ones are zod-optional. Numbers in seconds, bytes and ratios. */
  readonly parameters: Readonly<Record<string, z.ZodType>>
  /** May be undone after `for`. */
  readonly lasts: boolean
  /** May say `restart: { after }`. */
  readonly restarts: boolean
  /** The simulator injects it, a running stack does. */
  readonly simulated: boolean
  readonly onStack: boolean
}

const spec = (
  summary: string,
  targets: FaultSpec['targets'],
  parameters: FaultSpec['parameters'] = {},
  flags: {
    readonly lasts?: boolean
    readonly restarts?: boolean
    readonly simulated?: boolean
    readonly onStack?: boolean
  } = {},
): FaultSpec => ({
  summary,
  targets,
  parameters,
  lasts: flags.lasts ?? true,
  restarts: flags.restarts ?? false,
  simulated: flags.simulated ?? true,
  onStack: flags.onStack ?? false,
})

const processes = ['component', 'instance'] as const
const machines = [...processes, 'host'] as const
const edge = ['edge'] as const
const process = { restarts: true, onStack: true } as const
const add = about('how much longer', positiveDuration)

export const faultSpecs: Readonly<Record<FaultKind, FaultSpec>> = {
  kill: spec('SIGKILL: requests in hand are lost', processes, {}, process),
  stop: spec('SIGTERM: a graceful stop that finishes what it has', processes, {}, process),
  restart: spec('stop, then start again at once', processes, {}, { lasts: false, onStack: true }),
  pause: spec('SIGSTOP: connections stay open, nothing answers', processes, {}, { onStack: true }),
  latency: spec('what passes takes longer', edge, { add, jitter: positiveDuration.optional() }),
  jitter: spec('what passes takes a random time longer, up to `add`', edge, { add }),
  loss: spec('a share of packets is lost', edge, { share: ratio }),
  partition: spec('nothing passes', [...edge, 'host', 'zone']),
  bandwidth: spec('at most this many bytes pass per second', edge, { perSecond: positiveSize }),
  reset: spec('connections are reset', edge, { share: ratio.optional() }),
  cpu: spec('something else burns this share of the cores', machines, { share: ratio }),
  memory: spec('something else takes this much memory', machines, { size: positiveSize }),
  'disk-full': spec('writes fail for want of space', machines),
  'slow-disk': spec('each disk operation takes longer', machines, { add }),
  flush: spec('a cache forgets everything', processes, {}, { lasts: false }),
  'exhaust-connections': spec('strangers take all connections but `leave`', processes, {
    leave: count(0, 1_000_000).optional(),
  }),
  poison: spec(
    'messages that no worker can handle',
    processes,
    { count: count(1, 1_000_000).optional() },
    { lasts: false },
  ),
  expire: spec(
    'a share of what is cached (default: all) expires at once',
    processes,
    { share: ratio.optional() },
    { lasts: false },
  ),
  'traffic-spike': spec('the rate of a class (or of all) is multiplied', ['all', 'request'], { factor: percentage }),
  'dependency-error': spec('a share of the answers of a dependency are errors', ['component', 'edge'], {
    share: ratio,
  }),
  'lose-host': spec('every instance on a host dies', ['host'], {}, { restarts: true }),
  'lose-zone': spec('every instance in a zone dies', ['zone'], {}, { restarts: true }),
}
