/** The text of an experiment with one steady load, for measurements that plimsoll makes by itself. */

export interface SteadyLoad {
  readonly name: string
  /** Path of the topology. */
  readonly topology: string
  readonly seed: number
  readonly level: { readonly ratePerSecond: number } | { readonly users: number }
  readonly seconds: number
  readonly warmupSeconds: number
  /** Shares by class, 0…1; undefined: the topology's. */
  readonly mix?: Readonly<Record<string, number>> | undefined
  /** Cores by component, `stack` or `generator`. */
  readonly pin?: Readonly<Record<string, readonly number[]>> | undefined
}

/** Six significant digits, without an exponent. */
const decimal = (value: number): string => String(Number(value.toPrecision(6)))

export const steadyText = (load: SteadyLoad): string => {
  const { level, seconds, warmupSeconds, mix, pin } = load
  const isOpen = 'ratePerSecond' in level
  const hold = isOpen ? `${decimal(level.ratePerSecond)}/s` : `${Math.round(level.users)}`
  const shares = Object.entries(mix ?? {}).map(([id, share]) => `${id}: ${decimal(share * 100)}%`)
  const pins = Object.entries(pin ?? {}).map(([id, cores]) => `${id}: [${cores.join(', ')}]`)
  return `apiVersion: plimsoll/v1
kind: Experiment
name: ${load.name}
topology: ${JSON.stringify(load.topology)}
seed: ${load.seed}
load:
  mode: ${isOpen ? 'open' : 'closed'}
${isOpen ? '  arrivals: poisson\n' : '  thinkTime: 0s\n'}${shares.length === 0 ? '' : `  mix: { ${shares.join(', ')} }\n`}\
  stages: [{ hold: ${hold}, for: ${decimal(seconds)}s }]
warmup: ${decimal(warmupSeconds)}s
${pins.length === 0 ? '' : `placement: { pin: { ${pins.join(', ')} } }\n`}`
}
