/** What a system is to be sized for: `12000users`, `3000/s`. */
import { meanSeconds } from '../../lib/distribution.js'
import { usageError } from '../../lib/errors.js'
import { perSecond, seconds } from '../../lib/words.js'
import type { Topology } from '../../topology/types.js'
import { responseSeconds, solveAt } from './solved.js'

export type Target = { readonly users: number } | { readonly ratePerSecond: number }

const factors: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** Throws a usage error for what is neither users nor a rate. */
export const parseTarget = (text: string): Target => {
  const users = /^([1-9]\d*)\s*users?$/.exec(text.trim())
  if (users !== null) return { users: Number(users[1]) }
  const rate = /^(\d+(?:\.\d+)?)\/([smh])$/.exec(text.trim())
  const perSecond = Number(rate?.[1]) / (factors[rate?.[2] ?? 's'] ?? 1)
  if (rate !== null && perSecond > 0) return { ratePerSecond: perSecond }
  throw usageError(`--target: expected users or a rate, got "${text}"`, 'such as 12000users or 3000/s')
}

/** The load that a target means for a topology. */
export interface SizedLoad {
  /** Requests of the mix. */
  readonly ratePerSecond: number
  readonly users: number | null
  readonly thinkSeconds: number | null
  /** How the rate follows. */
  readonly sentence: string
  /** As `--set` takes it: the traffic of the target. */
  readonly settings: readonly string[]
}

/**
 * Users ask for at most N/(R + Z), R being the response alone (interactive response time law): a plan for that rate is one for all that they
 * can ask for, however fast it answers. Throws a usage error for users of a topology that does not say how long they think.
 */
export const loadOf = (topology: Topology, target: Target, thinkSeconds?: number): SizedLoad => {
  if ('ratePerSecond' in target)
    return {
      ratePerSecond: target.ratePerSecond,
      users: null,
      thinkSeconds: null,
      sentence: `${perSecond(target.ratePerSecond)} of the mix`,
      // What else the file says of its open traffic stays: where it comes from, and whose requests a limit per client counts.
      settings: [
        topology.traffic?.mode === 'open'
          ? `traffic.rate=${decimal(target.ratePerSecond)}/s`
          : `traffic={ rate: ${decimal(target.ratePerSecond)}/s }`,
      ],
    }
  const { traffic } = topology
  if (thinkSeconds === undefined && traffic?.mode !== 'closed')
    throw usageError(
      `--target ${target.users}users: "${topology.name}" does not say how long users think`,
      `add --set "traffic={ users: ${target.users}, thinkTime: 3s }", or give a rate: --target 3000/s`,
    )
  const declared = traffic?.mode === 'closed' ? meanSeconds(traffic.thinkTime) : 0
  const think = thinkSeconds ?? declared
  const alone = responseSeconds(solveAt({ topology, ratePerSecond: 1e-6 }))
  const ratePerSecond = target.users / (think + alone)
  return {
    ratePerSecond,
    users: target.users,
    thinkSeconds: think,
    sentence: `${target.users} users / (${seconds(think)} of thought + ${seconds(alone)} of response alone) = ${perSecond(Math.round(ratePerSecond))}`,
    settings:
      thinkSeconds === undefined || thinkSeconds === declared
        ? [`traffic.users=${target.users}`]
        : [`traffic={ users: ${target.users}, thinkTime: ${decimal(think)}s }`],
  }
}

/** Eight significant digits, without an exponent. */
export const decimal = (value: number): string => {
  const text = String(Number(value.toPrecision(8)))
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text
}
