import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { engineRegistry } from '../catalog/index.js'
import { parsePriceList } from '../catalog/prices/file.js'
import { type PriceList, shippedPrices } from '../catalog/prices/list.js'
import type { Finding, Severity } from '../contract/finding.js'
import { suggestion } from '../lib/did-you-mean.js'
import { usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { capacityPlan } from '../plan/capacity.js'
import { isRuleId, reviewedBy, ruleIds } from '../plan/rules/index.js'
import { renderMarkdown } from '../report/document.js'
import { paintFor } from '../report/paint.js'
import { planDocument, renderPlan } from '../report/plan.js'
import { readText, readTopologyFile } from '../system/files.js'
import { parseTopology } from '../topology/parse.js'
import type { Topology } from '../topology/types.js'
import type { CommandHandler, Invocation } from './command.js'
import { printJson } from './json.js'
import { isAsked, modeOf } from './plan-mode.js'
import type { MoreRequest } from './plan-more.js'

/** Findings are advice, not a verdict: a plan that was made ends with 0, unless --fail-on says which of them are more. */
export const run: CommandHandler = async (invocation): Promise<ExitCode> => {
  const { args, options, host } = invocation
  const [file = ''] = args
  const failOn = failOnOf(options.failOn)
  const only = rulesOf(options.rule)
  refuseTogether(options)
  if (options.target !== undefined)
    return (await import('./plan-target.js')).planTarget(invocation, await pricesOf(options.prices, host.cwd))
  const mode = modeOf(options)
  const { text, ...source } = await readTopologyFile(resolve(host.cwd, file), { file })
  const parse = (from: string): Topology => parseTopology(from, { ...source, registry: engineRegistry })
  const prices = await pricesOf(options.prices, host.cwd)
  if (options.fix === true) {
    const { fixTopology } = await import('./plan-fix.js')
    const { findings } = await fixTopology({
      host,
      options,
      path: resolve(host.cwd, file),
      file,
      text,
      parse,
      only,
      prices,
    })
    return verdict(findings, failOn)
  }
  if (mode !== undefined) {
    const request: MoreRequest = {
      host,
      options,
      file,
      text,
      parse: (settings) => parseTopology(text, { ...source, registry: engineRegistry, settings }),
      plan: (topology) => reviewedBy(capacityPlan(topology, undefined, prices), only),
      prices,
    }
    if (mode === 'why') {
      const { planWhy } = await import('./plan-why.js')
      return planWhy({ ...request, source: { text, ...source } })
    }
    const { planMore } = await import('./plan-more.js')
    await planMore(mode, request)
    return exitCodes.ok
  }
  optimizeLate()
  const topology = parse(text)
  const middle = reviewedBy(capacityPlan(topology, undefined, prices), only)
  const plan =
    topology.uncertain.length === 0
      ? middle
      : (await import('./plan-uncertainty.js')).withUncertainty(middle, {
          options,
          topology,
          parse: (settings) => parseTopology(text, { ...source, registry: engineRegistry, settings }),
          prices,
        })
  const { headroom } = topology.policy
  if (options.json === true) printJson(host, plan)
  else if (options.md === true) host.stdout.write(renderMarkdown(planDocument(plan, headroom)))
  else
    host.stdout.write(
      renderPlan(plan, {
        columns: Math.min(host.stdout.columns, 100),
        paint: paintFor(host.stdout.color),
        headroom,
      }),
    )
  return verdict(plan.findings, failOn)
}

/** What runs for a tenth of a second is over before V8 has optimized it, for which a second core would work as long. Eight times the usual budget. */
const optimizeLate = (): void => setFlagsFromString('--interrupt-budget=1000000')

type Level = Exclude<Severity, 'info'>

const failOnOf = (value: Invocation['options'][string]): Level | undefined =>
  value === 'error' || value === 'warning' ? value : undefined

const verdict = (findings: readonly Finding[], failOn: Level | undefined): ExitCode => {
  const fails = ({ severity }: Finding): boolean =>
    failOn !== undefined && (severity === 'error' || severity === failOn)
  return findings.some(fails) ? exitCodes.doesNotHold : exitCodes.ok
}

const rulesOf = (value: Invocation['options'][string]): ReadonlySet<string> | undefined => {
  const ids = typeof value === 'string' ? [value] : Array.isArray(value) ? (value as readonly string[]) : []
  if (ids.length === 0) return undefined
  const unknown = ids.find((id) => !isRuleId(id))
  if (unknown !== undefined)
    throw usageError(
      `--rule: there is no review rule "${unknown}"`,
      suggestion(unknown, ruleIds) ?? `one of: ${ruleIds.join(', ')}`,
    )
  return new Set(ids)
}

const notWithTarget = ['fix', 'rule', 'failOn', 'sweep', 'sensitivity', 'growth', 'explain'] as const

const refuseTogether = (options: Invocation['options']): void => {
  if (options.dryRun === true && options.fix !== true)
    throw usageError('--dry-run has a meaning only beside --fix', 'plan alone writes nothing')
  const other = notWithTarget.find((name) => isAsked(options[name]))
  if (options.target !== undefined && other !== undefined)
    throw usageError(
      `--target and --${other === 'failOn' ? 'fail-on' : other} are two answers`,
      'ask for one at a time',
    )
  if (options.target === undefined && options.prove !== undefined)
    throw usageError('--prove has a meaning only beside --target', 'such as --target 3000/s')
  if (options.json === true && options.md === true) throw usageError('--json and --md are two formats', 'choose one')
}

/** The price list that --prices names, else the one that we ship. */
const pricesOf = async (file: unknown, cwd: string): Promise<PriceList> =>
  typeof file === 'string' ? parsePriceList(await readText(resolve(cwd, file), file), file) : shippedPrices
