/** Topology → files by path. Pure and byte-deterministic: no time, no machine, stable order. */
import { generatedMark } from '../../catalog/header.js'
import { suggestion } from '../../lib/did-you-mean.js'
import { notYet, usageError } from '../../lib/errors.js'
import type { Topology } from '../../topology/types.js'
import { composeTarget } from './compose.js'
import { grafanaTarget, prometheusTarget } from './monitoring.js'
import { nginxTarget } from './nginx.js'

const targets = {
  nginx: nginxTarget,
  prometheus: prometheusTarget,
  grafana: grafanaTarget,
  compose: composeTarget,
} as const

export type GenerateTarget = keyof typeof targets
export const generateTargets = Object.keys(targets) as readonly GenerateTarget[]

/** Named in the grammar (`generate.<target>`), not written yet. */
const later: ReadonlySet<string> = new Set(['haproxy', 'kubernetes', 'helm', 'terraform', 'redis', 'postgres'])

/** The target of that name; throws a usage error, or `notYet` for one that is only named so far. */
export const generateTarget = (name: string): GenerateTarget => {
  const target = generateTargets.find((known) => known === name)
  if (target !== undefined) return target
  if (later.has(name)) throw notYet(`generate --target ${name}`, undefined, `one of: ${generateTargets.join(', ')}`)
  throw usageError(`--target: there is no target "${name}"`, suggestion(name, generateTargets))
}

/** Files of all these targets by path, sorted by path; a file that two targets write is the same in both. */
export const generate = (
  topology: Topology,
  wanted: readonly GenerateTarget[] = generateTargets,
): ReadonlyMap<string, string> => {
  for (const [name, { patches }] of Object.entries(topology.generate))
    if (patches.length > 0 && !Object.hasOwn(targets, name))
      throw notYet(`generate.${name}.patches`, topology.source.locate(['generate', name]))
  const files = new Map<string, string>()
  for (const target of wanted) for (const [path, text] of targets[target](topology)) files.set(path, text)
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Did we write this file? The mark stands in its first lines. */
export const isGenerated = (text: string): boolean => text.slice(0, 400).includes(generatedMark)
